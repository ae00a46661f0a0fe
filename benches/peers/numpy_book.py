"""The listing in NumPy, a batch at a time, its sections cut once: the same lines as the book in float64."""

import numpy as np

import book

args = book.arguments(dtype=("float32", "float64"))
dtype = np.dtype(args.dtype).type
random = np.random.RandomState(1)
(images, labels), (test_images, test_labels) = book.load(args.data)
kernels, weights = book.first_weights(random, dtype)

train_sections = [book.sections((x / 255).astype(dtype)) for x in book.batches(images)]
train_labels = [np.eye(book.CLASSES, dtype=dtype)[y] for y in book.batches(labels)]
alpha, scale = dtype(book.ALPHA), dtype(book.DELTA_SCALE)


def softmax(logits):
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True)


def train():
    global weights, kernels
    correct = 0
    for section, target in zip(train_sections, train_labels):
        layer_1 = np.tanh(section.dot(kernels)).reshape(book.BATCH, -1)
        mask = random.randint(2, size=layer_1.shape)
        layer_1 *= mask * 2
        layer_2 = softmax(layer_1.dot(weights))
        correct += int((layer_2.argmax(1) == target.argmax(1)).sum())
        layer_2_delta = (target - layer_2) / scale
        layer_1_delta = layer_2_delta.dot(weights.T) * (1 - layer_1**2)
        layer_1_delta *= mask
        weights += alpha * layer_1.T.dot(layer_2_delta)
        kernels -= alpha * section.T.dot(layer_1_delta.reshape(-1, book.KERNELS))
    return correct


def prepare(chunk):
    pieces = [book.sections((x / 255).astype(dtype)) for x in book.chunks(test_images, chunk)]
    answers = book.chunks(test_labels, chunk)

    def test():
        correct = 0
        for section, answer in zip(pieces, answers):
            layer_1 = np.tanh(section.dot(kernels)).reshape(len(answer), -1)
            correct += int((layer_1.dot(weights).argmax(1) == answer).sum())
        return correct

    return test


book.measure(args, np.__version__, train, prepare, len(test_images))
