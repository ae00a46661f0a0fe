"""Makes torch.safetensors: what PyTorch finds, in float64, for every layer and for networks of them.

    pip install numpy torch safetensors
    python make_torch_goldens.py

Written with numpy 2.4, torch 2.15, safetensors 0.8. Everything is drawn from one seed. The results are
rounded to float32 for the file, 6e-8 of each.

The metadata `cases` is a list in JSON. A case has a `name`, the `spec` of its network as conv-core writes it, and

- `"kind": "layer"`: tensors `name/input`, the parameters, `name/output`, `name/d_output`, and the gradients of
  Σ output · d_output: `name/d input`, and `name/d PARAMETER`.
- `"kind": "network"`: a `loss` with `labels` or with tensor `name/targets`; its value `found`, the gradients, and
  the outputs in training with theirs.
- `"kind": "training"`: the same with an `optimizer` instead, and what so many `steps` on the batch make: `name/after
  PARAMETER`, `name/average PARAMETER`, `name/after PATH.running_mean`, the `losses`, the learning `rates`, and the
  outputs in inference.

Shapes are conv-core's: images (N, H, W, C), kernels (Kh, Kw, Cin / groups, Cout), weights (F, C).
"""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_default_dtype(torch.float64)
random = np.random.default_rng(20261124)
tensors, cases = {}, []


def uniform(*shape):
    """float32 numbers from -1 to 1, as float64."""
    return torch.tensor(random.uniform(-1, 1, shape).astype(np.float32).astype(np.float64))


def keep(case, what, tensor):
    tensors[f"{case}/{what}"] = np.ascontiguousarray(tensor.detach().numpy().astype(np.float32))


# A spec's layers in PyTorch.


def planes(x):  # (N, H, W, C) -> (N, C, H, W)
    return x.permute(0, 3, 1, 2)


def pixels(x):  # (N, C, H, W) -> (N, H, W, C)
    return x.permute(0, 2, 3, 1)


