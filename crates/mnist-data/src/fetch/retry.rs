//! How long a fetch waits, and how many times it tries again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Timeouts and retries of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the answer and for each read. A transfer that stays below
    /// [`RetryPolicy::min_bytes_per_second`] for so long has stalled.
    pub stall_timeout: Duration,
    /// Bytes per second, on average over each [`RetryPolicy::stall_timeout`]. So every transfer ends,
    /// however little a server sends at a time.
    pub min_bytes_per_second: u64,
    /// How many times each mirror is tried again after transient failures. An attempt that brings
    /// at least 64 KiB more than any before is not counted.
    pub retries: u32,
    /// The pause before a mirror's first retry. It doubles with each retry and varies at random by
    /// half, so that many clients do not come back at once.
    pub backoff: Duration,
    /// A mirror that asks (by `Retry-After`) for a longer pause is not tried again.
    pub max_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            min_bytes_per_second: 1024,
            retries: 4,
            backoff: Duration::from_millis(500),
            max_pause: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// The pause before retry `n`, counted from 0.
    pub(super) fn pause(&self, n: u32) -> Duration {
        let longest = self
            .backoff
            .saturating_mul(1_u32.checked_shl(n).unwrap_or(u32::MAX));
        // The standard library's own source of randomness is all that a jitter needs.
        let random = RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64;
        longest.min(self.max_pause).mul_f64(0.5 + 0.5 * random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_vary_by_half() {
        let policy = RetryPolicy::default();
        for n in 0..100 {
            let longest = Duration::from_millis(500 << n.min(20)).min(policy.max_pause);
            let pauses: Vec<_> = (0..20).map(|_| policy.pause(n)).collect();
            assert!(
                pauses
                    .iter()
                    .all(|&pause| pause <= longest && pause >= longest / 2)
            );
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
