//! The images of a data set by its name: where they are, and what they are.

use std::path::{Path, PathBuf};

use mnist_data::catalog::Entry;
use mnist_data::{Splits, catalog, embedded, local};

use crate::error::Error;
use crate::report::count;

/// All images of a data set by its name in the catalogue, as [`find`] finds them.
///
/// # Errors
/// As [`find`].
pub fn of_catalogue(name: &str, folder: Option<&Path>) -> Result<Splits, Error> {
    Ok(find(name, folder, None)?.splits)
}

/// A data set and where it was found.
pub struct Found {
    /// The data set, as the catalogue has it.
    pub entry: &'static Entry,
    /// None of the built-in images.
    pub folder: Option<PathBuf>,
    /// All its images.
    pub splits: Splits,
}

/// The images of a data set by its name in the catalogue: those of `folder`; or the built-in ones of MNIST, unless more
/// training images are needed than they are; or those of the folder to which they are fetched, verified.
///
/// # Errors
/// If no data set has the name, or its files are not there or are broken.
pub fn find(name: &str, folder: Option<&Path>, needed: Option<usize>) -> Result<Found, Error> {
    let Some(entry) = catalog::find(name) else {
        let names = catalog::ALL.map(|entry| entry.name).join(", ");
        return Err(Error::Failed(format!(
            "no data set {name:?}; there are: {names}"
        )));
    };
    let is_mnist = entry.name == catalog::MNIST.name;
    let wrong = |message| Error::Data {
        dataset: entry.name,
        message,
    };
    let unread = |error: mnist_data::Error| wrong(error.to_string());
    if let Some(folder) = folder {
        return Ok(Found {
            entry,
            splits: match is_mnist {
                // As `book --data`: images of any size under MNIST's names.
                true => mnist_data::read_dir(folder).map_err(unread)?,
                false => entry.read(folder).map_err(unread)?,
            },
            folder: Some(folder.to_owned()),
        });
    }
    if is_mnist {
        let splits = embedded::load();
        if needed.is_none_or(|needed| needed <= splits.train.len()) {
            return Ok(Found {
                entry,
                folder: None,
                splits,
            });
        }
    }
    let usual = local::default_root().map(|root| root.join(entry.folder));
    let Some(folder) = usual.ok().filter(|folder| folder.is_dir()) else {
        return Err(wrong(match needed {
            Some(needed) if is_mnist => format!(
                "the recipe needs {} training images, only 1,000 are built in",
                count(needed as u64)
            ),
            _ => format!("{} is not built in, only MNIST is", entry.title),
        }));
    };
    local::verify(entry, &folder).map_err(unread)?;
    Ok(Found {
        entry,
        splits: entry.read(&folder).map_err(unread)?,
        folder: Some(folder),
    })
}
