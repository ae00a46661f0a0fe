//! The instruction sets, a file each.

#[cfg(target_arch = "aarch64")]
pub(super) mod aarch64;
#[cfg(test)]
mod methods;
pub(super) mod scalar;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86_64;
