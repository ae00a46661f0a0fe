//! What is on disk of a file: right, wrong, missing, or beside another that a reader would prefer.

#[cfg(feature = "fetch")]
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::digest;
use crate::catalog::{Digest, File};
use crate::{Error, ErrorKind};

/// Readers prefer the decompressed file to the `.gz`; so one of them must be right, and if it is the
/// `.gz`, nothing else may stand in front of it.
pub(crate) struct Found {
    /// Why the file must be fetched, if it must.
    pub(crate) fault: Option<Error>,
    /// What is wrong with the decompressed file, if it is there and wrong; it must go aside.
    pub(crate) stray: Option<Error>,
}

impl Found {
    /// Looks at the file, plain and packed.
    ///
    /// Where only the packed file's digest is known, the packed file must be there, and judges the
    /// plain one.
    ///
    /// # Errors
    ///
    /// If a file cannot be read at all.
    pub(crate) fn look(folder: &Path, file: &File) -> Result<Self, Error> {
        let packed = folder.join(file.name);
        let plain = plain(folder, file);
        let known = matches!(file.digest, Digest::Content { .. });
        if let (true, Some(plain)) = (known, &plain) {
            let stray = fault(digest::file(plain, file))?;
            let fault = match stray {
                Some(_) => packed_fault(folder, file)?,
                None => None,
            };
            return Ok(Self { fault, stray });
        }
        let fault_of_packed = packed_fault(folder, file)?;
        let stray = match (plain, &fault_of_packed) {
            (Some(plain), None) => fault(digest::content_of(&plain, &packed))?,
            _ => None,
        };
        Ok(Self {
            fault: fault_of_packed,
            stray,
        })
    }

    /// Whether every reader finds the right content.
    #[cfg(feature = "fetch")]
    pub(crate) fn is_right(&self) -> bool {
        self.fault.is_none() && self.stray.is_none()
    }

    /// What is wrong.
    pub(crate) fn faults(self) -> impl Iterator<Item = Error> {
        self.stray.into_iter().chain(self.fault)
    }
}

/// The decompressed file, if it is there.
pub(crate) fn plain(folder: &Path, file: &File) -> Option<PathBuf> {
    let path = folder.join(file.plain_name()?);
    path.exists().then_some(path)
}

/// Renames a decompressed file that is wrong, to a name that is free: it may be somebody's own, and
/// so may what was set aside before.
#[cfg(feature = "fetch")]
pub(crate) fn set_aside(path: &Path) -> Result<(), Error> {
    let named = |number: u64| {
        let mut name = path.to_owned().into_os_string();
        name.push(".aside");
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    };
    let mut number = 1;
    loop {
        // An empty file holds the name until the rename replaces it.
        let aside = named(number);
        match fs::File::create_new(&aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::io(error, &aside)),
            Ok(_) => {
                return fs::rename(path, &aside).map_err(|error| {
                    let _ = fs::remove_file(&aside); // It is empty.
                    Error::io(error, path)
                });
            }
        }
    }
}

fn packed_fault(folder: &Path, file: &File) -> Result<Option<Error>, Error> {
    match digest::file(&folder.join(file.name), file) {
        Err(error) if is_missing(&error) => {
            Ok(Some(Error::missing(file.name, Vec::new()).in_file(folder)))
        }
        result => fault(result),
    }
}

/// What could be put right; other errors are the disk's.
fn fault(result: Result<(), Error>) -> Result<Option<Error>, Error> {
    match result {
        Ok(()) => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::Io(_)) => Err(error),
        Err(error) => Ok(Some(error)),
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io(cause) if cause.kind() == io::ErrorKind::NotFound)
}