def window(spec, height, width):
    """Stride, dilation, and the padding (left, right, top, bottom) of F.pad."""
    stride, dilation = spec.get("stride", [1, 1]), spec.get("dilation", [1, 1])
    padding = spec.get("padding", "valid")
    if padding == "valid":
        return stride, dilation, (0, 0, 0, 0)
    if padding == "same":
        sides = []
        for n, k, s, d in zip((height, width), spec["size"], stride, dilation):
            total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            sides.append((total // 2, total - total // 2))
        return stride, dilation, (*sides[1], *sides[0])
    sides = padding["explicit"]
    return stride, dilation, tuple(sides[side] for side in ("left", "right", "top", "bottom"))


class Model(torch.nn.Module):
    """The layers of a spec, with parameters and running statistics by conv-core's names."""

    def __init__(self, spec):
        super().__init__()
        self.spec, self.order = spec, []
        self.numbers = torch.nn.ParameterDict()
        self.running = {}
        self.draw(spec["layers"], "", torch.zeros(2, *spec["input"]))

    def add(self, name, tensor):
        self.order.append(name)
        self.numbers[name.replace(".", "_")] = torch.nn.Parameter(tensor)

    def get(self, name):
        return self.numbers[name.replace(".", "_")]

    def draw(self, layers, path, x):
        """Draws the parameters of layers whose input has the shape of x; an output."""
        for number, layer in enumerate(layers):
            at, channels = f"{path}{number}", x.shape[3]
            match layer["type"]:
                case "conv":
                    taps = (*layer["window"]["size"], channels // layer.get("groups", 1))
                    limit = np.float32((3 / np.prod(taps)) ** 0.5)
                    self.add(f"{at}.kernels", uniform(*taps, layer["kernels"]) * limit)
                    if layer.get("bias", True):
                        self.add(f"{at}.bias", uniform(layer["kernels"]))
                case "dense":
                    limit = np.float32((3 / channels) ** 0.5)
                    self.add(f"{at}.weights", uniform(channels, layer["outputs"]) * limit)
                    if layer.get("bias", True):
                        self.add(f"{at}.bias", uniform(layer["outputs"]))
                case "layer_norm":
                    self.add(f"{at}.gamma", 1 + uniform(channels) / 4)
                    self.add(f"{at}.beta", uniform(channels) / 4)
                case "batch_norm":
                    self.add(f"{at}.gamma", 1 + uniform(channels) / 4)
                    self.add(f"{at}.beta", uniform(channels) / 4)
                    self.running[at] = (torch.zeros(channels), torch.ones(channels))
                case "residual":
                    self.draw(layer["body"], f"{at}.body.", x)
                    self.draw(layer.get("shortcut", []), f"{at}.shortcut.", x)
            for parameter in self.parameters():
                parameter.data = parameter.data.float().double()
            x = self.layer(layer, at, x).detach()

    def forget(self):
        """Makes the running statistics those of the beginning."""
        for mean, variance in self.running.values():
            mean.zero_(), variance.fill_(1)

    def forward(self, x):
        return self.layers(self.spec["layers"], "", x)

    def layers(self, layers, path, x):
        for number, layer in enumerate(layers):
            x = self.layer(layer, f"{path}{number}", x)
        return x

    def layer(self, layer, at, x):
        n, height, width, channels = x.shape
        match layer["type"]:
            case "conv":
                stride, dilation, padding = window(layer["window"], height, width)
                kernels = self.get(f"{at}.kernels").permute(3, 2, 0, 1)
                bias = self.get(f"{at}.bias") if layer.get("bias", True) else None
                padded, groups = F.pad(planes(x), padding), layer.get("groups", 1)
                return pixels(F.conv2d(padded, kernels, bias, stride, 0, dilation, groups))
            case "dense":
                bias = self.get(f"{at}.bias") if layer.get("bias", True) else None
                return F.linear(x, self.get(f"{at}.weights").T, bias)
            case "pool" if layer["pool"] == "max":
                stride, dilation, padding = window(layer["window"], height, width)
                padded = F.pad(planes(x), padding, value=-torch.inf)
                return pixels(F.max_pool2d(padded, layer["window"]["size"], stride, 0, dilation))
            case "pool":
                stride, dilation, padding = window(layer["window"], height, width)
                assert dilation == [1, 1], "avg_pool2d knows no dilation"
                size, x = layer["window"]["size"], planes(x)
                # Pixels of the padding do not count: the ones that are there do.
                total, count = (
                    F.avg_pool2d(F.pad(x, padding), size, stride, divisor_override=1)
                    for x in (x, torch.ones_like(x))
                )
                return pixels(total / count)
            case "global_average_pool":
                return pixels(F.adaptive_avg_pool2d(planes(x), 1))
            case "kernel_pool":
                pool = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}
                return pool[layer["pooling"]](x, 3, keepdim=True)
            case "flatten":
                return x.reshape(n, 1, 1, -1)
            case "relu":
                return F.leaky_relu(x, layer.get("slope", 0.0))
            case "tanh":
                return torch.tanh(x)
            case "sigmoid":
                return torch.sigmoid(x)
            case "gelu":
                return F.gelu(x, approximate="tanh")
            case "silu":
                return F.silu(x)
            case "layer_norm":
                affine = self.get(f"{at}.gamma"), self.get(f"{at}.beta")
                epsilon = float(np.float32(layer.get("epsilon", 1e-5)))
                return F.layer_norm(x, [channels], *affine, epsilon)
            case "batch_norm":
                momentum = layer.get("momentum", 0.1)
                affine = self.get(f"{at}.gamma"), self.get(f"{at}.beta")
                epsilon = float(np.float32(layer.get("epsilon", 1e-5)))
                norm = F.batch_norm(
                    planes(x), *self.running[at], *affine, self.training, momentum, epsilon
                )
                return pixels(norm)
            case "residual":
                body = self.layers(layer["body"], f"{at}.body.", x)
                return body + self.layers(layer.get("shortcut", []), f"{at}.shortcut.", x)
        raise ValueError(layer)


# Cases.


def layer(name, shape, layer, training=True):
    """One layer by itself: a batch of this shape."""
    spec = {"input": shape[1:], "layers": [layer]}
    model = Model(spec).train(training)
    x = uniform(*shape).requires_grad_()
    if not training:
        for path, (mean, variance) in model.running.items():
            mean.copy_(uniform(len(mean))), variance.copy_(1.5 + uniform(len(variance)))
            keep(name, f"{path}.running_mean", mean)
            keep(name, f"{path}.running_variance", variance)
    output = model(x)
    d_output = uniform(*output.shape)
    (output * d_output).sum().backward()
    for what, tensor in {"input": x, "output": output, "d_output": d_output, "d input": x.grad}.items():
        keep(name, what, tensor)
    for parameter in model.order:
        keep(name, parameter, model.get(parameter))
        keep(name, f"d {parameter}", model.get(parameter).grad)
    cases.append({"name": name, "kind": "layer", "spec": spec, "training": training})


def loss_of(loss, targets, outputs):
    if "cross_entropy" in loss:
        smoothing = loss["cross_entropy"] if targets.dtype == torch.int64 else 0.0
        return F.cross_entropy(outputs, targets, label_smoothing=smoothing)
    if targets.dtype == torch.int64:
        targets = F.one_hot(targets, outputs.shape[1]).double()
    return F.mse_loss(outputs, targets)


def network(name, images, spec, loss, labels=None, optimizer=None, steps=0):
    model = Model(spec).train()
    x = uniform(images, *spec["input"])
    keep(name, "input", x)
    case = {"name": name, "kind": "network", "spec": spec, "loss": loss}
    outputs = model(x).reshape(images, -1)
    if labels is None:
        targets = torch.softmax(2 * uniform(*outputs.shape), 1).float().double()
        keep(name, "targets", targets)
    else:
        case["labels"] = labels
        targets = torch.tensor(labels)
    outputs.retain_grad()
    found = loss_of(loss, targets, outputs)
    found.backward()
    model.forget()
    for parameter in model.order:
        keep(name, parameter, model.get(parameter))
    if optimizer is None:
        case["found"] = found.item()
        keep(name, "outputs", outputs)
        keep(name, "d outputs", outputs.grad)
        for parameter in model.order:
            keep(name, f"d {parameter}", model.get(parameter).grad)
    else:
        case |= train(name, model, x, targets, loss, optimizer, steps)
    cases.append(case)


def train(name, model, x, targets, loss, optimizer, steps):
    """So many steps with one of PyTorch's optimizers and schedules; weights decay, and nothing else."""
    decaying = {False: [], True: []}
    for parameter in model.order:
        decaying[parameter.endswith((".kernels", ".weights"))].append(model.get(parameter))
    groups = [
        {"params": decaying[True], "weight_decay": optimizer.get("weight_decay", 0.0)},
        {"params": decaying[False], "weight_decay": 0.0},
    ]
    rate = optimizer["rate"]
    if optimizer["method"] == "adamw":
        method = torch.optim.AdamW(groups, lr=rate)
    else:
        # PyTorch's SGD couples the decay with the momentum, which conv-core does not.
        assert "weight_decay" not in optimizer
        nesterov = optimizer["method"] == "nesterov"
        method = torch.optim.SGD(groups, lr=rate, momentum=optimizer["momentum"], nesterov=nesterov)
    match optimizer.get("schedule", "constant"):
        case "constant":
            schedule = torch.optim.lr_scheduler.ConstantLR(method, factor=1.0)
        case {"step": {"every": every, "factor": factor}}:
            schedule = torch.optim.lr_scheduler.StepLR(method, every, factor)
        case {"cosine": {"steps": total}}:
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(method, total)
        case {"one_cycle": {"steps": total}}:
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                method, rate, total_steps=total, cycle_momentum=False
            )
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(optimizer["average"]))
    losses, rates = [], []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        method.zero_grad()
        own = loss_of(loss, targets, model(x).reshape(len(x), -1))
        losses.append(own.item())
        own.backward()
        if "clip" in optimizer:
            torch.nn.utils.clip_grad_norm_(model.parameters(), optimizer["clip"])
        method.step()
        schedule.step()
        average.update_parameters(model)
    for parameter in model.order:
        keep(name, f"after {parameter}", model.get(parameter))
        keep(name, f"average {parameter}", average.module.get(parameter))
    for path, (mean, variance) in model.running.items():
        keep(name, f"after {path}.running_mean", mean)
        keep(name, f"after {path}.running_variance", variance)
    model.eval()
    keep(name, "outputs after", model(x).reshape(len(x), -1))
    return {"kind": "training", "optimizer": optimizer, "steps": steps, "losses": losses, "rates": rates}


