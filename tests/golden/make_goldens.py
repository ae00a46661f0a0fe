#!/usr/bin/env python3
"""The golden runs of this folder, computed by NumPy in float64, apart from the project's own code.

Give it the trainer's own arguments and it prints what the trainer must print:

    python make_goldens.py book --seed 2 --iterations 40 --data DIR
    python make_goldens.py dense --data DIR

`python make_goldens.py all --data DIR` makes again every file that `cases.json` names (an hour on one
core), and with `--check` compares instead of writing. A NAME after `all` limits it to those cases.
DIR holds the four MNIST files, raw or .gz. NumPy is the only need (made with NumPy 2.4); the files do
not depend on its number of threads, but `OPENBLAS_NUM_THREADS=1` is kind to others.

The arithmetic is that of the listing of chapter 10 ("Grokking Deep Learning"), written for a batch at a
time where the listing goes section by section and test image by test image. What decides the digits:

* `RandomState(seed)` is the legacy MT19937 of `np.random.seed`. The order of the draws: kernels
  (k*k, kernels), then weights (hidden, 10), then for each batch one mask `randint(2, size)`.
* A hidden unit is `position * kernels + kernel`; positions and the pixels of a section are row-major.
* The listing's eight faults are reproduced, unless `--fix NAME` puts one right (see FIXES).
* An image's class is the first of its largest outputs. `closest` in `cases.json` is the smallest distance
  in a run between an image's two largest (logits of the test pass, probabilities in training): where it
  is below what the rounding of float32 does to them (some 1e-7), float32 alone cannot decide the line.
* `--combine sum|mean|max` pools the kernels at each position *after* the tanh: hidden is then the
  number of positions, and so is the width of the mask, which falls on the pooled value. Backward, the
  pooled delta goes to every kernel (sum), a `kernels`-th of it to each (mean), or all of it to the first
  of the largest (max); then comes each kernel's own tanh derivative.
"""

import argparse
import gzip
import io
import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent

# name: (what the listing does, what is right)
FIXES = {
    "kernel-sign": ("kernels -= alpha * update, though the delta is label - prediction", "+="),
    "last-position": ("range(28 - k) positions a side", "28 - k + 1"),
    "delta-scale": ("delta / (batch_size * images in the batch)", "/ images in the batch"),
    "tanh-derivative": ("1 - h**2 of the dropped and doubled h", "1 - t**2 of the tanh itself"),
    "dropout-gradient": ("backward times mask", "times mask * 2"),
    "train-denominator": ("correct / len(images)", "/ images seen"),
    "last-batch": ("images after the last whole batch never train", "a last, smaller batch"),
    "softmax-overflow": ("exp of the logits", "exp of the logits minus the row's maximum"),
}
CLASSES = 10
TEST_CHUNK = 100  # images a pass: the sections of more do not fit the caches


