//! The chapter's own network, fused for speed: sections → kernels → tanh → (pooling across kernels) →
//! dropout → dense → softmax.
//!
//! What its listing computes a layer at a time over 128 × 625 × 16 values, this module computes section by
//! section in registers (`examples/chapter.rs` is the listing itself, block by block). Two facts make it quick: the kernels have no bias, so a section of zeros gives
//! zeros, forward and backward, and 60 % of MNIST's sections are blank; and sixteen kernels are one vector.
//!
//! The arithmetic is `f32`, and yet the run prints what NumPy prints in `f64`: the parameters are kept in
//! `f64` and rounded for use, since an update may change a weight by less than `f32` resolves; and a
//! prediction too close to call in `f32` is made again in `f64`.
//!
//! Chapter 9's dense network is the same with one section, the whole image.
//!
//! ```
//! use conv_core::chapter::{Batch, Geometry, Images, Network, Rules, Workspace};
//! use conv_core::{Bits, NumpyRandom};
//! use mnist_data::embedded;
//!
//! // The listing's 16 kernels of 3 × 3 pixels, put right: gradient descent over 1,000 digits in batches of 125.
//! let digits = embedded::load();
//! let geometry = Geometry::new((28, 28), (3, 3), 16, None)?;
//! let train = Images::new(geometry, digits.train.images(), digits.train.labels())?;
//! let mut random = NumpyRandom::new(1);
//! let mut network = Network::new(geometry, &mut random);
//! let batches = (0..8).map(|i| Batch::new(&train, 125 * i..125 * (i + 1)));
//! let batches = batches.collect::<Result<Vec<_>, _>>()?;
//! let mut workspace = Workspace::new(&geometry, &batches);
//! let rules = Rules {
//!     alpha: 1., kernel_alpha: 1., delta_divisor: 125.,
//!     slope: 0.25, dropout_gradient: 2., subtract_maximum: true,
//! };
//! for _ in 0..10 {
//!     for batch in &batches {
//!         let mut masks = Bits::default();
//!         random.randint2(batch.len() * geometry.hidden(), &mut masks);
//!         network.train(&train, batch, &masks, 0, &rules, &mut workspace)?;
//!     }
//! }
//! let correct = network.count_correct(&train)?;
//! assert!(correct > 800, "{correct} of 1,000");
//! # Ok::<(), conv_core::Error>(())
//! ```

mod batch;
mod exact;
mod geometry;
mod head;
mod images;
mod logits;
mod network;
mod predict;
mod step;
mod training;
mod window;

pub use crate::ops::kernel_pool::Pooling;
pub use batch::{Batch, Workspace};
pub use geometry::{CLASSES, Geometry};
pub use images::Images;
pub use network::Network;
pub use training::Rules;
