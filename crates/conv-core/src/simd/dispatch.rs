#[cfg(target_arch = "x86_64")]
use super::arch::x86_64::{avx2, avx512};
use super::{Level, Op, Scalar, level};

/// [`dispatch`] for rows of `lanes` numbers: with vectors of eight lanes where those of sixteen would be at least
/// half empty.
pub fn dispatch_for<O: Op>(lanes: usize, op: O) -> O::Output {
    // Where there is no choice of vectors.
    #[cfg(not(target_arch = "x86_64"))]
    let _ = lanes;
    match level() {
        // SAFETY: a processor has AVX-512, for a `Level`, only with AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if lanes <= 8 => unsafe { avx2::run(op) },
        _ => dispatch(op),
    }
}

/// Runs `op` on the instruction set chosen by [`level`].
pub fn dispatch<O: Op>(op: O) -> O::Output {
    match level() {
        // SAFETY: `Level`s are handed out only after `Level::is_available`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512::run(op) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::run(op) },
        _ => op.run(Scalar),
    }
}
