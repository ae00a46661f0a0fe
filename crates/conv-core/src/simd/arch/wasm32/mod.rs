//! WebAssembly: vectors of eight lanes in two of 128 bits, with two ways to multiply and add.

mod halves;
#[cfg(feature = "relaxed-simd")]
pub(in crate::simd) mod relaxed;
pub(in crate::simd) mod simd128;
