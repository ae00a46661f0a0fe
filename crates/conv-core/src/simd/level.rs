use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::Error;

/// The instruction set that computes. All give the same bits.
///
/// ```
/// use conv_core::simd::{Level, level, set_level};
///
/// set_level(Level::Scalar)?;
/// assert_eq!(level(), Level::Scalar);
/// set_level(Level::best())?;
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Level {
    /// Arrays of eight, whatever the processor; the multiply-add is exact, if need be in software.
    Scalar = 1,
    /// x86-64 with AVX2 and FMA: two vectors of 256 bits.
    Avx2 = 2,
    /// x86-64 with AVX-512F: one vector of 512 bits.
    Avx512 = 3,
    /// 64-bit ARM, all of which has NEON: two vectors of two registers of 128 bits each.
    Neon = 4,
    /// WebAssembly with SIMD: two vectors of two registers of 128 bits each, and the multiply-add exact in software. The module
    /// must be compiled with `-C target-feature=+simd128`.
    Simd128 = 5,
    /// WebAssembly with the relaxed multiply-add: as [`Simd128`](Self::Simd128), with the engine's own multiply-add. The module
    /// must be compiled with the feature `relaxed-simd` besides, and the engine must round a multiply-add once: it has the
    /// choice, and is asked.
    Relaxed = 6,
}

impl Level {
    /// Every level, whether or not this processor has it; of those that one processor has, the slower ones come first.
    pub const ALL: &'static [Self] = &[
        Self::Scalar,
        Self::Simd128,
        Self::Relaxed,
        Self::Neon,
        Self::Avx2,
        Self::Avx512,
    ];

    /// Whether this processor has it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f") && Self::Avx2.is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
            Self::Neon => cfg!(target_arch = "aarch64"),
            Self::Simd128 => cfg!(all(target_arch = "wasm32", target_feature = "simd128")),
            #[cfg(all(
                target_arch = "wasm32",
                target_feature = "simd128",
                feature = "relaxed-simd"
            ))]
            Self::Relaxed => super::arch::wasm32::relaxed::rounds_once(),
            #[cfg(not(all(
                target_arch = "wasm32",
                target_feature = "simd128",
                feature = "relaxed-simd"
            )))]
            Self::Relaxed => false,
        }
    }

    /// Those of this processor, slowest first.
    fn available() -> impl DoubleEndedIterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|level| level.is_available())
    }

    /// The fastest level of this processor.
    #[must_use]
    pub fn best() -> Self {
        Self::available().next_back().unwrap_or(Self::Scalar)
    }

    /// What the environment variable `CONV_CORE_SIMD` asks for (`scalar`, `avx2`, `avx512`, `neon`, `simd128` or `relaxed`), or
    /// [`best`](Self::best) where it is not set or empty.
    ///
    /// # Errors
    /// [`Error::Simd`] if the value names no level, or one that this processor lacks; it lists those that there are.
    pub fn from_env() -> Result<Self, Error> {
        match std::env::var_os("CONV_CORE_SIMD") {
            None => Ok(Self::best()),
            Some(name) if name.is_empty() => Ok(Self::best()),
            Some(name) => name.to_string_lossy().parse(),
        }
    }

    fn from_u8(n: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|&level| level as u8 == n)
    }
}

/// The error for a level that this processor lacks.
fn missing(asked: impl fmt::Display) -> Error {
    Error::Simd {
        asked: asked.to_string(),
        available: Level::available().map(|level| level.to_string()).collect(),
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
            Self::Simd128 => "simd128",
            Self::Relaxed => "relaxed",
        })
    }
}

/// The level of that name, if this processor has it.
impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::available()
            .find(|level| level.to_string() == name)
            .ok_or_else(|| missing(name))
    }
}

/// The level in use; 0 until it is first asked for.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The level in use: the one [set](set_level), else the one of the environment, else the best.
///
/// A wrong `CONV_CORE_SIMD` counts as not set here: a library has nobody to tell. A program that honours the variable
/// calls [`Level::from_env`] when it starts, and shows its error.
#[must_use]
pub fn level() -> Level {
    // Relaxed: every level computes the same bits, so no order of the threads can be seen.
    if let Some(level) = Level::from_u8(LEVEL.load(Ordering::Relaxed)) {
        return level;
    }
    let level = Level::from_env().unwrap_or_else(|_| Level::best());
    // Only if it is not set yet: another thread may have set it meanwhile, and that holds.
    match LEVEL.compare_exchange(0, level as u8, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => level,
        Err(set) => Level::from_u8(set).unwrap_or(level),
    }
}

/// Makes `level` the one in use, in the whole process.
///
/// # Errors
/// [`Error::Simd`] if this processor lacks it; it lists those that there are.
pub fn set_level(level: Level) -> Result<(), Error> {
    if !level.is_available() {
        return Err(missing(level));
    }
    LEVEL.store(level as u8, Ordering::Relaxed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_missing_is_an_error_that_names_those_that_there_are() {
        for asked in ["mmx", "AVX2", "", "scalar "] {
            let error = asked.parse::<Level>().unwrap_err().to_string();
            let here: Vec<String> = Level::available().map(|level| level.to_string()).collect();
            assert_eq!(
                error,
                format!(
                    "no instruction set {asked:?} on this processor; there are: {}",
                    here.join(", ")
                )
            );
            assert!(error.contains("there are: scalar"), "{error}");
        }
    }

    #[test]
    fn every_level_of_this_processor_is_found_by_its_name() {
        for level in Level::available() {
            assert_eq!(level.to_string().parse::<Level>(), Ok(level));
        }
        assert!(Level::best().is_available());
    }
}
