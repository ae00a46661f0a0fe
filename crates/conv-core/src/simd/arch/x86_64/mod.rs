//! x86-64.

pub(in crate::simd) mod avx2;
pub(in crate::simd) mod avx512;
