//! The instruction sets, a file each.

pub(super) mod scalar;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86_64;