def conv(kernels, size, groups=1, bias=True, **window):
    window = {"size": size, **window}
    return {"type": "conv", "kernels": kernels, "window": window, "groups": groups, "bias": bias}


def pool(which, size, **window):
    return {"type": "pool", "pool": which, "window": {"size": size, "stride": [1, 1], **window}}


def explicit(top, bottom, left, right):
    return {"explicit": {"top": top, "bottom": bottom, "left": left, "right": right}}


def dense(outputs, bias=True):
    return {"type": "dense", "outputs": outputs, "bias": bias}


def plain(type, **more):
    return {"type": type, **more}


def layer_cases():
    layer("conv of one channel", [2, 7, 8, 1], conv(16, [5, 5]))
    layer("conv", [3, 6, 7, 3], conv(5, [3, 2]))
    layer("conv without bias", [2, 5, 5, 4], conv(3, [3, 3], bias=False))
    layer("conv of many channels", [2, 4, 5, 16], conv(17, [3, 2], padding="same"))
    layer("conv of one pixel", [3, 4, 4, 6], conv(8, [1, 1]))
    layer("conv with strides", [2, 9, 8, 3], conv(4, [3, 3], stride=[2, 3]))
    layer("conv with gaps between windows", [2, 9, 9, 2], conv(4, [2, 2], stride=[3, 3]))
    layer("conv with dilation", [2, 9, 8, 3], conv(4, [3, 2], dilation=[2, 3]))
    layer("conv in groups", [2, 6, 6, 4], conv(6, [3, 3], groups=2))
    layer("conv depthwise", [2, 6, 6, 5], conv(5, [3, 3], groups=5, padding="same"))
    layer("conv depthwise, two kernels a channel", [2, 6, 6, 3], conv(6, [3, 3], groups=3))
    layer("conv same", [2, 5, 6, 2], conv(3, [3, 3], padding="same"))
    layer("conv same with an even window", [2, 5, 6, 2], conv(3, [4, 2], padding="same"))
    layer("conv same with strides", [2, 8, 7, 2], conv(3, [3, 3], stride=[2, 2], padding="same"))
    layer("conv padded unevenly", [2, 5, 4, 2], conv(3, [3, 3], padding=explicit(2, 0, 1, 3)))
    layer(
        "conv with everything",
        [2, 9, 8, 4],
        conv(6, [3, 2], 2, stride=[2, 1], dilation=[1, 2], padding=explicit(1, 2, 0, 1)),
    )
    layer("max pool", [2, 4, 6, 9], pool("max", [2, 2], stride=[2, 2]))
    layer("max pool that overlaps", [2, 6, 7, 3], pool("max", [3, 2]))
    layer("max pool same", [2, 5, 6, 3], pool("max", [3, 3], stride=[2, 2], padding="same"))
    layer("max pool with dilation", [2, 7, 7, 2], pool("max", [2, 3], dilation=[3, 2]))
    layer("mean pool", [2, 4, 6, 9], pool("mean", [2, 2], stride=[2, 2]))
    layer("mean pool same", [2, 5, 6, 3], pool("mean", [3, 3], stride=[2, 2], padding="same"))
    layer("mean pool padded", [2, 5, 4, 2], pool("mean", [3, 3], padding=explicit(2, 0, 1, 1)))
    layer("global average pool", [3, 5, 4, 7], plain("global_average_pool"))
    for pooling in ("sum", "mean", "max"):
        layer(f"kernel pool, {pooling}", [2, 4, 5, 6], plain("kernel_pool", pooling=pooling))
    layer("flatten", [2, 2, 3, 2], plain("flatten"))
    layer("dense", [5, 1, 1, 20], dense(7))
    layer("dense without bias", [3, 1, 1, 9], dense(17, bias=False))
    layer("relu", [2, 4, 5, 3], plain("relu"))
    layer("leaky relu", [2, 4, 5, 3], plain("relu", slope=0.125))
    for activation in ("tanh", "sigmoid", "gelu"):
        layer(activation, [2, 4, 5, 3], plain(activation))
    layer("batch norm", [4, 3, 4, 5], plain("batch_norm", epsilon=0.001))
    layer("batch norm in inference", [2, 3, 4, 5], plain("batch_norm", epsilon=0.001), training=False)


