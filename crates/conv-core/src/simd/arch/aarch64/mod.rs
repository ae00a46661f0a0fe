//! 64-bit ARM.

pub(in crate::simd) mod neon;
