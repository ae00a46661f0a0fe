"""What the peers of stacked layers share: arguments, numbers, one way to take the time, and the line of figures.

The same as in `stacked.rs`, for the peers in Rust.
"""

import argparse
import json
import pathlib
import time

import numpy as np

BATCH, TEST_BATCH = 64, 100
COMPARED = 10  # steps whose losses are compared
RATE, MOMENTUM = 0.02, 0.9
# (N, C, H, W), kernels, their side, padding
LAYERS = {
    "S1": ((128, 1, 28, 28), 16, 3, 0),
    "S2": ((64, 8, 12, 12), 16, 5, 0),
    "S3": ((64, 16, 28, 28), 32, 3, 1),
    "S4": ((32, 64, 14, 14), 64, 3, 1),
    "S5": ((16, 128, 7, 7), 256, 3, 1),
}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=("layers", "lenet", "latency"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--window", type=float, default=120, help="milliseconds")
    parser.add_argument("--data", type=pathlib.Path, help="folder of MNIST's four files, raw; for latency of model.onnx too")
    return parser.parse_args()


def drawn(shape, seed, scale):
    """Numbers between -scale and scale, the same in every language: MurmurHash3's last steps over a counter."""
    word = np.uint64(0xFFFFFFFF)
    h = np.arange(np.prod(shape), dtype=np.uint64) + np.uint64((seed * 0x9E3779B9) & 0xFFFFFFFF) & word
    h ^= h >> np.uint64(16)
    h = h * np.uint64(0x85EBCA6B) & word
    h ^= h >> np.uint64(13)
    h = h * np.uint64(0xC2B2AE35) & word
    h ^= h >> np.uint64(16)
    return ((h / 4294967296 * 2 - 1).astype(np.float32) * np.float32(scale)).reshape(shape)


def layer(name):
    """Input (N, C, H, W), kernels (O, C, K, K), bias (O) and the padding."""
    shape, outputs, side, padding = LAYERS[name]
    kernels = drawn((outputs, shape[1], side, side), 2, 0.1)
    return drawn(shape, 1, 1.0), kernels, drawn((outputs,), 3, 0.1), padding


def lenet():
    """The LeNet's first parameters, in PyTorch's order of axes."""
    scales = 1 / 5, 1 / 200**0.5, 1 / 16
    shapes = (8, 1, 5, 5), (8,), (16, 8, 5, 5), (16,), (10, 256), (10,)
    return [drawn(shape, i + 1, scales[i // 2]) for i, shape in enumerate(shapes)]


def images(folder, part):
    """(N, 1, 28, 28), from 0 to 1."""
    pixels = np.fromfile(folder / f"{part}-images-idx3-ubyte", np.uint8)[16:]
    return pixels.reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)


def labels(folder, part):
    return np.fromfile(folder / f"{part}-labels-idx1-ubyte", np.uint8)[8:].astype(np.int64)


def places(count, batch):
    """Where batch after batch begins, over and over."""
    while True:
        yield from range(0, count - batch + 1, batch)


def checksum(numbers):
    """A sum in which a number's weight depends on its place."""
    numbers = np.asarray(numbers, np.float64).ravel()
    return float((numbers * (np.arange(numbers.size) % 7 - 2.5)).sum())


class Found:
    def __init__(self, version):
        self.line = {"version": version, "times": {}, "settings": {}, "checks": {}}

    def check(self, name, value):
        """A check that a program in several settings makes twice must come out the same, nearly."""
        first = self.line["checks"].setdefault(name, value)
        if not abs(value - first) <= 1e-4 * max(1.0, abs(first)):
            raise SystemExit(f"{name} is {value} in one setting and {first} in another")

    def time(self, name, window, call, setting=""):
        """Milliseconds a call: the fastest mean of three windows, and of the settings the best."""
        call()
        for _ in range(3):
            calls, start = 0, time.perf_counter()
            while True:
                call()
                calls += 1
                elapsed = time.perf_counter() - start
                if elapsed >= window / 1e3:
                    break
            ms = elapsed * 1e3 / calls
            if ms < self.line["times"].get(name, float("inf")):
                self.line["times"][name] = ms
                self.line["settings"][name] = setting
            if ms >= 3 * window:
                break  # a call that takes longer than all three windows

    def print(self):
        print("\n" + json.dumps(self.line), flush=True)
