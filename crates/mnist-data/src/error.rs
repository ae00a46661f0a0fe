//! One error for the whole crate: what was wrong, in which file, at which byte, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::attempt::Attempt;

/// Why data could not be read, written or fetched.
///
/// The message names the file, the offset in the (decompressed) file, what was expected, what was
/// found, and, where there is one, the next step. A program matches on [`Error::kind`].
///
/// ```
/// use mnist_data::{ErrorKind, idx};
///
/// let html = b"<!DOCTYPE html>";
/// let error = idx::read::<u8>(&html[..]).unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Magic { .. }));
/// assert!(error.to_string().starts_with("offset 0: "));
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    path: Option<PathBuf>,
    offset: Option<u64>,
    advice: Option<String>,
}

/// The ways to be wrong. Numbers of bytes count the decompressed file, header included.
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused an operation.
    Io(io::Error),
    /// A required file or folder does not exist.
    Missing {
        /// The names that would have been accepted.
        expected: String,
        /// The names of what is there instead, sorted; not all of them where they are many.
        found: Vec<String>,
    },
    /// Several files could be the one that is needed, and nothing says which.
    Ambiguous {
        /// The name of the file that is needed.
        wanted: String,
        /// The files that could be it.
        found: Vec<PathBuf>,
    },
    /// The first two bytes are neither two zeros (IDX) nor `1f 8b` (gzip).
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// The third byte names an element type that is unknown, or not the one asked for.
    ElementType {
        /// The types that would have been accepted.
        expected: String,
        /// The byte in the file.
        found: u8,
    },
    /// The file has another number of dimensions than is accepted here.
    Rank {
        /// The ranks that would have been accepted.
        expected: String,
        /// The rank in the file.
        found: usize,
    },
    /// The file ends early.
    Truncated {
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Bytes follow the last element.
    Overlong {
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that exist; of a stream, those read before giving up.
        found: u64,
    },
    /// The header promises more than the limit, and nothing was allocated for it.
    Limit {
        /// The limit in bytes.
        limit: u64,
        /// The bytes promised; `None` if they do not even fit in 64 bits.
        asked: Option<u64>,
    },
    /// The gzip stream is damaged or ends early.
    Gzip(io::Error),
    /// The file is gzip, and what it unpacks to is gzip again.
    DoublyGzipped,
    /// A label is not one of the data set's classes.
    Label {
        /// Which label, from 0.
        index: usize,
        /// Its value.
        found: i64,
        /// The label of the first class.
        lowest: u8,
        /// The number of classes.
        classes: usize,
    },
    /// An archive is not a zip file, or is a damaged one, for this reason.
    Zip(String),
    /// There are not as many labels as images, or fewer images than asked for.
    Count {
        /// What was counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Images have another size than expected.
    Shape {
        /// Height × width that would have been accepted.
        expected: String,
        /// Height × width found.
        found: String,
    },
    /// A parameter is out of its range.
    Parameter {
        /// Which value.
        name: &'static str,
        /// The values that would have been accepted.
        expected: String,
        /// The value given.
        found: String,
    },
    /// The content is not the content of the data set: damaged, or another file.
    Digest {
        /// The SHA-256 in hexadecimal that decides.
        expected: String,
        /// The SHA-256 of what is there.
        found: String,
    },
    /// No mirror delivered the file.
    Fetch {
        /// Each address that was tried, and why it failed.
        attempts: Vec<Attempt>,
    },
    /// Files are missing or wrong, and the network must not be used.
    Offline {
        /// What is wrong with each.
        missing: Vec<String>,
    },
    /// Files of a data set are missing or wrong.
    Faults {
        /// What is wrong with each.
        faults: Vec<Error>,
    },
    /// The fetch was told to stop. A later one goes on where it ended.
    Cancelled,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            path: None,
            offset: None,
            advice: None,
        }))
    }

    pub(crate) fn io(error: io::Error, path: &Path) -> Self {
        Self::new(ErrorKind::Io(error)).in_file(path)
    }

    pub(crate) fn missing(expected: impl Into<String>, found: Vec<String>) -> Self {
        Self::new(ErrorKind::Missing {
            expected: expected.into(),
            found,
        })
    }

    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.0.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The file or folder in which it was wrong, if it was one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The byte of the (decompressed) file at which it was wrong, where there is such a byte.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// What a person can do about it, if anything is known to help.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }

    /// Adds what a person can do about it. The program that shows the error knows its own commands
    /// and options, which this crate does not. An error that has advice already keeps it.
    ///
    /// ```
    /// let error = mnist_data::read_dir("no/such/folder").unwrap_err();
    /// let error = error.with_advice("`get-digits` downloads the files");
    /// assert!(error.to_string().ends_with("; `get-digits` downloads the files"));
    /// ```
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice.get_or_insert_with(|| advice.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.0.path {
            write!(f, "{}: ", path.display())?;
        }
        if let Some(offset) = self.0.offset {
            write!(f, "offset {offset}: ")?;
        }
        write!(f, "{}", self.0.kind)?;
        if let Some(advice) = &self.0.advice {
            // After a list, on a line of its own.
            let list = matches!(
                self.0.kind,
                ErrorKind::Fetch { .. } | ErrorKind::Offline { .. } | ErrorKind::Faults { .. }
            );
            write!(f, "{}{advice}", if list { "\n" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::Missing { expected, found } => {
                write!(f, "expected {expected}, found ")?;
                match &found[..] {
                    [] => write!(f, "nothing"),
                    found => write!(f, "{}", found.join(", ")),
                }
            }
            Self::Ambiguous { wanted, found } => {
                let found: Vec<String> = found
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                write!(f, "expected {wanted} once, found {}", found.join(" and "))
            }
            Self::Magic { found } => {
                let [a, b, c, d] = found;
                write!(
                    f,
                    "expected an IDX file (it starts with 00 00) or gzip (1f 8b), \
                     found {a:02x} {b:02x} {c:02x} {d:02x}"
                )?;
                if found
                    .iter()
                    .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
                {
                    write!(f, ", which is text: a web page saved as data?")?;
                }
                Ok(())
            }
            Self::ElementType { expected, found } => {
                write!(f, "expected element type {expected}, found 0x{found:02x}")
            }
            Self::Rank { expected, found } => {
                write!(f, "expected {expected} dimensions, found {found}")
            }
            Self::Truncated { expected, found } => {
                write!(
                    f,
                    "the file ends early: expected {expected} bytes, found {found}"
                )
            }
            Self::Overlong { expected, found } => {
                write!(
                    f,
                    "bytes after the last element: expected {expected} bytes in all, found {found}"
                )
            }
            Self::Limit { limit, asked } => {
                write!(f, "the header promises ")?;
                match asked {
                    Some(asked) => write!(f, "{asked} bytes")?,
                    None => write!(f, "more than 2^64 bytes")?,
                }
                write!(f, ", the limit is {limit}")
            }
            Self::Gzip(error) => write!(f, "the gzip stream is damaged: {error}"),
            Self::DoublyGzipped => write!(
                f,
                "the file was compressed twice: expected an IDX file in the gzip file, \
                 found gzip again"
            ),
            Self::Label {
                index,
                found,
                lowest,
                classes,
            } => {
                let highest = usize::from(*lowest) + classes.saturating_sub(1);
                write!(
                    f,
                    "label {index}: expected {lowest} to {highest}, found {found}"
                )
            }
            Self::Zip(reason) => write!(f, "expected a whole zip archive: {reason}"),
            Self::Count {
                what,
                expected,
                found,
            } => {
                write!(f, "expected {expected} {what}, found {found}")
            }
            Self::Shape { expected, found } => {
                write!(f, "expected images of {expected}, found {found}")
            }
            Self::Parameter {
                name,
                expected,
                found,
            } => {
                write!(f, "{name}: expected {expected}, found {found}")
            }
            Self::Digest { expected, found } => {
                write!(
                    f,
                    "this is not the data set's content: expected SHA-256 {expected}, found {found}"
                )
            }
            Self::Fetch { attempts } => {
                write!(f, "no mirror delivered it")?;
                attempts
                    .iter()
                    .try_for_each(|attempt| write!(f, "\n  {attempt}"))
            }
            Self::Offline { missing } => {
                write!(
                    f,
                    "files are missing or wrong, and the network must not be used"
                )?;
                missing.iter().try_for_each(|what| write!(f, "\n  {what}"))
            }
            Self::Faults { faults } => {
                write!(f, "files are missing or wrong")?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
            Self::Cancelled => write!(f, "cancelled"),
        }
    }
}

// `Display` shows the inner error already, so `source` stays empty: never both.
impl std::error::Error for Error {}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}
