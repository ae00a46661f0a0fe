//! Downloads (feature `fetch`): the only part of the crate that touches the network.
//!
//! Guarantees:
//!
//! - A file gets its final name only when it is complete and its digest is right. Until then it is
//!   called `NAME.part`, and a later run continues where this one ended, even if it was killed.
//! - What is on disk is verified before every use by [`Fetcher::fetch`] and [`Fetcher::load`]; what
//!   is damaged is fetched again. [`crate::read_dir`] and [`Entry::read`] check no digest;
//!   [`verify`](crate::local::verify) does, and changes nothing.
//! - After any failure of a mirror (an answer that is not the file, a timeout, a wrong digest) the
//!   next mirror is tried; after a transient failure the same one is tried again later.
//! - Two processes download a file once: the second waits for the first.
//! - Proxies are taken from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`):
//!   HTTP proxies and SOCKS (`socks5://`; `socks5h://` where the proxy looks up the host).
//! - In a folder, only this module's own unfinished downloads (`NAME.part`) are deleted, and only a
//!   file that has a data set's own name (`NAME.gz`) and is wrong is replaced. A decompressed file
//!   that is wrong is renamed to `NAME.aside` or, where there is one already, `NAME.aside-2` and so
//!   on.

mod attempt;
mod event;
mod http;
mod lock;
mod part;
mod retry;
mod transfer;

use std::fs;
use std::path::{Path, PathBuf};

pub use event::{Cancel, Event};
pub use retry::RetryPolicy;

use crate::catalog::{Entry, File};
use crate::local::default_root;
use crate::local::found::{self, Found};
use crate::{Error, ErrorKind, Splits};
use transfer::Transfer;

/// Fetches one data set into its own folder.
///
/// ```no_run
/// use mnist_data::{catalog, fetch::Fetcher};
///
/// let splits = Fetcher::new(&catalog::FASHION_MNIST).load()?;
/// assert_eq!(splits.train.len(), 60_000);
/// # Ok::<(), mnist_data::Error>(())
/// ```
pub struct Fetcher {
    entry: &'static Entry,
    root: Option<PathBuf>,
    mirrors: Vec<String>,
    policy: RetryPolicy,
    offline: bool,
    cancel: Cancel,
    observer: Box<dyn FnMut(&Event<'_>) + Send>,
}

impl Fetcher {
    /// Will fetch this data set from the catalogue's mirrors into the [default
    /// root](default_root).
    #[must_use]
    pub fn new(entry: &'static Entry) -> Self {
        Self {
            entry,
            root: None,
            mirrors: entry
                .mirrors
                .iter()
                .map(|&mirror| mirror.to_owned())
                .collect(),
            policy: RetryPolicy::default(),
            offline: false,
            cancel: Cancel::default(),
            observer: Box::new(|_| ()),
        }
    }

    /// Uses another folder, in which the data set gets its own folder.
    #[must_use]
    pub fn root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// Uses these addresses, in this order, in place of the catalogue's.
    ///
    /// Each is a folder on a server; a slash at its end is optional. A name and a password
    /// (`https://NAME:PASSWORD@HOST/…`) are sent to the server, but neither shown nor kept on disk.
    #[must_use]
    pub fn mirrors<S: Into<String>>(mut self, mirrors: impl IntoIterator<Item = S>) -> Self {
        self.mirrors = mirrors.into_iter().map(Into::into).collect();
        self
    }

    /// Sets timeouts and retries.
    #[must_use]
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Does not use the network; a missing file is an error.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Ends early, with [`ErrorKind::Cancelled`], once `cancel` is told to.
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Calls `observer` with every [`Event`], on the thread that fetches.
    #[must_use]
    pub fn observer(mut self, observer: impl FnMut(&Event<'_>) + Send + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// The data set's own folder, whether it exists or not.
    ///
    /// # Errors
    ///
    /// If no root was named and the [default](default_root) is unknown.
    pub fn folder(&self) -> Result<PathBuf, Error> {
        let root = self.root.clone().map_or_else(default_root, Ok)?;
        Ok(root.join(self.entry.folder))
    }

    /// Verifies the files that exist, fetches the others, and returns the data set's folder.
    ///
    /// # Errors
    ///
    /// If no mirror delivers a file with the right digest, the folder cannot be written, or
    /// something is missing while [offline](Fetcher::offline).
    pub fn fetch(&mut self) -> Result<PathBuf, Error> {
        let folder = self.folder()?;
        let mut wanted = Vec::new();
        for file in self.entry.files {
            (self.observer)(&Event::Verifying { file: file.name });
            let found = Found::look(&folder, file)?;
            if !found.is_right() {
                wanted.push((file, found));
            }
        }
        if wanted.is_empty() {
            return Ok(folder);
        }
        if self.offline && wanted.iter().any(|(_, found)| found.fault.is_some()) {
            let faults = wanted.into_iter().flat_map(|(_, found)| found.faults());
            let missing = faults.map(|fault| fault.to_string()).collect();
            return Err(Error::new(ErrorKind::Offline { missing })
                .in_file(&folder)
                .with_advice("fetch once with a connection, and everything works without"));
        }
        fs::create_dir_all(&folder).map_err(|error| Error::io(error, &folder))?;
        let _lock = lock::hold(&folder, &self.cancel, &mut self.observer)?;
        for (file, _) in wanted {
            self.repair(&folder, file)?;
            (self.observer)(&Event::Ready { file: file.name });
        }
        Ok(folder)
    }

    /// Fetches a file unless it exists, and sets a wrong decompressed file aside, which readers would
    /// prefer.
    fn repair(&mut self, folder: &Path, file: &File) -> Result<(), Error> {
        // Who held the lock before may have fetched it.
        let mut found = Found::look(folder, file)?;
        if let Some(fault) = found.fault {
            if self.offline {
                return Err(fault);
            }
            let (cancel, observer) = (&self.cancel, &mut self.observer);
            Transfer::new(file, folder, &self.policy, cancel, observer).run(&self.mirrors)?;
            if found::plain(folder, file).is_none() {
                return Ok(());
            }
            // Only now is there something to compare it with.
            found = Found::look(folder, file)?;
        }
        match found.stray {
            Some(stray) => found::set_aside(stray.path().unwrap_or(folder)),
            None => Ok(()),
        }
    }

    /// Verifies and fetches as [`Fetcher::fetch`] does, and reads the data set.
    ///
    /// # Errors
    ///
    /// As for [`Fetcher::fetch`] and [`Entry::read`].
    pub fn load(&mut self) -> Result<Splits, Error> {
        self.entry.read(&self.fetch()?)
    }
}
