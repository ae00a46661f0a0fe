//! What several commands take: which images, how many threads, and the numbers that may be given.

use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use clap::Args;
use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use mnist_data::{Splits, catalog, embedded};
use rayon::ThreadPool;
use trainer::listing::{Fixes, Layer, Settings};
use trainer::model::Model;
use trainer::run::records::Environment;

use crate::failure::{FETCH, Failure, say};
use crate::terminal::pool::pool;

/// A path with the slashes of this system alone: Windows takes two kinds of them, and file names are added with one.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| match cfg!(windows) {
        true => path.components().collect(),
        false => path,
    })
}

/// What every command takes.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// Seed of the random numbers, as for NumPy
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = seed)]
    seed: u32,
    /// Passes over the training images
    #[arg(long, default_value = "300", value_name = "N", value_parser = positive)]
    pub(crate) iterations: usize,
    /// Train on the first N images; 1,000 are built in
    #[arg(long, default_value = "1000", value_name = "N", value_parser = positive)]
    train_images: usize,
    /// Learning rate
    #[arg(long, default_value_t = 2.0, value_name = "RATE", value_parser = step_size)]
    alpha: f64,
    /// Folder with the four MNIST files, raw or .gz [default: built-in images]
    #[arg(long, value_name = "DIR", value_parser = path())]
    data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}

impl RunArgs {
    pub(crate) fn splits(&self) -> Result<Splits, Failure> {
        load(self.data.as_deref(), self.train_images)
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
    pub(crate) fn splits_for(&self, batch_size: usize) -> Result<Splits, Failure> {
        let splits = self.splits()?;
        if self.train_images < batch_size {
            let range = format!("{batch_size}, the images of a batch, or more");
            return Err(Failure::option("--train-images", self.train_images, range));
        }
        Ok(splits)
    }
}

/// How many threads a command computes on.
#[derive(Args)]
pub(crate) struct ThreadArgs {
    /// Threads, which do not change the result [default: one per core]
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<usize>,
}

impl ThreadArgs {
    /// The threads.
    pub(crate) fn pool(&self) -> Result<ThreadPool, Failure> {
        pool(self.threads.unwrap_or_else(cores))
    }

    /// How many, or so many unless they were given.
    #[cfg(feature = "mpi")]
    pub(crate) fn or(&self, usual: usize) -> usize {
        self.threads.unwrap_or(usual)
    }

    /// Does a command's work on them.
    pub(crate) fn install<T: Send>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.pool()?.install(work)
    }
}

/// The cores that this process may use.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// The first `train_images` training images and all test images, of `folder` or embedded.
pub(crate) fn load(folder: Option<&Path>, train_images: usize) -> Result<Splits, Failure> {
    let splits = match folder {
        None => embedded::load(),
        Some(folder) => mnist_data::read_dir(folder)?,
    };
    if let Some(folder) = folder {
        for (set, name) in [(&splits.train, "training"), (&splits.test, "test")] {
            if set.is_empty() {
                let folder = folder.display();
                return Err(Failure::Error(format!(
                    "{folder}: found 0 {name} images, expected at least 1; `{FETCH} mnist` downloads MNIST \
                     and prints its folder"
                )));
            }
        }
    }
    let count = splits.train.len();
    if train_images > count {
        let more = match folder {
            None => format!(
                "1 to {count}, as many as are built in; for more, download MNIST with `{FETCH} mnist`, \
                 which prints its folder, and pass that with --data"
            ),
            Some(folder) => format!("1 to {count}, as many as {} has", folder.display()),
        };
        return Err(Failure::option("--train-images", train_images, more));
    }
    Ok(Splits {
        train: splits.train.first(train_images)?,
        test: splits.test,
    })
}

/// Which images a command takes.
#[derive(Args)]
pub(crate) struct DataArgs {
    /// Folder with the data set's files [default: what the model's run used,
    /// or else the built-in images or where they were downloaded to]
    #[arg(long, value_name = "DIR", value_parser = path())]
    data: Option<PathBuf>,
    /// Name of the data set [default: the model's]
    #[arg(long, value_name = "NAME", value_parser = names())]
    dataset: Option<String>,
}

impl DataArgs {
    /// The data set that images are of.
    pub(crate) fn dataset<'a>(&'a self, model: &'a Model) -> &'a str {
        self.dataset.as_ref().unwrap_or(&model.dataset)
    }

    /// The folder with its files: the one that was given, or the one that the run of the model at `path` used. None where
    /// that used the built-in images, or nothing tells.
    pub(crate) fn folder(&self, path: &Path, model: &Model) -> Result<Option<PathBuf>, Failure> {
        if self.data.is_some() || self.dataset(model) != model.dataset {
            return Ok(self.data.clone());
        }
        let Some(folder) = Environment::of_model(path)?.and_then(|run| run.folder()) else {
            return Ok(None);
        };
        if folder.is_dir() {
            return Ok(Some(folder));
        }
        say(&format!(
            "warning: {} is gone, whose images the run used; looking elsewhere for {}, --data says where",
            folder.display(),
            model.dataset
        ));
        Ok(None)
    }
}

/// The names of the catalogue.
pub(crate) fn names() -> PossibleValuesParser {
    catalog::ALL.map(|entry| entry.name).into()
}

/// A whole number above 0.
pub(crate) fn positive(text: &str) -> Result<usize, String> {
    whole(text, 1..=u64::MAX, "a whole number above 0")
}

/// How many kernels or hidden units there may be.
pub(crate) fn kernels(text: &str) -> Result<usize, String> {
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
        .ok_or_else(|| format!("expected {valid}"))
}

/// The largest step size: far beyond it, nothing but infinities would be printed.
const LARGEST_ALPHA: f64 = 1e6;

fn step_size(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(alpha) if alpha > 0.0 && alpha <= LARGEST_ALPHA => Ok(alpha),
        _ => Err(format!("expected a number above 0, up to {LARGEST_ALPHA}")),
    }
}
