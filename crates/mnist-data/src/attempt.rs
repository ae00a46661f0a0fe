//! What one address of a download answered.

use std::fmt;

/// An address that did not deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The address.
    pub url: String,
    /// What went wrong there the last time.
    pub cause: String,
    /// How often it was tried.
    pub tries: u32,
}

#[cfg(feature = "fetch")]
impl Attempt {
    /// Adds a failure to the list, which has one line an address.
    pub(crate) fn note(attempts: &mut Vec<Self>, url: &str, cause: &str) {
        let cause = cause.to_owned();
        match attempts.iter_mut().find(|attempt| attempt.url == url) {
            Some(attempt) => {
                attempt.cause = cause;
                attempt.tries += 1;
            }
            None => attempts.push(Self {
                url: url.to_owned(),
                cause,
                tries: 1,
            }),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, cause, tries } = self;
        write!(f, "{url}: {cause}")?;
        if *tries > 1 {
            write!(f, " (tried {tries} times)")?;
        }
        Ok(())
    }
}