def read_idx(directory, name):
    """The bytes of one of the four files, as an array of uint8 of the rank and shape in its header."""
    path = pathlib.Path(directory, name)
    raw = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    rank = raw[3]
    shape = np.frombuffer(raw, ">u4", rank, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(args):
    """Training images (N, H, W) and labels (N), test images and labels; pixels in 0..1."""
    out = []
    for part, count in (("train", args.train_images), ("t10k", None)):
        images = read_idx(args.data, f"{part}-images-idx3-ubyte")[:count]
        labels = read_idx(args.data, f"{part}-labels-idx1-ubyte")[:count]
        if args.inverted:
            images = 255 - images
        out += [(images / 255).astype(args.dtype), labels.astype(np.int64)]
    if len(out[0]) < args.train_images:
        sys.exit(f"{args.data} holds {len(out[0])} training images, {args.train_images} are asked for")
    return out


def softmax(logits, fixes):
    if "softmax-overflow" in fixes:
        logits = logits - logits.max(axis=1, keepdims=True)
    e = np.exp(logits)
    return e / np.sum(e, axis=1, keepdims=True)


class Convolution:
    """Sections -> kernels -> tanh (-> pooling across kernels)."""

    def __init__(self, args, random, image_shape):
        self.size, self.count, self.combine = args.kernel_size, args.kernels, args.combine
        last = 1 if "last-position" in args.fix else 0
        self.rows, self.cols = (side - self.size + last for side in image_shape)
        self.kernels = (0.02 * random.random_sample((self.size**2, self.count)) - 0.01).astype(args.dtype)
        self.hidden = self.rows * self.cols * (self.count if self.combine == "none" else 1)
        self.sign = 1 if "kernel-sign" in args.fix else -1

    def forward(self, images):
        """images (N, H, W) -> layer_1 (N, hidden), and what the backward pass needs of it."""
        windows = np.lib.stride_tricks.sliding_window_view(images, (self.size, self.size), axis=(1, 2))
        windows = windows[:, : self.rows, : self.cols]
        sections = np.ascontiguousarray(windows).reshape(-1, self.size**2)
        t = np.tanh(sections.dot(self.kernels)).reshape(len(images), -1, self.count)
        if self.combine == "none":
            layer_1 = t.reshape(len(images), -1)
        else:
            layer_1 = {"sum": np.sum, "mean": np.mean, "max": np.max}[self.combine](t, axis=2)
        return layer_1, (sections, t)

    def backward(self, delta, kept, scale, alpha):
        """delta (N, hidden), already masked; scale (N, hidden) is what became of the tanh before its derivative."""
        sections, t = kept
        delta, scale = (x.reshape(len(t), t.shape[1], -1) for x in (delta, scale))
        if self.combine == "mean":
            delta = delta / self.count
        elif self.combine == "max":
            delta = delta * (np.arange(self.count) == t.argmax(axis=2)[:, :, None])
        delta = delta * (1 - (t * scale) ** 2)
        self.kernels += self.sign * alpha * sections.T.dot(delta.reshape(-1, self.count))


class Dense:
    """Chapter 9's first layer: pixels -> 100 tanh."""

    def __init__(self, args, random, image_shape):
        self.hidden = 100
        self.weights = (0.02 * random.random_sample((np.prod(image_shape), self.hidden)) - 0.01).astype(args.dtype)

    def forward(self, images):
        flat = images.reshape(len(images), -1)
        t = np.tanh(flat.dot(self.weights))
        return t, (flat, t)

    def backward(self, delta, kept, scale, alpha):
        flat, t = kept
        self.weights += alpha * flat.T.dot(delta * (1 - (t * scale) ** 2))


def train(args, out):
    """One line an iteration (or every `--print-every`th), in the book's own form; returns the closest call."""
    images, labels, test_images, test_labels = load(args)
    random = np.random.RandomState(args.seed)
    layer = (Dense if args.network == "dense" else Convolution)(args, random, images.shape[1:])
    weights = (0.2 * random.random_sample((layer.hidden, CLASSES)) - 0.1).astype(args.dtype)
    one_hot = np.eye(CLASSES, dtype=args.dtype)[labels]
    fixes, alpha, batch_size = args.fix, args.dtype(args.alpha), args.batch_size
    end = len(images) if "last-batch" in fixes else len(images) // batch_size * batch_size

    closest = np.inf

    def right(outputs, answers):
        """How many rows (N, 10) have their largest output at their answer."""
        nonlocal closest
        two = np.partition(outputs, -2, axis=1)
        closest = min(closest, float((two[:, -1] - two[:, -2]).min()))
        return int(np.sum(outputs.argmax(axis=1) == answers))

    for iteration in range(args.iterations):
        correct = 0
        for start in range(0, end, batch_size):
            batch = slice(start, min(start + batch_size, end))
            layer_1, kept = layer.forward(images[batch])
            count = len(layer_1)
            mask = random.randint(2, size=layer_1.shape)
            dropped = layer_1 * (mask * 2).astype(args.dtype)
            layer_2 = softmax(dropped.dot(weights), fixes)
            correct += right(layer_2, labels[batch])

            scale = count if "delta-scale" in fixes else batch_size * count
            layer_2_delta = (one_hot[batch] - layer_2) / args.dtype(scale)
            layer_1_delta = layer_2_delta.dot(weights.T)
            layer_1_delta *= mask * 2 if "dropout-gradient" in fixes else mask
            after_tanh = np.ones_like(mask) if "tanh-derivative" in fixes else mask * 2
            weights += alpha * dropped.T.dot(layer_2_delta)
            layer.backward(layer_1_delta, kept, after_tanh.astype(args.dtype), alpha)

        if iteration % args.print_every == 0:
            test_correct = 0
            for start in range(0, len(test_images), TEST_CHUNK):
                chunk = slice(start, start + TEST_CHUNK)
                layer_1, _ = layer.forward(test_images[chunk])
                test_correct += right(layer_1.dot(weights), test_labels[chunk])
            seen = end if "train-denominator" in fixes else len(images)
            test, trained = test_correct / float(len(test_images)), correct / float(seen)
            out.write(f"I:{iteration} Test-Acc:{test} Train-Acc:{trained}\n")
            out.flush()
    return closest


def parser():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", default=".", metavar="DIR", help="folder of the four MNIST files, raw or .gz")
    common.add_argument("--inverted", action="store_true", help="255 - pixel: images with no blank section")
    common.add_argument("--dtype", type=lambda name: np.dtype(name).type, default=np.float64)
    common.add_argument("--seed", type=int, default=1)
    common.add_argument("--iterations", type=int, default=300)
    common.add_argument("--train-images", type=int, default=1000)
    common.add_argument("--alpha", type=float, default=2.0)
    common.add_argument("--fix", action="append", default=[], choices=[*FIXES, "all"])

    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    networks = top.add_subparsers(dest="network", required=True)
    book = networks.add_parser("book", parents=[common], help="chapter 10's convolutional network")
    book.add_argument("--batch-size", type=int, default=128)
    book.add_argument("--print-every", type=int, default=1)
    book.add_argument("--kernels", type=int, default=16)
    book.add_argument("--kernel-size", type=int, default=3)
    book.add_argument("--combine", choices=["none", "sum", "mean", "max"], default="none")
    dense = networks.add_parser("dense", parents=[common], help="chapter 9's dense network")
    dense.add_argument("--batch-size", type=int, default=100)
    dense.add_argument("--print-every", type=int, default=10)
    every = networks.add_parser("all", help="every file of cases.json")
    every.add_argument("--data", default=".", metavar="DIR")
    every.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    every.add_argument("--dtype", default="float64")
    every.add_argument("names", nargs="*", metavar="NAME", help="only these cases")
    return top


def parse(arguments):
    args = parser().parse_args(arguments)
    if "all" in getattr(args, "fix", []):
        args.fix = list(FIXES)
    return args


def first_difference(made, kept):
    made, kept = made.splitlines(), kept.splitlines()
    for number, (a, b) in enumerate(zip(made, kept), 1):
        if a != b:
            return f"line {number}: {a!r}, in the file {b!r}"
    return f"{len(made)} lines, in the file {len(kept)}"


def make_all(args):
    cases = json.loads((HERE / "cases.json").read_text())
    unknown = set(args.names) - {case["name"] for case in cases}
    if unknown:
        sys.exit(f"not in cases.json: {', '.join(sorted(unknown))}")
    different = 0
    for case in cases:
        if args.names and case["name"] not in args.names:
            continue
        inverted = ["--inverted"] if case["data"] == "inverted" else []
        made = io.StringIO()
        closest = train(parse([*case["args"], *inverted, "--data", args.data, "--dtype", args.dtype]), made)
        file = HERE / case["file"]
        verdict = "written"
        if not args.check:
            file.write_text(made.getvalue())
            case["closest"] = float(f"{closest:.1e}")
        elif made.getvalue() == file.read_text():
            verdict = "same"
        else:
            verdict = first_difference(made.getvalue(), file.read_text())
            different += 1
        print(f"{case['name']}: {verdict}", file=sys.stderr, flush=True)
    if not args.check:
        lines = ",\n".join("  " + json.dumps(case) for case in cases)
        (HERE / "cases.json").write_text(f"[\n{lines}\n]\n")
    return 1 if different else 0


def main():
    args = parse(sys.argv[1:])
    if args.network == "all":
        return make_all(args)
    train(args, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
