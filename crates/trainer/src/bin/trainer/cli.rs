//! The command line.

pub(crate) mod args;
mod book;
mod compare;
mod completions;
mod dense;
mod errata;
mod evaluate;
mod export;
#[cfg(feature = "fetch")]
mod fetch;
mod predict;
mod recipes;
mod report;
mod sweep;
mod train;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use book::BookArgs;
use compare::CompareArgs;
use completions::CompletionsArgs;
use dense::DenseArgs;
use errata::ErrataArgs;
use evaluate::EvaluateArgs;
use export::ExportArgs;
#[cfg(feature = "fetch")]
use fetch::FetchArgs;
use predict::PredictArgs;
use recipes::RecipesArgs;
use report::ReportArgs;
use sweep::SweepArgs;
use train::TrainArgs;

/// Trains the convolutional network of Grokking Deep Learning, chapter 10,
/// digit for digit as printed, and networks of your own.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
#[command(allow_negative_numbers = true, max_term_width = 79)]
#[command(override_usage = "trainer <COMMAND>\n       trainer [OPTIONS OF book]")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) book: BookArgs,
}

const EXAMPLES: &str = "\
Without a command, `trainer` runs `book`: the 300 lines of the chapter.
`trainer help COMMAND` shows the options of a command.

Examples:
  trainer                        print the 300 lines of the book
  trainer train stacked          train a better network on the same images
  trainer report runs/stacked    show that run as an HTML page

Results go to stdout, everything else to stderr. NO_COLOR is honoured.
Exit codes: 0 done, 1 an error, 2 a wrong command line, 130 Ctrl-C.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the listing of chapter 10, one line per iteration
    #[command(allow_negative_numbers = true)]
    Book(BookArgs),
    /// Run the listing of chapter 9, the baseline of chapter 10
    #[command(allow_negative_numbers = true)]
    Dense(DenseArgs),
    /// Measure the effect of each bug in the listing
    #[command(allow_negative_numbers = true)]
    Errata(ErrataArgs),
    /// Compare dense, convolution, and pooling across kernels
    #[command(allow_negative_numbers = true)]
    Compare(CompareArgs),
    /// Train a network from a recipe
    Train(Box<TrainArgs>),
    /// Train a recipe with several values and seeds, and compare the runs
    Sweep(Box<SweepArgs>),
    /// List the built-in recipes, or print one
    Recipes(RecipesArgs),
    /// Evaluate a model on test images
    Evaluate(EvaluateArgs),
    /// Write an HTML page about a run, or comparing two
    Report(ReportArgs),
    /// Classify pictures (PNG, JPEG) or images of the data set
    Predict(PredictArgs),
    /// Export a model to ONNX, NumPy or safetensors
    Export(ExportArgs),
    /// Download a data set, verified
    #[cfg(feature = "fetch")]
    Fetch(FetchArgs),
    /// Print a script for shell completion
    Completions(CompletionsArgs),
}

impl Command {
    /// Whether it asks between two steps if Ctrl-C was pressed, and then ends in good order; all others Ctrl-C ends at
    /// once.
    pub(crate) fn hears_interrupts(&self) -> bool {
        matches!(
            self,
            Self::Book(_)
                | Self::Dense(_)
                | Self::Errata(_)
                | Self::Compare(_)
                | Self::Train(_)
                | Self::Sweep(_)
        )
    }
}

impl Cli {
    /// The command line of this process; one that is wrong ends the process, as help does.
    pub(crate) fn from_process() -> Self {
        // The options of `book` go without its name, but the help of all commands need not list them.
        let command = Self::command().mut_args(|argument| argument.hide(true));
        let matches = command.try_get_matches();
        let cli = matches.and_then(|matches| Self::from_arg_matches(&matches));
        cli.unwrap_or_else(|error| {
            #[cfg(feature = "mpi")]
            crate::mpi::leave_to_first(error.exit_code());
            error.exit()
        })
    }
}
