//! How a command ends when it does not end well.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use trainer::Advice;
use trainer::run::shell;

use crate::terminal::interrupts::interrupted;

/// What downloads a data set, its name behind it, with this build of the program.
pub(crate) const FETCH: &str = match cfg!(feature = "fetch") {
    true => "trainer fetch",
    false => "cargo xtask fetch-mnist --dataset",
};

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for what cannot be: exit code 2.
    Usage(String),
    /// Something else went wrong: exit code 1.
    Error(String),
    /// Ctrl-C: exit code 130, as shells have it.
    Interrupted,
    /// Nobody reads stdout any more (`| head -3`): no failure, since the reader has what it wanted.
    ClosedOutput,
}

impl Failure {
    /// Says what happened on stderr, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Usage(message) => {
                say(&format!(
                    "error: {message}\n\nFor more information, try '--help'."
                ));
                ExitCode::from(2)
            }
            Self::Error(message) => {
                say(&format!("error: {message}"));
                ExitCode::FAILURE
            }
            Self::Interrupted => ExitCode::from(130),
            Self::ClosedOutput => ExitCode::SUCCESS,
        }
    }

    /// Writing to stdout failed.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        match error.kind() {
            // Ctrl-C ends a reader behind a pipe as well.
            io::ErrorKind::BrokenPipe if interrupted() => Self::Interrupted,
            io::ErrorKind::BrokenPipe => Self::ClosedOutput,
            _ => Self::Error(format!("stdout: {error}")),
        }
    }

    /// A value of an option outside its range.
    pub(crate) fn option(
        name: &str,
        value: impl std::fmt::Display,
        range: impl std::fmt::Display,
    ) -> Self {
        Self::Usage(format!(
            "invalid value '{value}' for '{name}': expected {range}"
        ))
    }
}

/// A line on stderr. Where even that cannot be written there is nobody left to tell.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

impl From<trainer::Error> for Failure {
    fn from(error: trainer::Error) -> Self {
        match error {
            trainer::Error::Argument(message) => Self::Usage(message),
            trainer::Error::Stopped => Self::Interrupted,
            trainer::Error::Data { dataset, message } => Self::Error(format!(
                "{message}; download the data set with `{FETCH} {dataset}`, or pass its folder with --data"
            )),
            trainer::Error::Advised { message, advice } => Self::Error(match words(&advice) {
                Some(words) => format!("{message}; {words}"),
                None => message,
            }),
            other => Self::Error(other.to_string()),
        }
    }
}

/// A path as an argument to type.
fn quoted(path: &Path) -> String {
    shell::quoted(&path.to_string_lossy())
}

/// What this program's user can do about an error.
fn words(advice: &Advice) -> Option<String> {
    Some(match advice {
        Advice::BeginRun(run) => {
            format!(
                "start one with `trainer train RECIPE --run {}`",
                quoted(run)
            )
        }
        Advice::ListRecipes => "`trainer recipes` lists the built-in recipes".to_owned(),
        Advice::Train => "`trainer train` makes one and prints where".to_owned(),
        Advice::GoOn(run) => format!("go on with `trainer train --resume {}`", quoted(run)),
        Advice::OtherFolder => "choose another folder with --run".to_owned(),
        Advice::WaitOrOtherFolder => "wait for it, or choose another folder with --run".to_owned(),
        Advice::GoOnOrOtherFolder(run) => format!(
            "go on with it by `trainer train --resume {}`, or choose another folder with --run",
            quoted(run)
        ),
        Advice::SameData => "give the folder of the same data set with --data".to_owned(),
        Advice::SmallerRate(rate) => format!(
            "start a new run with, say, --set optimizer.rate={rate:?} or --set optimizer.clip=1.0"
        ),
        _ => return None,
    })
}

impl From<mnist_data::Error> for Failure {
    fn from(error: mnist_data::Error) -> Self {
        let advice = format!("`{FETCH} mnist` downloads MNIST and prints its folder");
        Self::Error(error.with_advice(advice).to_string())
    }
}

impl From<conv_core::Error> for Failure {
    fn from(error: conv_core::Error) -> Self {
        Self::Error(error.to_string())
    }
}
