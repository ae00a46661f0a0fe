//! Downloads (feature `fetch`): the only part of the crate that touches the network.
//!
//! A file gets its final name only when it is whole and its digest is right; until then it stands
//! beside it under another name. What is on disk is verified before every use.

mod http;
mod verify;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::catalog::{self, Entry};
use crate::{Attempt, Error, ErrorKind, Splits};

/// Fetches one data set into its own folder.
///
/// ```no_run
/// use mnist_data::{catalog, fetch::Fetcher};
///
/// let folder = Fetcher::new(&catalog::MNIST, "data").fetch()?;
/// assert!(folder.ends_with("data/mnist"));
/// let splits = mnist_data::read_dir(&folder)?;
/// # Ok::<(), mnist_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fetcher {
    entry: &'static Entry,
    root: PathBuf,
    mirrors: Vec<String>,
}

impl Fetcher {
    /// A data set, and the folder in which it gets its own folder.
    pub fn new(entry: &'static Entry, root: impl Into<PathBuf>) -> Self {
        let mirrors = entry
            .mirrors
            .iter()
            .map(|&mirror| mirror.to_owned())
            .collect();
        Self {
            entry,
            root: root.into(),
            mirrors,
        }
    }

    /// Takes these addresses, in this order, in place of the catalogue's.
    ///
    /// Each is a folder on a server; a slash at its end is optional.
    #[must_use]
    pub fn mirrors<S: Into<String>>(mut self, mirrors: impl IntoIterator<Item = S>) -> Self {
        self.mirrors = mirrors.into_iter().map(Into::into).collect();
        self
    }

    /// The data set's own folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.root.join(self.entry.name)
    }

    /// Verifies what is there, fetches the rest, and returns the data set's folder.
    ///
    /// # Errors
    ///
    /// If no mirror delivers a file with the right digest, or the folder cannot be written.
    pub fn fetch(&self) -> Result<PathBuf, Error> {
        let folder = self.folder();
        fs::create_dir_all(&folder).map_err(|error| Error::io(error, &folder))?;
        for file in self.entry.files {
            self.fetch_file(&folder, file)?;
        }
        Ok(folder)
    }

    /// Fetches MNIST's four files and reads them.
    ///
    /// # Errors
    ///
    /// As for [`Fetcher::fetch`] and [`crate::read_dir`].
    pub fn load(&self) -> Result<Splits, Error> {
        crate::read_dir(&self.fetch()?)
    }

    fn fetch_file(&self, folder: &Path, file: &catalog::File) -> Result<(), Error> {
        let plain = folder.join(file.name);
        if plain.exists() {
            // Readers prefer it to the .gz, so it must be right, or go.
            return verify::file(&plain, file)
                .map_err(|error| error.advise("move it away, and it is fetched again"));
        }
        let path = folder.join(format!("{}.gz", file.name));
        if path.exists() && verify::file(&path, file).is_ok() {
            return Ok(());
        }
        let part = folder.join(format!("{}.gz.part", file.name));
        let mut attempts = Vec::new();
        for mirror in &self.mirrors {
            let url = format!("{}/{}.gz", mirror.trim_end_matches('/'), file.name);
            match deliver(&url, &part, file) {
                Ok(()) => {
                    fs::rename(&part, &path).map_err(|error| Error::io(error, &path))?;
                    return sync(folder);
                }
                Err(cause) => attempts.push(Attempt { url, cause }),
            }
        }
        // What no mirror could complete is worth nothing; only a failed removal leaves it there.
        let _ = fs::remove_file(&part);
        Err(Error::new(ErrorKind::Fetch { attempts }).in_file(&path).advise(
            "check the connection or a proxy's settings, or name another mirror with `--mirror`",
        ))
    }
}

/// Verifies the files of a data set in a folder, as they are or with `.gz` behind the name.
///
/// # Errors
///
/// If a file is missing, or its content is not the data set's.
pub fn verify(entry: &Entry, folder: &Path) -> Result<(), Error> {
    for file in entry.files {
        let (plain, gzip) = (
            folder.join(file.name),
            folder.join(format!("{}.gz", file.name)),
        );
        verify::file(if plain.exists() { &plain } else { &gzip }, file)?;
    }
    Ok(())
}

/// Downloads to `part`, and verifies it; says in words what went wrong.
fn deliver(url: &str, part: &Path, file: &catalog::File) -> Result<(), String> {
    let mut out = File::create(part).map_err(|error| format!("{}: {error}", part.display()))?;
    // Gzip makes nothing longer than a thousandth more; a longer answer is another file.
    http::download(url, &mut out, file.bytes + file.bytes / 1000 + 1024)?;
    out.sync_all()
        .map_err(|error| format!("{}: {error}", part.display()))?;
    verify::file(part, file).map_err(|error| error.kind().to_string())
}

/// Makes a rename last: on Unix the folder is a file of its own that must be written, too.
fn sync(folder: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        let opened = File::open(folder).and_then(|folder| folder.sync_all());
        opened.map_err(|error| Error::io(error, folder))?;
    }
    Ok(())
}
