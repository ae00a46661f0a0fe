//! The command line.

pub(crate) mod args;
mod book;
mod compare;
mod completions;
mod dense;
mod errata;
mod evaluate;
mod export;
mod predict;
mod recipes;
mod report;
mod train;

use clap::{Parser, Subcommand};

use book::BookArgs;
use compare::CompareArgs;
use completions::CompletionsArgs;
use dense::DenseArgs;
use errata::ErrataArgs;
use evaluate::EvaluateArgs;
use export::ExportArgs;
use predict::PredictArgs;
use recipes::RecipesArgs;
use report::ReportArgs;
use train::TrainArgs;

/// Trains the convolutional network of Grokking Deep Learning, chapter 10, digit for digit as printed, and networks of
/// one's own.
///
/// Without a command it runs `book`. stdout carries results, stderr everything else; a bar shows on a terminal alone,
/// and `NO_COLOR` is honoured. Exit codes: 0 done, 1 something failed, 2 the command line is wrong, 130 interrupted
/// (Ctrl-C).
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) book: BookArgs,
}

const EXAMPLES: &str = "Examples:
  trainer                                   the 300 lines of the book
  trainer book --fix kernel-sign            the same with one of its faults put right
  trainer dense                             chapter 9's network, for comparison
  trainer errata                            what each of the listing's faults costs
  trainer book --data DIR --train-images 60000 --iterations 20
  trainer train stacked                     a better network, trained on the same 1,000 images
  trainer report runs/stacked               the run as one HTML page
  trainer train --resume runs/stacked       go on with it after an interruption
  trainer recipes show stacked > mine.toml  a recipe of one's own to start from";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The listing of chapter 10: one line an iteration, as the book prints it
    #[command(allow_negative_numbers = true)]
    Book(BookArgs),
    /// The listing of chapter 9, with which chapter 10 compares itself
    #[command(allow_negative_numbers = true)]
    Dense(DenseArgs),
    /// What each fault of the listing costs: the listing, each fix alone, and all of them
    #[command(allow_negative_numbers = true)]
    Errata(ErrataArgs),
    /// The chapter's claim, measured: dense, convolution, and pooling across kernels
    #[command(allow_negative_numbers = true)]
    Compare(CompareArgs),
    /// Train a network by a recipe, in a folder that keeps everything
    Train(Box<TrainArgs>),
    /// The recipes that come along, or the text of one
    Recipes(RecipesArgs),
    /// How good a model is: accuracy, loss, class by class, confusion matrix, calibration
    Evaluate(EvaluateArgs),
    /// A run as one HTML file: curves, kernels, mistakes, calibration, time; or two runs side by side
    Report(ReportArgs),
    /// What a model sees in pictures, PNG files or images of the data set: the three most probable classes
    Predict(PredictArgs),
    /// A model as a file for other programs: ONNX, NumPy, safetensors
    Export(ExportArgs),
    /// A script with which a shell completes commands and options
    Completions(CompletionsArgs),
}

impl Command {
    /// Whether it asks between two steps if Ctrl-C was pressed, and then ends in good order; all others Ctrl-C ends at
    /// once.
    pub(crate) fn hears_interrupts(&self) -> bool {
        matches!(
            self,
            Self::Book(_) | Self::Dense(_) | Self::Errata(_) | Self::Compare(_) | Self::Train(_)
        )
    }
}
