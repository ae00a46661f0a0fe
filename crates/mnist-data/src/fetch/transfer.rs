//! One file: from which mirror, and how often.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Url;

use super::{Cancel, Event, RetryPolicy};
use crate::catalog::File;
use crate::{Attempt, Error, ErrorKind};

/// How often a wait looks whether it was cancelled.
pub(super) const POLL: Duration = Duration::from_millis(20);

pub(super) struct Transfer<'a> {
    pub(super) file: &'a File,
    pub(super) folder: &'a Path,
    pub(super) policy: &'a RetryPolicy,
    pub(super) cancel: &'a Cancel,
    pub(super) observer: &'a mut dyn FnMut(&Event<'_>),
    /// The most bytes that were ever on disk, an earlier run's included: only beyond them is
    /// headway, so that there is an end to it.
    pub(super) reached: u64,
    /// Whether the last attempt got beyond them.
    pub(super) headway: bool,
}

/// Why an attempt did not end in the verified file.
pub(super) enum Failure {
    /// The mirror will not deliver.
    Permanent(String),
    /// The mirror may deliver another time.
    Transient {
        cause: String,
        /// The pause that the server asks for.
        pause: Duration,
    },
    /// What was there cannot be gone on with; it is dropped, and the whole file asked for.
    Again(String),
    /// Not the mirror's fault.
    Stop(Error),
}

struct Mirror {
    address: Address,
    /// Not to be asked before.
    ready: Instant,
    /// How often it failed in a way that may pass.
    failures: u32,
}

/// Where a file is.
pub(super) struct Address {
    /// With what a person may have put before the host: a name and a password.
    pub(super) url: String,
    /// Without it, for everything that is shown or kept.
    pub(super) shown: String,
}

impl Address {
    fn new(mirror: &str, name: &str) -> Self {
        let url = format!("{}/{name}", mirror.trim_end_matches('/'));
        let shown = without_password(&url);
        Self { url, shown }
    }
}

fn without_password(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        // It may have been meant as one.
        return match url.rsplit_once('@') {
            Some((_, rest)) => format!("…@{rest}"),
            None => url.to_owned(),
        };
    };
    if parsed.username().is_empty() && parsed.password().is_none() {
        return url.to_owned();
    }
    // These fail only where there is no host, and then there is nothing before it.
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.into()
}

impl<'a> Transfer<'a> {
    pub(super) fn new(
        file: &'a File,
        folder: &'a Path,
        policy: &'a RetryPolicy,
        cancel: &'a Cancel,
        observer: &'a mut dyn FnMut(&Event<'_>),
    ) -> Self {
        Self {
            file,
            folder,
            policy,
            cancel,
            observer,
            reached: 0,
            headway: false,
        }
    }

    /// Ends with the verified file under its final name, or says of each address why not.
    pub(super) fn run(mut self, mirrors: &[String]) -> Result<(), Error> {
        let target = self.folder.join(self.file.name);
        let now = Instant::now();
        let mirror = |mirror: &String| Mirror {
            address: Address::new(mirror, self.file.name),
            ready: now,
            failures: 0,
        };
        let mut alive: Vec<Mirror> = mirrors.iter().map(mirror).collect();
        let mut attempts = Vec::new();
        loop {
            let mut next = Vec::new();
            for mut mirror in alive {
                if mirror.ready > Instant::now() {
                    next.push(mirror);
                    continue;
                }
                match self.try_mirror(&mirror.address, &target, &mut attempts) {
                    Ok(()) => return Ok(()),
                    Err(Failure::Stop(error)) => return Err(error.in_file(&target)),
                    Err(Failure::Transient { pause, .. })
                        if mirror.failures < self.policy.retries =>
                    {
                        let pause = pause.max(self.policy.pause(mirror.failures));
                        // A time that no clock shows is never.
                        if let Some(ready) = Instant::now().checked_add(pause) {
                            mirror.ready = ready;
                            mirror.failures += 1;
                            next.push(mirror);
                        }
                    }
                    Err(_) => {}
                }
            }
            alive = next;
            let Some(ready) = alive.iter().map(|mirror| mirror.ready).min() else {
                break;
            };
            let pause = ready.saturating_duration_since(Instant::now());
            if !pause.is_zero() {
                self.pause(pause).map_err(|error| error.in_file(&target))?;
            }
        }
        Err(Error::new(ErrorKind::Fetch { attempts }).in_file(&target))
    }

    /// Asks one mirror as long as it makes headway.
    fn try_mirror(
        &mut self,
        address: &Address,
        target: &Path,
        attempts: &mut Vec<Attempt>,
    ) -> Result<(), Failure> {
        loop {
            let failure = match self.attempt(address, target) {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            let (cause, go_on) = match &failure {
                Failure::Stop(_) => return Err(failure),
                Failure::Permanent(cause) => (cause, false),
                Failure::Again(cause) => (cause, true),
                Failure::Transient { cause, .. } => (cause, self.headway),
            };
            let url = &address.shown;
            (self.observer)(&Event::Failed { url, cause });
            Attempt::note(attempts, url, cause);
            if !go_on {
                return Err(failure);
            }
        }
    }

    fn pause(&mut self, pause: Duration) -> Result<(), Error> {
        (self.observer)(&Event::Pausing { pause });
        let start = Instant::now();
        while start.elapsed() < pause {
            if self.cancel.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
            std::thread::sleep(POLL.min(pause.saturating_sub(start.elapsed())));
        }
        Ok(())
    }
}

// Whatever fails on disk is not the mirror's fault.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Stop(ErrorKind::Io(error).into())
    }
}
