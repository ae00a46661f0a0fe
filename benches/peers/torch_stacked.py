"""Convolution layers and a LeNet in PyTorch, in both layouts of memory; the better one counts, time by time."""

import torch
import torch.nn.functional as F
from torch import nn

import stacked

args = stacked.arguments()
torch.set_num_threads(args.threads)
found = stacked.Found(torch.__version__)
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def layers(layout, setting):
    def tensor(numbers):
        tensor = torch.from_numpy(numbers)
        return tensor.contiguous(memory_format=layout) if tensor.dim() == 4 else tensor

    for name in stacked.LAYERS:
        *numbers, padding = stacked.layer(name)
        x, w, b = map(tensor, numbers)
        with torch.inference_mode():
            y = F.conv2d(x, w, b, padding=padding)
            found.time(f"{name} forward", args.window, lambda: F.conv2d(x, w, b, padding=padding), setting)
        ones = torch.ones_like(y)  # in y's layout
        leaves = [t.clone().requires_grad_() for t in (x, w, b)]

        def both():
            for leaf in leaves:
                leaf.grad = None
            F.conv2d(*leaves, padding=padding).backward(ones)

        both()
        found.check(f"{name} output", stacked.checksum(y))
        for what, leaf in zip(("d_input", "d_kernels", "d_bias"), leaves):
            found.check(f"{name} {what}", stacked.checksum(leaf.grad))
        found.time(f"{name} both", args.window, both, setting)


def network(layout):
    net = nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    with torch.no_grad():
        for parameter, numbers in zip(net.parameters(), stacked.lenet()):
            parameter.copy_(torch.from_numpy(numbers))
    return net.to(memory_format=layout)


def lenet(layout, setting):
    train = torch.from_numpy(stacked.images(args.data, "train")).contiguous(memory_format=layout)
    labels = torch.from_numpy(stacked.labels(args.data, "train"))
    test = torch.from_numpy(stacked.images(args.data, "t10k")).contiguous(memory_format=layout)
    for fused in (False, True):
        net = network(layout)
        optimizer = torch.optim.SGD(net.parameters(), lr=stacked.RATE, momentum=stacked.MOMENTUM, fused=fused)
        places = stacked.places(len(train), stacked.BATCH)

        def step():
            place = next(places)
            optimizer.zero_grad(set_to_none=True)
            batch = slice(place, place + stacked.BATCH)
            loss = F.cross_entropy(net(train[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            return loss

        for number in range(stacked.COMPARED):
            found.check(f"loss {number + 1}", step().item())
        found.time("training", args.window / 2, step, setting + (", fused SGD" if fused else ""))

    net = network(layout).eval()
    with torch.inference_mode():
        found.check("logits", stacked.checksum(net(test[: stacked.TEST_BATCH])))
        places = stacked.places(len(test), stacked.TEST_BATCH)

        def infer():
            place = next(places)
            net(test[place : place + stacked.TEST_BATCH])

        found.time("inference", args.window / 2, infer, setting)
        image = test[:1].clone()
        found.time("latency", args.window / 2, lambda: net(image), setting)


for setting, layout in LAYOUTS.items():
    (layers if args.work == "layers" else lenet)(layout, setting)
found.print()
