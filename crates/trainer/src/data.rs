//! The images of a run: the embedded ones, or those of a folder.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use mnist_data::{Splits, catalog, embedded};

use crate::failure::Failure;

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
                    "{folder}: found 0 {name} images, expected at least 1; `cargo xtask fetch-mnist` \
                     downloads MNIST and prints its folder"
                )));
            }
        }
    }
    let count = splits.train.len();
    if train_images > count {
        let more = match folder {
            None => format!(
                "1 to {count}, as many as are embedded; for more, run `cargo xtask fetch-mnist --dir DIR` \
                 and add `--data DIR`"
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
    /// Folder with the data set's files; without it, the embedded images of MNIST
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Data set by its name in the catalogue [default: the model's]
    #[arg(long, value_name = "NAME", value_parser = names())]
    pub(crate) dataset: Option<String>,
}

/// The names of the catalogue.
pub(crate) fn names() -> PossibleValuesParser {
    catalog::ALL.map(|entry| entry.name).into()
}

/// All images of a data set by its name in the catalogue: those of `folder`, or the embedded ones of MNIST.
///
/// # Errors
/// If no data set has the name, its files are not there or are broken, or it is not embedded and no folder is given.
pub(crate) fn of_catalogue(name: &str, folder: Option<&Path>) -> Result<Splits, Failure> {
    let Some(entry) = catalog::find(name) else {
        let names = catalog::ALL.map(|entry| entry.name).join(", ");
        return Err(Failure::Error(format!(
            "no data set {name:?}; there are: {names}"
        )));
    };
    match folder {
        // As `book --data`: images of any size under MNIST's names.
        Some(folder) if entry.name == catalog::MNIST.name => Ok(mnist_data::read_dir(folder)?),
        Some(folder) => Ok(entry.read(folder)?),
        None if entry.name == catalog::MNIST.name => Ok(embedded::load()),
        None => Err(Failure::Error(format!(
            "{}: only MNIST is embedded; run `cargo xtask fetch-mnist --dataset {name}` and give the folder \
             that it prints with --data",
            entry.title
        ))),
    }
}
