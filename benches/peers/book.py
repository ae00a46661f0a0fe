"""What the peers share: the chapter's data, its first weights, and one way to take the time.

A peer builds a `train()` (one pass over the seven batches, returns how many it got right) and a
`prepare(chunk)` that returns a `test()` over chunks of that many test images. `measure` runs them and
prints one line of JSON.
"""

import argparse
import gzip
import json
import pathlib
import time

import numpy as np

TRAIN, BATCH, BATCHES, CLASSES = 1000, 128, 7, 10
SIDE, KERNEL, KERNELS = 28, 3, 16
OUT = SIDE - KERNEL  # the listing's 25 positions a side
POSITIONS, HIDDEN = OUT * OUT, OUT * OUT * KERNELS
ALPHA = 2
DELTA_SCALE = BATCH * BATCH  # the listing divides by the batch size twice
CHUNKS = (50, 100, 200, 500)


def arguments(**options):
    """--data, --iterations, and what the peer adds: name=(choices…), the first is the default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, help="folder of the four MNIST files, raw or .gz")
    parser.add_argument("--iterations", type=int, default=15)
    for name, choices in options.items():
        parser.add_argument("--" + name, choices=choices, default=choices[0])
    return parser.parse_args()


def read_idx(directory, name):
    path = pathlib.Path(directory, name)
    raw = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    rank = raw[3]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(np.frombuffer(raw, ">u4", rank, offset=4))


def load(directory):
    """(training images, labels), (test images, labels), all uint8; the first 1,000 training images."""
    (a, b), (c, d) = (
        (read_idx(directory, part + "-images-idx3-ubyte"), read_idx(directory, part + "-labels-idx1-ubyte"))
        for part in ("train", "t10k")
    )
    return (a[:TRAIN], b[:TRAIN]), (c, d)


def first_weights(random, dtype):
    """kernels (9, 16) and weights (10000, 10), as the listing draws them."""
    kernels = (0.02 * random.random_sample((KERNEL * KERNEL, KERNELS)) - 0.01).astype(dtype)
    weights = (0.2 * random.random_sample((HIDDEN, CLASSES)) - 0.1).astype(dtype)
    return kernels, weights


def sections(images):
    """images (N, 28, 28) -> (N * 625, 9)"""
    windows = np.lib.stride_tricks.sliding_window_view(images, (KERNEL, KERNEL), axis=(1, 2))[:, :OUT, :OUT]
    return np.ascontiguousarray(windows).reshape(-1, KERNEL * KERNEL)


def batches(array):
    return [array[i * BATCH : (i + 1) * BATCH] for i in range(BATCHES)]


def chunks(array, size):
    return [array[i : i + size] for i in range(0, len(array), size)]


def best_chunk(prepare):
    """The fastest test pass of the chunk sizes tried, each warmed up first: (chunk, test)."""
    best = None
    for chunk in CHUNKS:
        test = prepare(chunk)
        test()
        seconds = min(timed(test) for _ in range(2))
        if best is None or seconds < best[0]:
            best = (seconds, chunk)
        del test  # its sections are large: not two at a time
    return best[1], prepare(best[1])


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(version, detail, iterations, warm_up, seconds, test_accuracy):
    line = {
        "version": version,
        "times": {"iteration": seconds * 1e3 / iterations},
        "settings": {"iteration": detail},
        "checks": {f"test accuracy of I:{warm_up + iterations - 1}": test_accuracy},
        "test_accuracy": test_accuracy,
    }
    print("\n" + json.dumps(line), flush=True)


def measure(args, version, train, prepare, test_images):
    """One iteration to warm up (and compile), the best chunk found, then the time of the rest."""
    train()
    chunk, test = best_chunk(prepare)
    start = time.perf_counter()
    for _ in range(args.iterations):
        train()
        test_correct = test()
    seconds = time.perf_counter() - start
    detail = f"chunks of {chunk}"
    report(version, detail, args.iterations, 1, seconds, test_correct / test_images)
