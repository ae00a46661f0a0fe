//! Convolutional networks: tensors, kernels and backpropagation, with the same bits on every machine.
//!
//! - [`ops`]: the operations one by one, forward beside backward, on `ndarray` views: convolution of any
//!   size, stride, dilation, groups and padding; pooling over windows and, as in the chapter, across
//!   kernels; dense; tanh, ReLU; dropout; softmax with cross-entropy.
//! - [`reference`]: the same in plain loops, generic over f32 and f64: the specification, with formulas.
//! - [`chapter`]: the network of *Grokking Deep Learning*, chapter 10, fused into one loop.
//! - [`shape`]: the geometry of a window. [`simd`]: what all of it computes on.
//! - [`NumpyRandom`]: NumPy's legacy random numbers, on which the chapter's run depends.
//!
//! The crate opens no file, no connection and no clock, and prints nothing. It computes the same bits for
//! any number of threads and on any instruction set: every sum has one order, which follows from the shapes
//! alone; every multiply-add rounds once; tanh and exp are the crate's own. The environment variable
//! `CONV_CORE_SIMD` (`scalar`, `avx2`, `avx512`) chooses the instruction set, and so the speed alone.
//!
//! # A network that learns
//!
//! Eight images, each with a horizontal or a vertical line, and two kernels to tell them apart:
//!
//! ```
//! use conv_core::chapter::{Batch, Geometry, Images, Network, Rules, Workspace};
//! use conv_core::{Bits, NumpyRandom};
//! use ndarray::Array3;
//!
//! // Image n has a line in row n / 2 + 1 (label 0) or in that column (label 1).
//! let on_line = |n: usize, y, x| n / 2 + 1 == if n % 2 == 0 { y } else { x };
//! let pixels = Array3::from_shape_fn((8, 6, 6), |(n, y, x)| if on_line(n, y, x) { 255 } else { 0 });
//! let labels = [0, 1, 0, 1, 0, 1, 0, 1];
//!
//! let geometry = Geometry::new((6, 6), (3, 3), 2, None)?;
//! let images = Images::new(geometry, pixels.view(), &labels)?;
//! let mut random = NumpyRandom::new(1);
//! let mut network = Network::new(geometry, &mut random);
//!
//! let batch = Batch::new(&images, 0..8)?;
//! let mut workspace = Workspace::new(&geometry, [&batch]);
//! let rules = Rules {
//!     alpha: 0.5,
//!     kernel_alpha: 0.5,
//!     delta_divisor: 8.0,
//!     slope: 0.25,
//!     dropout_gradient: 2.0,
//!     subtract_maximum: true,
//! };
//! for _ in 0..100 {
//!     let mut masks = Bits::default();
//!     random.randint2(batch.len() * geometry.hidden(), &mut masks);
//!     network.train(&images, &batch, (&masks, 0), &rules, &mut workspace)?;
//! }
//! assert_eq!(network.count_correct(&images)?, 8);
//! # Ok::<(), conv_core::Error>(())
//! ```
#![deny(unsafe_code)]

pub mod chapter;
mod error;
pub mod init;
pub mod network;
pub mod ops;
pub mod optimizer;
mod parallel;
pub mod reference;
pub mod shape;
#[allow(unsafe_code)]
pub mod simd;

mod random;
pub mod spec;

pub use error::Error;
pub use random::{Bits, NumpyRandom};
