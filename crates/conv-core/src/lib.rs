//! Convolutional networks: tensors, kernels and backpropagation, with the same bits on every machine.
//!
//! - [`spec`]: a network as data, a list of layers; [`network`]: such a network with its parameters, forward,
//!   backward, in training; [`optimizer`]: what a gradient does to the parameters; [`init`]: how they begin.
//! - [`ops`]: the operations one by one, forward beside backward, on `ndarray` views: convolution of any
//!   size, stride, dilation, groups and padding; pooling over windows, over whole images and, as in the
//!   chapter, across kernels; dense; tanh, `ReLU`, sigmoid, GELU, `SiLU`; batch and layer normalisation; dropout; losses.
//! - [`mod@reference`]: the same in plain loops, generic over f32 and f64: the specification, with formulas.
//! - [`backprop`]: **how backprop through a convolution works**, a page to read: each operation and its gradient by
//!   formula, shape and source, numbers to follow by hand, and what is deterministic.
//! - [`chapter`]: the network of *Grokking Deep Learning*, chapter 10, fused into one loop.
//! - [`shape`]: the geometry of a window. [`simd`]: what all of it computes on.
//! - [`NumpyRandom`]: NumPy's legacy random numbers, on which the chapter's run depends.
//! - `conv_core::ndarray`: the version of ndarray whose views the functions take.
//!
//! # Which function do I want?
//!
//! | to | use |
//! |---|---|
//! | describe a network | [`Layers::new().conv(8, 3).relu()…`](spec::Layers), in a [`Spec`](spec::Spec) with the shape of its input |
//! | see shapes, parameters and multiply-adds | [`Spec::summary`](spec::Spec::summary), [`Spec::check`](spec::Spec::check) |
//! | make it, with first weights from a seed | [`Network::new`](network::Network::new) |
//! | compute outputs, or classes | [`Network::forward`](network::Network::forward), [`Network::predict`](network::Network::predict) |
//! | train it | [`Network::train_step`](network::Network::train_step) with an [`Optimizer`](optimizer::Optimizer) |
//! | take the gradient alone | [`Network::gradient`](network::Network::gradient), then [`Workspace::gradient`](network::Workspace::gradient) |
//! | read or write parameters | [`values`](network::Network::values), [`set_values`](network::Network::set_values), [`parameter`](network::Network::parameter), [`set_parameter`](network::Network::set_parameter) |
//! | have a batch refused that would take too much memory | [`Workspace::set_limit`](network::Workspace::set_limit) |
//! | save and load it | `to_bytes` and `from_bytes` of [`Network`](network::Network) (feature `safetensors`) |
//! | fold batch normalisations before deployment | [`Network::folded`](network::Network::folded) |
//! | compute one operation on arrays of one's own | [`ops`]: `ops::conv::forward` beside `ops::conv::d_input`, activations by name: `ops::activation::tanh` beside `tanh_d_input` |
//! | know which algorithm computes a convolution, and why | [`ops::conv::algorithms`] |
//! | optimise a model of one's own | [`Optimizer::step`](optimizer::Optimizer::step) with a [`Parameter`] for each array |
//! | check an implementation | [`mod@reference`], the plain formulas |
//! | write a loop that runs on every instruction set | [`simd::Op`], [`simd::dispatch`] |
//! | choose the instruction set | the variable `CONV_CORE_SIMD`, or [`simd::set_level`] |
//!
//! # A network that reads digits
//!
//! The chapter ends with an invitation: stack the layers. Two convolutions, each with a pooling and a `ReLU`, and
//! a dense layer learn from the chapter's 1,000 digits to read more than 95 % of the 10,000 others, in about two
//! seconds:
//!
//! ```
//! use conv_core::network::{Loss, Network, Targets, Workspace};
//! use conv_core::optimizer::{Optimizer, Schedule};
//! use conv_core::spec::{Layers, Spec};
//! use mnist_data::{Dataset, embedded};
//! use conv_core::ndarray::{Array4, Axis};
//!
//! // Images as (image, row, column, channel), from 0 to 1.
//! let images = |set: &Dataset| -> Array4<f32> {
//!     set.images().mapv(|pixel| f32::from(pixel) / 255.0).insert_axis(Axis(3))
//! };
//! let labels = |set: &Dataset| -> Vec<usize> {
//!     set.labels().iter().map(|&label| usize::from(label)).collect()
//! };
//! let digits = embedded::load();
//! let (input, classes) = (images(&digits.train), labels(&digits.train));
//!
//! let layers = Layers::new()              // (28, 28, 1)
//!     .conv(8, 5)                         // (24, 24, 8)
//!     .max_pool(2).relu()                 // (12, 12, 8)
//!     .conv(16, 5)                        // (8, 8, 16)
//!     .max_pool(2).relu()                 // (4, 4, 16)
//!     .flatten().dropout(0.5).dense(10);  // (1, 1, 256), then the ten logits
//! let mut network = Network::new(&Spec::new((28, 28, 1), layers), 1)?;
//!
//! // 40 times through the 1,000 images, 40 of them a step.
//! let steps = 40 * 25;
//! let schedule = Schedule::OneCycle { steps };
//! let mut optimizer = Optimizer::adamw(4e-3).weight_decay(0.05).schedule(schedule);
//! let loss = Loss::CrossEntropy { smoothing: 0.1 };
//! let mut workspace = Workspace::new();
//! for step in 0..steps as usize {
//!     let first = step * 40 % 1_000;
//!     let batch = input.slice_axis(Axis(0), (first..first + 40).into());
//!     let targets = Targets::Labels(&classes[first..first + 40]);
//!     network.train_step(batch, targets, loss, &mut optimizer, &mut workspace)?;
//! }
//!
//! let predicted = network.predict(images(&digits.test).view(), &mut workspace)?;
//! let right = labels(&digits.test);
//! let correct = predicted.iter().zip(&right).filter(|(predicted, right)| predicted == right).count();
//! assert!(correct > 9_500, "{correct} of 10,000");
//! # Ok::<(), conv_core::Error>(())
//! ```
//!
//! # What is deterministic, and why
//!
//! The same seed gives the same bits for any number of threads and on any instruction set. Every sum has one
//! order, which follows from the shapes alone: a batch is divided into shards by its size, never by the number of
//! threads, and the sums of the shards are added in their order. Every multiply-add rounds once, in software where
//! the processor has none. tanh, exp, ln and the cosine of a schedule are the crate's own. The environment
//! variable `CONV_CORE_SIMD` (`scalar`, `avx2`, `avx512`, `neon`, `simd128`,
//! `relaxed`) chooses the instruction set, and so the speed alone.
//! [`backprop`](backprop#what-is-deterministic-and-why) tells more.
//!
//! The crate opens no file, no connection and no clock, and prints nothing.
//!
//! # Features
//!
//! `rayon` (default): work on the threads of the current rayon pool; without it, on the caller's, with the same
//! bits. `serde`: specs and schedules as data in any format that serde knows. `safetensors`: networks as bytes.
//! `relaxed-simd`: in WebAssembly, the engine's own multiply-add besides the exact one; elsewhere it changes nothing.
//! Without features the crate builds for `wasm32-unknown-unknown` as well; with `-C target-feature=+simd128` it has the
//! instruction set `simd128` there.
#![deny(unsafe_code)]

pub mod backprop;
pub mod chapter;
mod error;
pub mod init;
pub mod network;
pub mod ops;
pub mod optimizer;
mod parallel;
mod parameter;
pub mod reference;
#[cfg(feature = "safetensors")]
pub mod saved;
pub mod shape;
#[allow(unsafe_code)]
pub mod simd;

mod random;
pub mod spec;
mod tuning;

/// The examples of the read-me are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

pub use error::Error;
pub use ndarray;
pub use parameter::Parameter;
pub use random::{Bits, NumpyRandom};