def lenet(classes):
    return {
        "input": [12, 12, 1],
        "layers": [
            conv(8, [3, 3]),
            pool("max", [2, 2], stride=[2, 2]),
            plain("relu"),
            conv(8, [3, 3], padding="same"),
            plain("tanh"),
            pool("mean", [2, 2], stride=[2, 2]),
            plain("flatten"),
            dense(classes),
        ],
    }


def residual(classes):
    # No bias before a normalisation: its gradient is 0, and Adam makes steps of what is rounded.
    body = [
        conv(6, [3, 3], stride=[2, 2], padding="same", groups=2, bias=False),
        plain("batch_norm", momentum=0.25),
        plain("gelu"),
        conv(6, [3, 3], padding="same", dilation=[2, 2], bias=False),
        plain("batch_norm"),
    ]
    shortcut = [conv(6, [1, 1], stride=[2, 2], bias=False), plain("batch_norm")]
    return {
        "input": [9, 8, 2],
        "layers": [
            conv(4, [3, 3], padding="same", bias=False),
            plain("batch_norm"),
            plain("relu", slope=0.125),
            plain("residual", body=body, shortcut=shortcut),
            plain("relu"),
            plain("residual", body=[conv(6, [3, 3], padding="same", groups=6), plain("sigmoid")]),
            plain("global_average_pool"),
            dense(classes),
        ],
    }


