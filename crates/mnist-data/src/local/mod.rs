//! Data sets on this machine (feature `verify`): where they are kept, and whether they are what they should be.

pub(crate) mod digest;
pub(crate) mod found;
mod place;

use std::path::Path;

use crate::catalog::Entry;
use crate::{Error, ErrorKind};
use found::Found;
pub use place::default_root;

/// Verifies the files of a data set in its folder, as they are or with `.gz` behind the name, and
/// changes nothing.
///
/// # Errors
///
/// [`ErrorKind::Faults`], which names every file that is missing, cannot be read, or has a content
/// that is not the data set's.
pub fn verify(entry: &Entry, folder: impl AsRef<Path>) -> Result<(), Error> {
    let folder = folder.as_ref();
    let mut faults = Vec::new();
    for file in entry.files {
        match Found::look(folder, file) {
            Ok(found) => faults.extend(found.faults()),
            Err(error) => faults.push(error),
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Faults { faults }).in_file(folder))
}
