//! The way out by Ctrl-C.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on Ctrl-C asks the run to end after the current iteration; a second one ends it at once. It takes no thread,
/// which a system might not allow.
pub(crate) fn watch() -> io::Result<()> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    // In this order: the first Ctrl-C finds the flag not set yet.
    flag::register_conditional_shutdown(SIGINT, 130, flag.clone())?;
    flag::register(SIGINT, flag.clone())?;
    Ok(())
}

/// From now on what ends a job on a cluster, SIGTERM, asks for the same.
#[cfg(feature = "mpi")]
pub(crate) fn watch_termination() -> io::Result<()> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    flag::register(signal_hook::consts::SIGTERM, flag.clone()).map(drop)
}

/// Whether Ctrl-C was pressed.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED
        .get()
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
}
