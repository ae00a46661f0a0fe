//! What is wrong with a picture.

use std::fmt;
use std::io;

/// Why a picture cannot be read or prepared, in words without the file's name.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    Io(io::Error),
    /// The file has no bytes.
    Empty,
    /// The file ends before the picture does.
    Ends,
    /// It starts like no kind of picture.
    NoPicture,
    /// It is of this kind, "a WebP", which is not read.
    Unsupported(&'static str),
    /// A PNG or JPEG that cannot be decoded.
    Broken {
        /// PNG or JPEG.
        format: &'static str,
        /// What its decoder says.
        reason: String,
    },
    /// It has too many pixels.
    TooLarge {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// A progressive JPEG, of which more must be kept in memory than the picture.
    LargeProgressive {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Ink and background hardly differ.
    Blank {
        /// The levels by which they do, of 255.
        contrast: u8,
        /// The levels expected at least.
        least: u8,
    },
    /// It differs from its background, and nothing in it can be a figure.
    NoFigure,
}

impl Error {
    pub(super) fn broken(format: &'static str, reason: impl fmt::Display) -> Self {
        Self::Broken {
            format,
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Empty => f.write_str("the file is empty, expected a PNG or JPEG"),
            Self::Ends => f.write_str(
                "the file ends before the picture does; was it copied or downloaded whole?",
            ),
            Self::NoPicture => {
                f.write_str("this is not a picture, expected a PNG or JPEG by its content")
            }
            Self::Unsupported(kind) => {
                write!(f, "{kind} file is not supported: save it as PNG or JPEG")
            }
            Self::Broken { format, reason } => write!(
                f,
                "this {format} cannot be decoded: {reason}; save the picture anew"
            ),
            Self::TooLarge { width, height } => write!(
                f,
                "it has {width}×{height} pixels, expected at most {} in all; make it smaller",
                super::pixels::MOST_PIXELS
            ),
            Self::LargeProgressive { width, height } => write!(
                f,
                "it is a progressive JPEG of {width}×{height} pixels, expected at most 11 million of them; make it \
                 smaller, or save it as PNG or as a JPEG that is not progressive"
            ),
            Self::Blank { contrast, least } => write!(
                f,
                "it is blank: ink and background differ by {contrast} of 255 levels, expected at least {least}"
            ),
            Self::NoFigure => f.write_str(
                "no figure stands out from the background; cut the picture to the figure and an even margin",
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Shown by Display already.
        None
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Ends,
            _ => Self::Io(error),
        }
    }
}
