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
        self.kept.elapsed().as_secs_f64() >= self.interval(epoch_ends)
    }

    /// Seconds from the last checkpoint to the next one.
    fn interval(&self, epoch_ends: bool) -> f64 {
        let usual = if epoch_ends { AT_END } else { WITHIN };
        let least = self.cost.as_secs_f64() / SHARE;
        self.interval.unwrap_or(usual.max(least))
    }

    /// A checkpoint was written, which took so long.
    pub(crate) fn kept(&mut self, cost: Duration) {
        self.kept = Instant::now();
        self.cost = cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `trainer train --help` says of `--checkpoint-every`.
    #[test]
    fn a_checkpoint_is_due_after_ten_seconds_or_two_at_an_end_or_a_hundred_times_its_cost() {
        let mut clock = Clock::new(None);
        assert_eq!((clock.interval(false), clock.interval(true)), (10.0, 2.0));
        clock.kept(Duration::from_millis(50));
        assert_eq!((clock.interval(false), clock.interval(true)), (10.0, 5.0));
        clock.kept(Duration::from_millis(250));
        assert_eq!((clock.interval(false), clock.interval(true)), (25.0, 25.0));
        let mut clock = Clock::new(Some(0.5));
        clock.kept(Duration::from_secs(1));
        assert_eq!((clock.interval(false), clock.interval(true)), (0.5, 0.5));
        assert!(Clock::new(Some(0.0)).is_due(false));
        assert!(!clock.is_due(true));
    }
}
