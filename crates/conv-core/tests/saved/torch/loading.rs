//! A saved network in PyTorch.

use std::path::{Path, PathBuf};
use std::process::Command;

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::pool::Pool;
use conv_core::optimizer::Optimizer;
use conv_core::shape::{Padding, Window};
use conv_core::spec::{Conv, Layer, Layers, Spec};
use ndarray::{Array2, Array4};
use safetensors::tensor::{Dtype, TensorView};

/// The lines that the documentation of `conv_core::saved` shows.
const LINES: &str = include_str!("../../../src/load_in_torch.py");

/// The network of [`network`] in PyTorch, and its logits for the images of the second file.
const MODEL: &str = r#"
import json, sys
import torch
from torch.nn import *

class Flat(Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)

class Residual(Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut
    def forward(self, x):
        return self.body(x) + self.shortcut(x)

model = Sequential(
    Conv2d(2, 8, 3, padding=1, bias=False),
    BatchNorm2d(8),
    ReLU(),
    MaxPool2d(3, 2, padding=1),
    Residual(
        Sequential(Conv2d(8, 6, (3, 2), stride=(2, 1), groups=2), BatchNorm2d(6), Tanh(), Conv2d(6, 6, 1)),
        Sequential(Conv2d(8, 6, (3, 2), stride=(2, 1), dilation=1)),
    ),
    Flat(),
    Linear(2 * 4 * 6, 20),
    GELU(approximate="tanh"),
    Linear(20, 5, bias=False),
).eval()
path = sys.argv[1]
"#;

const LOGITS: &str = r#"
images = load_file(sys.argv[2])["images"].permute(0, 3, 1, 2)
print(json.dumps(model(images).tolist()))
"#;

fn network() -> Network {
    let conv = |kernels, size: (usize, usize)| {
        let mut conv = Conv::new(kernels, size);
        conv.window.stride = (2, 1).into();
        conv
    };
    let padding = Padding::Explicit {
        top: 1,
        bottom: 1,
        left: 1,
        right: 1,
    };
    let layers = Layers::new()
        .then(Conv::new(8, (3, 3)).same().without_bias())
        .batch_norm()
        .relu()
        .then(Layer::Pool {
            pool: Pool::Max,
            window: Window::new(3, 3).stride(2).padding(padding),
        })
        .residual_with(
            Layers::new()
                .then(conv(6, (3, 2)).groups(2))
                .batch_norm()
                .tanh()
                .conv(6, (1, 1)),
            Layers::new().then(conv(6, (3, 2))),
        )
        .flatten()
        .dense(20)
        .gelu()
        .then(conv_core::spec::Dense::new(5).without_bias());
    Network::new(&Spec::new((10, 9, 2), layers), 3).unwrap()
}

fn images() -> Array4<f32> {
    Array4::from_shape_fn((12, 10, 9, 2), |(n, y, x, c)| {
        ((n * 31 + y * 17 + x * 7 + c * 3) % 23) as f32 / 11.0 - 1.0
    })
}

/// A Python that has PyTorch and safetensors: that of the environment variable `PYTHON`, that of the benchmarks'
/// peers, or the one on the path.
fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../..");
    let mut pythons = vec![root.join("target/peers/bin/python"), "python3".into()];
    if let Some(own) = std::env::var_os("PYTHON") {
        pythons.insert(0, own.into());
    }
    pythons.into_iter().find(|python| {
        let output = Command::new(python)
            .args(["-c", "import torch, safetensors.torch"])
            .output();
        output.is_ok_and(|output| output.status.success())
    })
}

#[test]
fn pytorch_loads_a_saved_network_and_finds_the_same_logits() {
    let Some(python) = python() else {
        skipped::skipped(
            "no Python with torch and safetensors; the environment variable PYTHON may name one",
        );
        return;
    };
    let (mut network, mut workspace) = (network(), Workspace::new());
    let images = images();
    // A few steps, so that biases and running statistics are not those of the beginning.
    let (labels, mut optimizer) = (
        [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1],
        Optimizer::momentum(0.05, 0.9),
    );
    for _ in 0..5 {
        let (targets, loss) = (
            Targets::Labels(&labels),
            Loss::CrossEntropy { smoothing: 0.0 },
        );
        network
            .train_step(images.view(), targets, loss, &mut optimizer, &mut workspace)
            .unwrap();
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (saved, input) = (
        folder.join("network.safetensors"),
        folder.join("images.safetensors"),
    );
    std::fs::write(&saved, network.to_bytes().unwrap()).unwrap();
    let bytes: Vec<u8> = images.iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, images.shape().to_vec(), &bytes).unwrap();
    std::fs::write(
        &input,
        safetensors::serialize([("images", view)], None).unwrap(),
    )
    .unwrap();

    let program = [MODEL, LINES, LOGITS].concat();
    let output = Command::new(python)
        .arg("-c")
        .arg(program)
        .args([&saved, &input])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let found: Vec<[f32; 5]> = serde_json::from_slice(&output.stdout).unwrap();
    let found = Array2::from(found);
    let logits = network.forward(images.view(), &mut workspace).unwrap();
    assert_eq!(found.dim(), logits.dim());
    let apart = found
        .iter()
        .zip(logits)
        .map(|(found, logit)| (found - logit).abs());
    let apart = apart.fold(0.0, f32::max);
    assert!(apart < 1e-5, "{apart}\n{found}\n{logits}");
    // They say something: the images have other logits than each other.
    assert!((logits[[0, 0]] - logits[[1, 0]]).abs() > 1e-2);
}

#[test]
fn the_documented_lines_are_four() {
    assert_eq!(LINES.lines().count(), 4);
    assert!(LINES.lines().all(|line| !line.trim().is_empty()));
}
