//! The images of a data set by its name: where they are, and what they are.

use std::path::{Path, PathBuf};

use mnist_data::catalog::Entry;
use mnist_data::{Splits, catalog, embedded, local};

use crate::error::Error;

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
    /// None of the embedded images.
    pub folder: Option<PathBuf>,
    /// All its images.
    pub splits: Splits,
}

/// The images of a data set by its name in the catalogue: those of `folder`; or the embedded ones of MNIST, unless more
/// training images are wanted than they are; or those of the folder to which fetch-mnist brings them, verified.
///
/// # Errors
/// If no data set has the name, or its files are not there or are broken.
pub fn find(name: &str, folder: Option<&Path>, wanted: Option<usize>) -> Result<Found, Error> {
    let Some(entry) = catalog::find(name) else {
        let names = catalog::ALL.map(|entry| entry.name).join(", ");
        return Err(Error::Failed(format!(
            "no data set {name:?}; there are: {names}"
        )));
    };
    let is_mnist = entry.name == catalog::MNIST.name;
    let advised = |error: mnist_data::Error| {
        let Entry { name, title, .. } = entry;
        error.with_advice(format!(
            "`cargo xtask fetch-mnist --dataset {name}` downloads {title} and prints its folder"
        ))
    };
    if let Some(folder) = folder {
        return Ok(Found {
            entry,
            splits: match is_mnist {
                // As `book --data`: images of any size under MNIST's names.
                true => mnist_data::read_dir(folder).map_err(advised)?,
                false => entry.read(folder).map_err(advised)?,
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
        return Err(Error::Failed(format!(
            "{why}; run `cargo xtask fetch-mnist --dataset {name}`, which downloads them to where they are \
             found, or give their folder with --data"
        )));
    };
    local::verify(entry, &folder).map_err(advised)?;
    Ok(Found {
        entry,
        splits: entry.read(&folder).map_err(advised)?,
        folder: Some(folder),
    })
}
