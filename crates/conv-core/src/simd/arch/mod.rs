//! The instruction sets, a file each.

#[cfg(target_arch = "aarch64")]
pub(super) mod aarch64;
#[cfg(test)]
mod methods;
#[cfg(test)]
mod multiply_add;
pub(super) mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) mod wasm32;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86_64;
