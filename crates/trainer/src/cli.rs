//! The command line.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::{Args, Parser, Subcommand, ValueEnum};
use conv_core::chapter::Pooling;

use crate::completions::CompletionsArgs;
use crate::evaluate::EvaluateArgs;
use crate::export::ExportArgs;
use crate::failure::Failure;
use crate::fix::{FixArg, Fixes};
use crate::listing::{self, Layer, Settings};
use crate::predict::PredictArgs;
use crate::recipe::RecipesArgs;
use crate::report::ReportArgs;
use crate::train::TrainArgs;
use crate::{compare, data, errata};

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

/// What every command takes.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// Seed of NumPy's random numbers
    #[arg(long, default_value_t = 1, value_parser = seed)]
    seed: u32,
    /// Passes over the training images
    #[arg(long, default_value = "300", value_parser = positive)]
    pub(crate) iterations: usize,
    /// The first N training images; 1,000 are embedded
    #[arg(long, default_value = "1000", value_name = "N", value_parser = positive)]
    train_images: usize,
    /// Step size
    #[arg(long, default_value_t = 2.0, value_parser = step_size)]
    alpha: f64,
    /// Folder with the four MNIST files, raw or .gz, instead of the embedded images
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Threads; the result is the same for any number [default: one a core]
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
}

impl RunArgs {
    pub(crate) fn splits(&self) -> Result<mnist_data::Splits, Failure> {
        data::load(self.data.as_deref(), self.train_images)
    }

    /// The settings of a run; what the arguments leave open is the command's.
    pub(crate) fn settings(&self, batch_size: usize, layer: Layer, fixes: Fixes) -> Settings {
        Settings {
            seed: self.seed,
            iterations: self.iterations,
            batch_size,
            alpha: self.alpha,
            layer,
            fixes,
        }
    }

    /// The images for batches of a size that no option changes.
    pub(crate) fn splits_for(&self, batch_size: usize) -> Result<mnist_data::Splits, Failure> {
        let splits = self.splits()?;
        if self.train_images < batch_size {
            let range = format!("{batch_size}, the images of a batch, or more");
            return Err(Failure::option("--train-images", self.train_images, range));
        }
        Ok(splits)
    }

    pub(crate) fn threads(&self) -> usize {
        threads_or_cores(self.threads)
    }
}

/// So many threads, or one a core.
pub(crate) fn threads_or_cores(threads: Option<usize>) -> usize {
    threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get))
}

#[derive(Args)]
pub(crate) struct BookArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Images a step
    #[arg(long, default_value = "128", value_name = "N", value_parser = positive)]
    batch_size: usize,
    /// Kernels
    #[arg(long, default_value = "16", value_name = "N", value_parser = kernels)]
    kernels: usize,
    /// Height and width of a kernel, in pixels
    #[arg(long, default_value = "3", value_name = "PIXELS", value_parser = positive)]
    kernel_size: usize,
    /// Pooling across kernels: what becomes of their predictions at a position
    #[arg(long, default_value = "none")]
    combine: Combine,
    /// A fault of the listing to put right; may be given several times
    #[arg(long = "fix", value_name = "NAME")]
    fixes: Vec<FixArg>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Combine {
    /// Each has weights of its own
    None,
    /// Their sum
    Sum,
    /// Their mean
    Mean,
    /// The largest of them
    Max,
}

impl From<Combine> for Option<Pooling> {
    fn from(combine: Combine) -> Self {
        match combine {
            Combine::None => None,
            Combine::Sum => Some(Pooling::Sum),
            Combine::Mean => Some(Pooling::Mean),
            Combine::Max => Some(Pooling::Max),
        }
    }
}

impl BookArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let layer = Layer::Kernels {
            count: self.kernels,
            size: self.kernel_size,
            pooling: self.combine.into(),
        };
        let settings = self
            .run
            .settings(self.batch_size, layer, Fixes::of(&self.fixes));
        listing::print(settings, self.run.splits()?, self.run.threads(), 1)
    }
}

#[derive(Args)]
pub(crate) struct DenseArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Images a step
    #[arg(long, default_value = "100", value_name = "N", value_parser = positive)]
    batch_size: usize,
    /// Hidden units
    #[arg(long, default_value = "100", value_name = "N", value_parser = kernels)]
    hidden: usize,
    /// Print every Nth iteration
    #[arg(long, default_value = "10", value_name = "N", value_parser = positive)]
    print_every: usize,
}

impl DenseArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let layer = Layer::Dense { units: self.hidden };
        let settings = self.run.settings(self.batch_size, layer, Fixes::NONE);
        listing::print(
            settings,
            self.run.splits()?,
            self.run.threads(),
            self.print_every,
        )
    }
}

#[derive(Args)]
pub(crate) struct ErrataArgs {
    #[command(flatten)]
    run: RunArgs,
}

impl ErrataArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        errata::run(&self.run)
    }
}

#[derive(Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    run: RunArgs,
    /// A fault of the listings to put right in all networks; may be given several times
    #[arg(long = "fix", value_name = "NAME")]
    fixes: Vec<FixArg>,
}

impl CompareArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        compare::run(&self.run, Fixes::of(&self.fixes))
    }
}

/// A whole number above 0.
fn positive(text: &str) -> Result<usize, String> {
    whole(text, 1..=u64::MAX, "a whole number above 0")
}

/// How many kernels or hidden units there may be.
fn kernels(text: &str) -> Result<usize, String> {
    whole(text, 1..=1024, "a whole number from 1 to 1024")
}

/// How many threads there may be.
pub(crate) fn threads(text: &str) -> Result<usize, String> {
    whole(text, 1..=256, "a whole number from 1 to 256")
}

/// What `numpy.random.seed` takes.
fn seed(text: &str) -> Result<u32, String> {
    whole(
        text,
        0..=u32::MAX.into(),
        "a whole number from 0 to 4294967295",
    )
}

fn whole<N: TryFrom<u64>>(
    text: &str,
    range: RangeInclusive<u64>,
    valid: &str,
) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| format!("valid is {valid}"))
}

/// The largest step size: far beyond it, nothing but infinities would be printed.
const LARGEST_ALPHA: f64 = 1e6;

fn step_size(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(alpha) if alpha > 0.0 && alpha <= LARGEST_ALPHA => Ok(alpha),
        _ => Err(format!("valid is a number above 0, up to {LARGEST_ALPHA}")),
    }
}
