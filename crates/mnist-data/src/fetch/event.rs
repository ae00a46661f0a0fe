//! What a fetch tells, and how it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What happens during a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The file on disk is looked at.
    Verifying {
        /// Its name.
        file: &'a str,
    },
    /// Another process fetches into the same folder; this one waits for it.
    Waiting,
    /// More of a file has arrived, or, the first time, the server has answered.
    Progress {
        /// Its name.
        file: &'a str,
        /// The address it comes from.
        url: &'a str,
        /// Bytes that are on disk, those of earlier attempts included.
        bytes: u64,
        /// Bytes of the whole file, if the server tells.
        total: Option<u64>,
    },
    /// An address failed; the next one is tried, or the same one again.
    Failed {
        /// The address.
        url: &'a str,
        /// What went wrong.
        cause: &'a str,
    },
    /// No address is due: each that is left failed in a way that may pass, and is tried again after
    /// a while.
    Pausing {
        /// For so long.
        pause: Duration,
    },
    /// The file is there, verified, under its final name.
    Ready {
        /// Its name.
        file: &'a str,
    },
}

/// Stops a fetch from another thread; clones stop the same fetch.
///
/// Nothing is lost: a later fetch goes on where this one ended.
///
/// ```
/// use mnist_data::{ErrorKind, catalog, fetch::{Cancel, Fetcher}};
///
/// # let root = std::env::temp_dir().join(format!("mnist-data-cancel-{}", std::process::id()));
/// let cancel = Cancel::default();
/// cancel.cancel();
/// let error = Fetcher::new(&catalog::MNIST).root(&root).cancel(&cancel).fetch().unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Cancelled));
/// # std::fs::remove_dir_all(&root).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the fetch to stop; it does so within a fraction of a second.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
