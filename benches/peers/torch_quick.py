"""PyTorch's time to 99 % on MNIST: four small networks, each trained for one epoch, for two, and so on.

Every run is a schedule of its own (one cycle over its epochs), so what is timed is a whole training that ends at
the accuracy asked for, not a look at the test images after every epoch. Prints a line of JSON for each run.
"""

import argparse
import json
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import book


def conv_block(cin, cout, size, stride=1, pool=False):
    layers = [nn.Conv2d(cin, cout, size, stride, bias=False)]
    if pool:
        layers.append(nn.MaxPool2d(2))
    return [*layers, nn.BatchNorm2d(cout), nn.ReLU(inplace=True)]


NETWORKS = {
    # The recipe of this project, as it is.
    "quick": lambda: [
        nn.Conv2d(1, 8, 5, bias=False), nn.MaxPool2d(3), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        *conv_block(8, 64, 5), nn.Flatten(), nn.Linear(1024, 10),
    ],
    "lenet-bn": lambda: [*conv_block(1, 16, 5, pool=True), *conv_block(16, 32, 5, pool=True), nn.Flatten(), nn.Linear(512, 10)],
    "lenet": lambda: [
        nn.Conv2d(1, 8, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True),
        nn.Conv2d(8, 16, 5), nn.MaxPool2d(2), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Linear(256, 10),
    ],
    "strided": lambda: [*conv_block(1, 16, 5, 2), *conv_block(16, 32, 3, pool=True), nn.Flatten(), nn.Linear(800, 10)],
}
# Images of a batch, learning rate at the peak, weight decay, label smoothing.
SETTINGS = {"quick": (128, 0.8, 1e-3, 0.1), "lenet": (100, 0.05, 5e-4, 0.0)}
USUAL = (100, 0.2, 5e-4, 0.0)


def train(name, epochs, x, y, seed):
    torch.manual_seed(seed)
    start = time.perf_counter()
    net = nn.Sequential(*NETWORKS[name]())
    batch, rate, decay, smoothing = SETTINGS.get(name, USUAL)
    steps = epochs * (len(x) // batch)
    optimizer = torch.optim.SGD(net.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, cycle_momentum=False)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for first in range(0, len(x) - batch + 1, batch):
            index = order[first : first + batch]
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(net(x[index]), y[index], label_smoothing=smoothing).backward()
            optimizer.step()
            schedule.step()
    return net, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--target", type=float, default=0.99)
    parser.add_argument("--most-epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS))
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    sets = []
    for part in ("train", "t10k"):
        images = book.read_idx(args.data, part + "-images-idx3-ubyte").astype(np.float32) / 255
        labels = book.read_idx(args.data, part + "-labels-idx1-ubyte").astype(np.int64)
        sets.append((torch.from_numpy(images[:, None]), torch.from_numpy(labels)))
    (x, y), (test_x, test_y) = sets
    train("lenet", 1, x[:5000], y[:5000], 0)  # warm
    for name in args.networks:
        for epochs in range(1, args.most_epochs + 1):
            found, seconds = [], []
            for seed in range(args.seeds):
                net, time_taken = train(name, epochs, x, y, seed)
                net.eval()
                with torch.inference_mode():
                    answers = torch.cat([net(part).argmax(1) for part in test_x.split(1000)])
                found.append((answers == test_y).float().mean().item())
                seconds.append(time_taken)
            accuracy = float(np.median(found))
            line = {"version": torch.__version__, "network": name, "epochs": epochs, "seconds": float(np.median(seconds)), "accuracy": accuracy}
            print(json.dumps(line), flush=True)
            if accuracy >= args.target:
                break


main()
