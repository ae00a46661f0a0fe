//! The hot loops, each generic over the vector.

pub(super) mod gemm;
// Its calls panic, and are caught: not where a panic ends the program, as in WebAssembly.
#[cfg(all(test, panic = "unwind"))]
mod hostile;
pub(super) mod indexed_gemm;
pub(super) mod line;
pub(super) mod sparse;
pub(super) mod tile;
pub(super) mod transpose;
