//! What a session tells while it trains, and how it is asked to stop.

use crate::run::records::Epoch;

/// Where a session is after a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The epoch under way, counted from 1.
    pub epoch: u64,
    /// The mean loss of the epoch so far, over its images.
    pub loss: f64,
    /// The part of the epoch's images so far that were classified right, 0 to 1.
    pub accuracy: f64,
    /// The speed in this epoch.
    pub images_per_second: f64,
}

/// Hears of a session's progress. Every method does nothing by default.
pub trait Observer {
    /// A step is done.
    fn step(&mut self, _progress: &Progress) {}

    /// An epoch is done, and its line of metrics is written.
    fn epoch(&mut self, _epoch: &Epoch) {}

    /// Something happened that does not end the run, but that its user should know.
    fn warn(&mut self, _message: &str) {}

    /// Whether the session should stop before its next step. It then writes a checkpoint and ends with
    /// [`Error::Stopped`](crate::Error::Stopped).
    fn wants_stop(&mut self) -> bool {
        false
    }
}

/// Nobody hears.
impl Observer for () {}
