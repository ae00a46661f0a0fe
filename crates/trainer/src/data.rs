//! The images of a run: the embedded ones, or those of a folder.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use mnist_data::catalog::Entry;
use mnist_data::{Splits, catalog, embedded, local};

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

/// All images of a data set by its name in the catalogue, as [`find`] finds them.
///
/// # Errors
/// As [`find`].
pub(crate) fn of_catalogue(name: &str, folder: Option<&Path>) -> Result<Splits, Failure> {
    Ok(find(name, folder, None)?.splits)
}

/// A data set and where it was found.
pub(crate) struct Found {
    pub(crate) entry: &'static Entry,
    /// None of the embedded images.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) splits: Splits,
}

/// The images of a data set by its name in the catalogue: those of `folder`; or the embedded ones of MNIST, unless more
/// training images are wanted than they are; or those of the folder to which fetch-mnist brings them, verified.
///
/// # Errors
/// If no data set has the name, or its files are not there or are broken.
pub(crate) fn find(
    name: &str,
    folder: Option<&Path>,
    wanted: Option<usize>,
) -> Result<Found, Failure> {
    let Some(entry) = catalog::find(name) else {
        let names = catalog::ALL.map(|entry| entry.name).join(", ");
        return Err(Failure::Error(format!(
            "no data set {name:?}; there are: {names}"
        )));
    };
    let is_mnist = entry.name == catalog::MNIST.name;
    if let Some(folder) = folder {
        return Ok(Found {
            entry,
            splits: match is_mnist {
                // As `book --data`: images of any size under MNIST's names.
                true => mnist_data::read_dir(folder)?,
                false => entry.read(folder)?,
            },
            folder: Some(folder.to_owned()),
        });
    }
    if is_mnist {
        let splits = embedded::load();
        if wanted.is_none_or(|wanted| wanted <= splits.train.len()) {
            return Ok(Found {
                entry,
                folder: None,
                splits,
            });
        }
    }
    let usual = local::default_root().map(|root| root.join(entry.folder));
    let Some(folder) = usual.ok().filter(|folder| folder.is_dir()) else {
        let why = match wanted {
            Some(wanted) if is_mnist => {
                format!("{wanted} training images are wanted, and 1,000 embedded")
            }
            _ => format!("{}: only MNIST is embedded", entry.title),
        };
        return Err(Failure::Error(format!(
            "{why}; run `cargo xtask fetch-mnist --dataset {name}`, which downloads them to where they are \
             found, or give their folder with --data"
        )));
    };
    local::verify(entry, &folder)?;
    Ok(Found {
        entry,
        splits: entry.read(&folder)?,
        folder: Some(folder),
    })
}