def chapter(classes):
    return {
        "input": [6, 6, 1],
        "layers": [
            conv(5, [3, 3], bias=False),
            plain("tanh"),
            plain("kernel_pool", pooling="mean"),
            plain("flatten"),
            dense(classes, bias=False),
        ],
    }


def network_cases():
    labels = [n * 7 % 4 for n in range(9)]
    network("labels", 9, lenet(4), {"cross_entropy": 0.0}, labels)
    network("smoothed labels", 9, residual(4), {"cross_entropy": 0.125}, labels)
    network("soft labels", 9, residual(3), {"cross_entropy": 0.0})
    network("squared errors", 7, chapter(3), {"mean_squared_error": None})
    network("squared errors of labels", 9, chapter(4), {"mean_squared_error": None}, labels)
    cross = {"cross_entropy": 0.125}
    for name, spec, optimizer in [
        ("sgd", chapter(4), {"method": "sgd", "rate": 0.5, "momentum": 0.0}),
        (
            "momentum, one cycle",
            residual(4),
            {"method": "sgd", "rate": 0.1, "momentum": 0.9, "schedule": {"one_cycle": {"steps": 12}}},
        ),
        (
            "nesterov, cosine",
            residual(4),
            {
                "method": "nesterov",
                "rate": 0.2,
                "momentum": 0.8,
                "clip": 0.5,
                "schedule": {"cosine": {"steps": 20}},
            },
        ),
        (
            "adamw, one cycle",
            residual(4),
            {
                "method": "adamw",
                "rate": 0.01,
                "weight_decay": 0.1,
                "clip": 0.3,
                "schedule": {"one_cycle": {"steps": 15}},
            },
        ),
        (
            "adamw, steps",
            lenet(4),
            {
                "method": "adamw",
                "rate": 0.01,
                "weight_decay": 0.5,
                "schedule": {"step": {"every": 4, "factor": 0.5}},
            },
        ),
    ]:
        network(name, 9, spec, cross, labels, optimizer | {"average": 0.75}, 12)


def later_cases():
    """Behind all others, so that those keep their numbers."""
    layer("silu", [2, 4, 5, 3], plain("silu"))
    layer("layer norm", [3, 4, 5, 7], plain("layer_norm", epsilon=0.001))
    layer("layer norm of features", [6, 1, 1, 40], plain("layer_norm"))
    spec = {
        "input": [6, 6, 2],
        "layers": [
            conv(6, [3, 3], bias=False),
            plain("layer_norm"),
            plain("silu"),
            plain("global_average_pool"),
            dense(9),
            plain("layer_norm"),
            plain("silu"),
            dense(4),
        ],
    }
    labels = [n * 7 % 4 for n in range(9)]
    network("layer norm and silu", 9, spec, {"cross_entropy": 0.125}, labels)


layer_cases()
network_cases()
later_cases()
path = Path(__file__).with_name("torch.safetensors")
save_file(tensors, path, {"cases": json.dumps(cases, separators=(",", ":"))})
print(f"{path.name}: {len(cases)} cases, {len(tensors)} tensors, {path.stat().st_size} bytes")
