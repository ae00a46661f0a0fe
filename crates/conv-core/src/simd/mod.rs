//! Vectors of sixteen `f32` lanes on every instruction set, with the same bits on each.
//!
//! A body is written once, as an [`Op`] generic over [`Simd`], and [`dispatch`] compiles it once per
//! [`Level`]. Sixteen *logical* lanes are always computed, as one vector of 512 bits, two of 256 or an
//! array; each lane sees the same operations in the same order, with one rounding for a
//! multiply-add, so the level changes the speed and never a bit of the result.
//!
//! This module is the only one of the crate with `unsafe` in it.

mod arch;
mod dispatch;
mod kernels;
mod lanes;
mod level;
pub mod math;
mod vector;
pub mod winograd;

pub use arch::scalar::Scalar;
pub use dispatch::{dispatch, dispatch_for};
pub use kernels::gemm::{Matrix, matrix_product};
pub use kernels::indexed_gemm::{Offsets, product};
pub use kernels::line::{TOGETHER, line_sums};
pub use kernels::sparse::{add_scaled, add_to_rows, weighted_rows};
pub use kernels::transpose::{TURNED, copy_every, store_turned};
pub use lanes::{LANES, Lanes, groups};
pub use level::{Level, level, set_level};
pub use vector::{Op, Simd};
