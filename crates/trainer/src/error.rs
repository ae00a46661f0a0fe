//! What can go wrong in this library, in words for people.

use std::fmt;

/// Why something could not be done. What [`Display`](fmt::Display) gives is the whole message: what was wrong, where,
/// and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// What the caller asked for does not exist: a recipe's name, a recipe's key.
    Argument(String),
    /// A file, a recipe, or images are not what they should be, or a computation did not come to its end.
    Failed(String),
    /// The files of a data set of the catalogue are not there, or are not what they should be.
    Data {
        /// Its name in the catalogue.
        dataset: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The [`Observer`](crate::session::Observer) asked a session to stop; its folder has a checkpoint to go on from.
    Stopped,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(message) | Self::Failed(message) | Self::Data { message, .. } => {
                f.write_str(message)
            }
            Self::Stopped => f.write_str("the run was stopped"),
        }
    }
}

impl std::error::Error for Error {}

impl From<mnist_data::Error> for Error {
    fn from(error: mnist_data::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<conv_core::Error> for Error {
    fn from(error: conv_core::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
