//! The time of a run: what each part took, and when a checkpoint is due.

use std::time::{Duration, Instant};

/// Seconds from one checkpoint to the next within an epoch, and at the ends of short ones.
const WITHIN: f64 = 10.0;
const AT_END: f64 = 2.0;
/// A checkpoint may take this part of the time.
const SHARE: f64 = 0.01;

/// Where the time goes, and when the next checkpoint is due.
pub(crate) struct Clock {
    lap: Instant,
    kept: Instant,
    /// What the last checkpoint took.
    cost: Duration,
    interval: Option<f64>,
}

impl Clock {
    /// Starts, with so many seconds from one checkpoint to the next, or as many as is good.
    pub(crate) fn new(interval: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            lap: now,
            kept: now,
            cost: Duration::ZERO,
            interval,
        }
    }

    /// Seconds since the last call.
    pub(crate) fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let seconds = now.duration_since(self.lap).as_secs_f64();
        self.lap = now;
        seconds
    }

    /// Whether it is time for a checkpoint.
    pub(crate) fn is_due(&self, epoch_ends: bool) -> bool {
        let usual = if epoch_ends { AT_END } else { WITHIN };
        let least = self.cost.as_secs_f64() / SHARE;
        let interval = self.interval.unwrap_or(usual.max(least));
        self.kept.elapsed().as_secs_f64() >= interval
    }

    /// A checkpoint was written, which took so long.
    pub(crate) fn kept(&mut self, cost: Duration) {
        self.kept = Instant::now();
        self.cost = cost;
    }
}
