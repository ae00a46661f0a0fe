//! One process at a time fetches into a folder.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::{Cancel, Event};
use crate::{Error, ErrorKind};

const POLL: Duration = Duration::from_millis(20);

/// Waits for the folder's lock and holds it until the returned file is dropped; the system lets go
/// of it when a process dies. The file itself stays: to delete it would open a race.
pub(super) fn hold(
    folder: &Path,
    cancel: &Cancel,
    observer: &mut dyn FnMut(&Event<'_>),
) -> Result<File, Error> {
    let path = folder.join(".lock");
    let io = |error| Error::io(error, &path);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io)?;
    let mut told = false;
    loop {
        if cancel.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(io(error).with_advice("choose a folder on a disk that can lock files"));
            }
            Err(TryLockError::WouldBlock) => {
                if !told {
                    observer(&Event::Waiting);
                    told = true;
                }
                thread::sleep(POLL);
            }
        }
    }
}
