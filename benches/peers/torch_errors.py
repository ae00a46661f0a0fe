"""The rounding errors of PyTorch's convolutions on S3, S4 and S5, beside those of the plain sum in float32.

With oneDNN, as it computes by itself, and without it, where it takes NNPACK for the outputs.
`ONEDNN_VERBOSE=1` shows oneDNN's algorithm. `cargo bench -p conv-core --features safetensors --bench stacked -- errors`
prints the same of this project.
"""

import numpy as np
import torch
import torch.nn.functional as F

import stacked

IMAGES = 16  # the first ones


def exact(x, k, d, padding):
    """Output, d_input and d_kernels in float64."""
    x, k = (t.double().requires_grad_() for t in (x, k))
    y = F.conv2d(x, k, padding=padding)
    y.backward(d.double())
    return y.detach(), x.grad, k.grad


def plain(x, k, padding):
    """The output in float32, tap after tap, each product and sum rounded once."""
    n, cin, rows, cols = x.shape
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding))).astype(np.float64)
    kernels = k.numpy().astype(np.float64)
    sums = np.zeros((n, k.shape[0], rows, cols), np.float32)
    for ky in range(3):
        for kx in range(3):
            for channel in range(cin):
                pixels = padded[:, channel, ky : ky + rows, kx : kx + cols]
                sums = (sums + pixels[:, None] * kernels[:, channel, ky, kx][None, :, None, None]).astype(np.float32)
    return torch.from_numpy(sums)


def off(found, right):
    """The root mean square and the largest of the errors."""
    errors = found.double() - right
    return errors.pow(2).mean().sqrt().item(), errors.abs().max().item()


torch.set_num_threads(1)
for name in ("S3", "S4", "S5"):
    x, k, _, padding = stacked.layer(name)
    x, k = torch.from_numpy(x[:IMAGES]), torch.from_numpy(k)
    d = torch.from_numpy(stacked.drawn((IMAGES, k.shape[0], *x.shape[2:]), 4, 1.0))
    right = exact(x, k, d, padding)
    beside, _ = off(plain(x, k, padding), right[0])
    for by_onednn in (True, False):
        with torch.backends.mkldnn.flags(enabled=by_onednn):
            leaves = [t.clone().requires_grad_() for t in (x, k)]
            y = F.conv2d(*leaves, padding=padding)
            y.backward(d)
            backend = torch._C._select_conv_backend(x, k, None, [1, 1], [padding] * 2, [1, 1], False, [0, 0], 1)
        found = y.detach(), leaves[0].grad, leaves[1].grad
        for what, own, exactly in zip(("output", "d_input", "d_kernels"), found, right):
            error, largest = off(own, exactly)
            times = f"{error / beside:.2f} times the plain sum, " if what == "output" else ""
            print(f"{name} {what}, {backend.name}: {times}{error:.2e}, at most {largest:.2e}")
