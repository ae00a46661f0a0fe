//! One of each operation, forward and backward, as layers of small networks.

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::kernel_pool::Pooling;
use conv_core::ops::loss::softmax;
use conv_core::ops::pool::Pool;
use conv_core::ops::sections;
use conv_core::optimizer::Optimizer;
use conv_core::shape::{Padding, Window};
use conv_core::spec::{Conv, Layer, Layers, Spec};
use conv_core::{NumpyRandom, reference};
use ndarray::{Array2, Array3, Array4};
use sha2::{Digest, Sha256};

use super::support::uniform;

/// Every kind of layer, and convolutions of every shape that has an algorithm of its own.
fn specs() -> Vec<Spec> {
    fn conv(kernels: usize, window: impl Into<Window>) -> Conv {
        Conv::new(kernels, window)
    }
    let mean = Layer::Pool {
        pool: Pool::Mean,
        window: Window::new(3, 3).stride(2).padding(Padding::Same),
    };
    vec![
        Spec::new(
            (21, 19, 1),
            Layers::new()
                .then(conv(16, 3).same())
                .batch_norm()
                .relu()
                .max_pool(2)
                .then(conv(24, 3).same().without_bias())
                .layer_norm()
                .gelu()
                .residual(|block| block.then(conv(24, 3).same().groups(4)).silu())
                .then(mean)
                .then(conv(17, (2, 3)).dilation((1, 2)))
                .tanh()
                .residual_with(
                    Layers::new().then(conv(12, 3).same().stride(2)),
                    Layers::new().then(conv(12, 1).stride(2)),
                )
                .dropout(0.25)
                .leaky_relu(0.1)
                .global_average_pool()
                .dense(9)
                .sigmoid()
                .dense(4),
        ),
        // A pooling right behind its convolution, and pooling across kernels.
        Spec::new(
            (14, 14, 3),
            Layers::new()
                .conv(8, (5, 5))
                .max_pool(2)
                .conv(20, (3, 3))
                .kernel_pool(Pooling::Max)
                .flatten()
                .dense(4),
        ),
    ]
}

pub(crate) fn digest() -> String {
    let mut sha = Sha256::new();
    let mut add = |values: &[f32]| {
        for value in values {
            sha.update(value.to_le_bytes());
        }
    };
    let mut random = NumpyRandom::new(7);
    for spec in specs() {
        let mut network = Network::new(&spec, 3).unwrap();
        let mut workspace = Workspace::new();
        let (h, w, c) = spec.input.into();
        let input: Array4<f32> = uniform(&mut random, (6, h, w, c));
        let targets: Array2<f32> = uniform(&mut random, (6, 4));
        let labels = [0, 1, 2, 3, 2, 1];
        for (targets, loss) in [
            (
                Targets::Labels(&labels),
                Loss::CrossEntropy { smoothing: 0.1 },
            ),
            (Targets::Values(targets.view()), Loss::MeanSquaredError),
        ] {
            network
                .gradient(input.view(), targets, loss, 5, &mut workspace)
                .unwrap();
            add(workspace.gradient());
            let mut optimizer = Optimizer::sgd(0.1);
            network
                .train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)
                .unwrap();
            add(network.values());
        }
        let logits = network.forward(input.view(), &mut workspace).unwrap();
        let mut probabilities = Array2::zeros(logits.raw_dim());
        softmax(logits, probabilities.view_mut()).unwrap();
        add(logits.as_slice().unwrap());
        add(probabilities.as_slice().unwrap());
    }
    let images: Array3<f32> = uniform(&mut random, (2, 7, 6));
    let window = Window::new(3, 2);
    let mut cut = reference::sections(images.view(), &window);
    cut.fill(f32::NAN);
    sections::forward(&window, images.view(), cut.view_mut()).unwrap();
    add(cut.as_slice().unwrap());
    super::hex(sha)
}
