use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::Error;

/// The instruction set that computes. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Level {
    /// Arrays of sixteen, whatever the processor; the multiply-add is exact, if need be in software.
    Scalar = 1,
    /// x86-64 with AVX2 and FMA: two vectors of 256 bits.
    Avx2 = 2,
    /// x86-64 with AVX-512F: one vector of 512 bits.
    Avx512 = 3,
}

impl Level {
    /// Every level, slowest first.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

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
            _ => false,
        }
    }

    /// The fastest level of this processor.
    #[must_use]
    pub fn best() -> Self {
        let mut best = Self::Scalar;
        for level in Self::ALL {
            if level.is_available() {
                best = level;
            }
        }
        best
    }

    /// What the environment variable `CONV_CORE_SIMD` asks for (`scalar`, `avx2` or `avx512`), or
    /// [`best`](Self::best) where it is not set.
    ///
    /// # Errors
    /// [`Error::Simd`] if the value names no level, or one that this processor lacks.
    pub fn from_env() -> Result<Self, Error> {
        match std::env::var_os("CONV_CORE_SIMD") {
            None => Ok(Self::best()),
            Some(name) if name.is_empty() => Ok(Self::best()),
            Some(name) => name.to_string_lossy().parse(),
        }
    }

    fn from_u8(n: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&level| level as u8 == n)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|level| level.to_string() == name && level.is_available())
            .ok_or_else(|| Error::Simd {
                asked: name.to_owned(),
            })
    }
}

/// The level in use; 0 until the first question.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The level in use: the one [set](set_level), else the one of the environment, else the best.
///
/// A wrong `CONV_CORE_SIMD` counts as not set here; a program says so by [`Level::from_env`].
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
/// [`Error::Simd`] if this processor lacks it.
pub fn set_level(level: Level) -> Result<(), Error> {
    if !level.is_available() {
        return Err(Error::Simd {
            asked: level.to_string(),
        });
    }
    LEVEL.store(level as u8, Ordering::Relaxed);
    Ok(())
}
