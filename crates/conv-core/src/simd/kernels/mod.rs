//! The hot loops, each generic over the vector.

pub(super) mod gemm;
#[cfg(test)]
mod hostile;
pub(super) mod indexed_gemm;
pub(super) mod line;
pub(super) mod sparse;
pub(super) mod tile;
pub(super) mod transpose;
