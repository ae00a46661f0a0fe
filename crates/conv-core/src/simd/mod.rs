//! Vectors of sixteen `f32` lanes on every instruction set, with the same bits on each.
//!
//! A body is written once, as an [`Op`] generic over [`Simd`], and [`dispatch`] compiles it once per
//! [`Level`]. Sixteen *logical* lanes are always computed, as one vector of 512 bits, two of 256 or an
//! array; each lane sees the same operations in the same order, with one rounding for a
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
pub(crate) mod winograd;

pub use dispatch::dispatch;
pub(crate) use dispatch::dispatch_for;
pub(crate) use kernels::gemm::{Matrix, matrix_product};
pub(crate) use kernels::indexed_gemm::{Offsets, product};
pub(crate) use kernels::line::{TOGETHER, line_sums};
pub(crate) use kernels::sparse::{add_scaled, add_to_rows, weighted_rows};
// The names by which ops knows them.
pub(crate) use kernels::transpose::{
    TURNED, copy_strided as copy_every, store_transposed as store_turned,
};
pub use lanes::Lanes;
pub(crate) use lanes::{LANES, groups};
pub use level::{Level, level, set_level};
pub(crate) use tiles::Rows;
pub use vector::{Op, Simd};
