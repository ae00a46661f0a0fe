//! Vectors of sixteen `f32` lanes on every instruction set, with the same bits on each.
//!
//! A body is written once, as an [`Op`] generic over [`Simd`], and [`dispatch`] compiles it once per
//! [`Level`]. Sixteen *logical* lanes are always computed, as one vector of 512 bits, two of 256, four of 128
//! or two arrays; each lane sees the same operations in the same order, with one rounding for a
//! multiply-add, so the level changes the speed and never a bit of the result.
//!
//! This module is the only one of the crate with `unsafe` in it. Its safe functions check their arguments once a call, in
//! checked arithmetic, before anything is read or written.

// A new instruction set is a file in `arch/`, a variant of `Level` and a line in `dispatch`. Nothing else knows which there
// are: kernels are generic over the vector, and ask it for the shapes of their tiles.
mod arch;
mod dispatch;
mod kernels;
mod lanes;
mod level;
pub(crate) mod math;
mod tiles;
mod vector;

pub use dispatch::dispatch;
pub(crate) use dispatch::dispatch_for;
pub(crate) use kernels::gemm::{Matrix, gemm};
pub(crate) use kernels::indexed_gemm::{Offsets, indexed_gemm};
pub(crate) use kernels::line::line_sums;
pub(crate) use kernels::sparse::{add_to_rows, axpy, weighted_rows};
pub(crate) use kernels::tile::{Tile, Transform, transform};
pub(crate) use kernels::transpose::{copy_strided, store_transposed};
pub use lanes::Lanes;
pub(crate) use lanes::{LANES, groups};
pub use level::{Level, level, set_level};
pub(crate) use tiles::{Rows, call, outlined};
pub use vector::{Op, Simd};
