//! Whole networks: gradients against finite differences of the reference in f64, the same bits everywhere,
//! inference, and what is refused.

mod conv_max_pool;
#[cfg(not(target_family = "wasm"))]
mod exchange;
mod inference;
mod limits;
mod properties;
mod refusals;
#[path = "../support/mod.rs"]
mod support;
mod training;
mod wide;

use conv_core::NumpyRandom;
use conv_core::ops::kernel_pool::Pooling;
use conv_core::ops::pool::Pool;
use conv_core::shape::{Padding, Window};
use conv_core::spec::{Conv, Dense, Layer, Layers, Spec};
use ndarray::Array4;
use support::uniform;

/// Between them every layer, and every way in which layers may be joined.
pub(crate) fn specs() -> Vec<Spec> {
    let same = |kernels, size| Conv::new(kernels, (size, size)).same();
    vec![
        Spec::new(
            (7, 8, 2),
            Layers::new()
                .then(Conv::new(
                    4,
                    Window::new(3, 2).stride((2, 1)).padding(Padding::Same),
                ))
                .leaky_relu(0.125)
                .max_pool(2)
                .tanh()
                .flatten()
                .dense(5)
                .sigmoid()
                .then(Dense::new(3).without_bias()),
        ),
        Spec::new(
            (6, 6, 3),
            Layers::new()
                .batch_norm()
                .then(same(4, 3).without_bias())
                .batch_norm()
                .gelu()
                .residual(|block| block.then(same(4, 3)).batch_norm().tanh().then(same(4, 1)))
                .residual_with(
                    Layers::new().then(same(6, 3).stride(2).groups(2)).gelu(),
                    Layers::new().then(same(6, 1).stride(2)).batch_norm(),
                )
                .then(same(6, 3).groups(6))
                .mean_pool(2)
                .global_average_pool()
                .dense(3),
        ),
        Spec::new(
            (5, 5, 1),
            Layers::new()
                .conv(3, (2, 2))
                .tanh()
                .residual(|block| block)
                .residual(|block| block.residual(Layers::tanh).gelu())
                .kernel_pool(Pooling::Mean)
                .then(Layer::Pool {
                    pool: Pool::Mean,
                    window: Window::new(3, 3).padding(Padding::Same),
                })
                .flatten()
                .dense(3)
                .batch_norm(),
        ),
        // Convolutions right before a pooling by the largest.
        Spec::new(
            (12, 11, 1),
            Layers::new()
                .conv(9, (3, 2))
                .max_pool(2)
                .tanh()
                .residual_with(
                    Layers::new().then(same(17, 3)).then(Layer::Pool {
                        pool: Pool::Max,
                        window: Window::new(3, 3).stride(2).padding(Padding::Same),
                    }),
                    Layers::new().then(same(17, 1).stride(2)),
                )
                .then(Conv::new(
                    4,
                    Window::new(2, 1).dilation((1, 2)).padding(Padding::Same),
                ))
                .max_pool((2, 1))
                .flatten()
                .dense(3),
        ),
        // A ReLU behind a normalisation, alone and beside other readers of it.
        Spec::new(
            (3, 3, 2),
            Layers::new()
                .then(same(3, 3))
                .batch_norm()
                .leaky_relu(0.75)
                .leaky_relu(0.875)
                .batch_norm()
                .residual(|block| block.leaky_relu(0.75).then(same(3, 1)))
                .batch_norm()
                .residual_with(Layers::new(), Layers::new().leaky_relu(1.25))
                .flatten()
                .dense(3)
                .batch_norm()
                .flatten()
                .leaky_relu(0.75),
        ),
        Spec::new((1, 1, 9), Layers::new().dense(40).tanh().dense(3)),
        // Layer normalisation of images and of features.
        Spec::new(
            (3, 2, 2),
            Layers::new()
                .layer_norm()
                .then(same(4, 3))
                .silu()
                .residual(|block| block.layer_norm().then(same(4, 1)).silu())
                .global_average_pool()
                .dense(5)
                .layer_norm()
                .dense(3),
        ),
    ]
}

pub(crate) fn images(spec: &Spec, count: usize, seed: u32) -> Array4<f32> {
    let (h, w, c) = spec.input.into();
    uniform(&mut NumpyRandom::new(seed), (count, h, w, c))
}

/// A small network with everything that could depend on threads or instruction sets.
pub(crate) fn stacked() -> Spec {
    Spec::new(
        (12, 12, 1),
        Layers::new()
            .conv(8, (3, 3))
            .relu()
            .max_pool(2)
            .then(Conv::new(12, (3, 3)).same().without_bias())
            .batch_norm()
            .gelu()
            .dropout(0.25)
            .residual_with(
                Layers::new()
                    .then(
                        Conv::new(12, (3, 3))
                            .same()
                            .stride(2)
                            .groups(3)
                            .without_bias(),
                    )
                    .batch_norm()
                    .tanh(),
                Layers::new().then(Conv::new(12, (1, 1)).stride(2)),
            )
            .then(Conv::new(12, (3, 3)).same().groups(12))
            .global_average_pool()
            .dense(20)
            .sigmoid()
            .dense(5),
    )
}

/// A small `LeNet`, whose convolutions are pooled by their largest: of the first, eight positions a line.
pub(crate) fn pooled() -> Spec {
    Spec::new(
        (20, 20, 1),
        Layers::new()
            .conv(8, (5, 5))
            .max_pool(2)
            .relu()
            .then(Conv::new(12, (3, 3)).same())
            .max_pool(2)
            .relu()
            .flatten()
            .dense(5),
    )
}
