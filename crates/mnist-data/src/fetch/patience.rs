//! How long to wait, and how often to try again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Time-outs and retries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the answer, and for each read. A transfer that is slower than [`Patience::slowest`] for
    /// so long has stalled.
    pub stall: Duration,
    /// Bytes a second, on average over each [`Patience::stall`]. So there is an end to every
    /// transfer, however little a server sends at a time.
    pub slowest: u64,
    /// How often each mirror is tried again after failures that may pass. An attempt that brings
    /// 64 KiB more than any before does not count.
    pub retries: u32,
    /// The pause before a mirror's first retry; it doubles with each, and varies at random by half, so
    /// that many clients do not come back at once.
    pub backoff: Duration,
    /// A server that asks (by `Retry-After`) for a longer pause is given up.
    pub longest_pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            slowest: 1024,
            retries: 4,
            backoff: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

impl Patience {
    /// The pause before retry `n`, counted from 0.
    pub(super) fn pause(&self, n: u32) -> Duration {
        let longest = self
            .backoff
            .saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX));
        // The standard library's own source of randomness is all that a jitter needs.
        let random = RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64;
        longest.min(self.longest_pause).mul_f64(0.5 + 0.5 * random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_vary_by_half() {
        let patience = Patience::default();
        for n in 0..100 {
            let longest = Duration::from_millis(500 << n.min(20)).min(patience.longest_pause);
            let pauses: Vec<_> = (0..20).map(|_| patience.pause(n)).collect();
            assert!(
                pauses
                    .iter()
                    .all(|&pause| pause <= longest && pause >= longest / 2)
            );
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
