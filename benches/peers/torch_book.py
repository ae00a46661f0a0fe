"""The listing in PyTorch: sections cut once and multiplied (`unfold`), or `conv2d` and its own gradient (`conv`)."""

import os

import numpy as np
import torch
import torch.nn.functional as F

import book

args = book.arguments(mode=("unfold", "conv"))
torch.set_num_threads(os.cpu_count())
torch.manual_seed(1)
(images, labels), (test_images, test_labels) = book.load(args.data)
kernels, weights = map(torch.from_numpy, book.first_weights(np.random.RandomState(1), np.float32))
if args.mode == "conv":  # its hidden units are kernel-major, the listing's position-major
    weights = weights.reshape(book.POSITIONS, book.KERNELS, -1).transpose(0, 1).reshape(weights.shape).contiguous()
SHAPE = (book.KERNELS, 1, book.KERNEL, book.KERNEL)


def layer_0(x):
    """What the first layer takes: sections (N * 625, 9), or images (N, 1, 27, 27) that give 25 x 25 positions."""
    x = (x / 255).astype(np.float32)
    if args.mode == "unfold":
        return torch.from_numpy(book.sections(x))
    return torch.from_numpy(np.ascontiguousarray(x[:, None, : book.SIDE - 1, : book.SIDE - 1]))


def forward(x):
    return x @ kernels if args.mode == "unfold" else F.conv2d(x, kernels.T.reshape(SHAPE))


def kernel_update(x, delta):
    if args.mode == "unfold":
        return x.T @ delta
    return torch.nn.grad.conv2d_weight(x, SHAPE, delta).reshape(book.KERNELS, -1).T


train_inputs = [layer_0(x) for x in book.batches(images)]
train_answers = [torch.from_numpy(y.astype(np.int64)) for y in book.batches(labels)]
train_targets = [F.one_hot(y, book.CLASSES).to(torch.float32) for y in train_answers]


def train():
    global weights, kernels
    correct = 0
    for x, answer, target in zip(train_inputs, train_answers, train_targets):
        output = forward(x)
        layer_1 = torch.tanh(output).reshape(book.BATCH, -1)
        mask = torch.randint(0, 2, layer_1.shape, dtype=torch.float32)
        layer_1 *= mask * 2
        layer_2 = torch.softmax(layer_1 @ weights, 1)
        correct += int((layer_2.argmax(1) == answer).sum())
        layer_2_delta = (target - layer_2) / book.DELTA_SCALE
        layer_1_delta = (layer_2_delta @ weights.T) * (1 - layer_1 * layer_1) * mask
        weights += book.ALPHA * (layer_1.T @ layer_2_delta)
        kernels -= book.ALPHA * kernel_update(x, layer_1_delta.reshape(output.shape))
    return correct


def prepare(chunk):
    pieces = [layer_0(x) for x in book.chunks(test_images, chunk)]
    answers = [torch.from_numpy(y.astype(np.int64)) for y in book.chunks(test_labels, chunk)]

    def test():
        correct = 0
        for x, answer in zip(pieces, answers):
            layer_1 = torch.tanh(forward(x)).reshape(len(answer), -1)
            correct += int(((layer_1 @ weights).argmax(1) == answer).sum())
        return correct

    return test


with torch.no_grad():
    book.measure(args, torch.__version__, train, prepare, len(test_images))
