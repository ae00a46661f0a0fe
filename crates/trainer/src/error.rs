//! What can go wrong in this library, in words for people.

use std::fmt;
use std::path::PathBuf;

/// What may be done about an error. A program says it in its own words: its options are its own.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Advice {
    /// Begin a run in this folder.
    BeginRun(PathBuf),
    /// Look which recipes are built in.
    ListRecipes,
    /// Train, which makes the folder of a run.
    Train,
    /// Go on with the run in this folder.
    GoOn(PathBuf),
    /// Choose another folder for the run.
    OtherFolder,
    /// Wait for the process that holds the folder, or choose another one.
    WaitOrOtherFolder,
    /// Go on with the run in this folder, or choose another one.
    GoOnOrOtherFolder(PathBuf),
    /// Give the folder of the data set that the run has.
    SameData,
    /// Start a new run with a smaller learning rate, such as this one, or with a limit to the gradients' norm.
    SmallerRate(f64),
}

/// Why something could not be done. What [`Display`](fmt::Display) gives is the whole message: what was wrong, where,
/// and what was expected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// What the caller asked for does not exist: a recipe's name, a recipe's key.
    Argument(String),
    /// A file, a recipe, or images are not what they should be, or a computation did not come to its end.
    Failed(String),
    /// As `Failed`, and something may be done about it.
    Advised {
        /// What is wrong.
        message: String,
        /// What may help.
        advice: Advice,
    },
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
            Self::Argument(message)
            | Self::Failed(message)
            | Self::Advised { message, .. }
            | Self::Data { message, .. } => f.write_str(message),
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
