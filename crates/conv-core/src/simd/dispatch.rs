//! The choice of an instruction set for a piece of work: the only place, with [`Level`], that knows which there are.

#[cfg(target_arch = "aarch64")]
use super::arch::aarch64::neon;
use super::arch::scalar;
#[cfg(all(
    target_arch = "wasm32",
    target_feature = "simd128",
    feature = "relaxed-simd"
))]
use super::arch::wasm32::relaxed;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use super::arch::wasm32::simd128;
#[cfg(target_arch = "x86_64")]
use super::arch::x86_64::{avx2, avx512};
use super::{LANES, Level, Op, level};

/// Runs `op` on the instruction set chosen by [`level`].
pub fn dispatch<O: Op>(op: O) -> O::Output {
    // SAFETY: the level in use is one that this processor has.
    unsafe { run_on(level(), op) }
}

/// [`dispatch`] for rows of so many values: with vectors of eight lanes where those of sixteen would be at least half
/// empty.
pub(crate) fn dispatch_for<O: Op>(values: usize, op: O) -> O::Output {
    let level = match level() {
        Level::Avx512 if values <= LANES / 2 => Level::Avx2,
        level => level,
    };
    // SAFETY: the level in use is one that this processor has, and a processor that has AVX-512 for a `Level` has AVX2 too.
    unsafe { run_on(level, op) }
}

/// Runs `op` on the instruction set of a level.
///
/// # Safety
/// The processor must have the level.
unsafe fn run_on<O: Op>(level: Level, op: O) -> O::Output {
    match level {
        Level::Scalar => scalar::run(op),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => neon::run(op),
        // SAFETY: the caller vouches for the processor.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::run(op) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::run(op) },
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Level::Simd128 => simd128::run(op),
        #[cfg(all(
            target_arch = "wasm32",
            target_feature = "simd128",
            feature = "relaxed-simd"
        ))]
        Level::Relaxed => relaxed::run(op),
        // No processor of another kind, and no other module, has those that follow.
        #[cfg(not(target_arch = "x86_64"))]
        Level::Avx2 | Level::Avx512 => scalar::run(op),
        #[cfg(not(target_arch = "aarch64"))]
        Level::Neon => scalar::run(op),
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        Level::Simd128 => scalar::run(op),
        #[cfg(not(all(
            target_arch = "wasm32",
            target_feature = "simd128",
            feature = "relaxed-simd"
        )))]
        Level::Relaxed => scalar::run(op),
    }
}

/// Runs the same work on every instruction set that this processor has, scalar first, shows what each returned, and says once
/// which are absent.
#[cfg(test)]
pub(super) fn on_every_level<O: Op>(
    mut make: impl FnMut(Level) -> O,
    mut see: impl FnMut(Level, O::Output),
) {
    let levels = Level::ALL.iter().copied();
    let (here, absent): (Vec<_>, Vec<_>) = levels.partition(|level| level.is_available());
    skipped::skipped_on(&absent);
    for level in here {
        // SAFETY: the processor has the level, as was asked.
        see(level, unsafe { run_on(level, make(level)) });
    }
}
