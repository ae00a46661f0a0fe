//! The images of a run: to learn from, to validate with, to be judged by.

#[cfg(feature = "files")]
mod find;

#[cfg(feature = "files")]
use std::path::Path;
use std::path::PathBuf;

use conv_core::init::Seeded;
use mnist_data::catalog::Entry;
use mnist_data::{Dataset, Normalisation, Splits};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::recipe::{self, Named};
#[cfg(feature = "files")]
pub use find::{Found, find, of_catalogue};

/// The number of the seed's part that chooses the validation images; 0 to 2 are those of a session's batches.
const VALIDATION: u64 = 3;

/// The images as the recipe wants them.
pub struct Images {
    /// The data set, as the catalogue has it.
    pub entry: &'static Entry,
    /// The folder of their files, or none where they are embedded.
    pub folder: Option<PathBuf>,
    /// What the network learns from.
    pub train: Dataset,
    /// What it is validated with after each epoch; none if the recipe keeps no images for that.
    pub validation: Option<Dataset>,
    /// What it is judged by at the end.
    pub test: Dataset,
    /// How a pixel becomes a number.
    pub normalisation: Normalisation,
    /// SHA-256 of all that a run sees of them.
    pub digest: String,
}

impl Images {
    /// Those of the recipe's data set: of a folder, or of where [`find`] finds them.
    ///
    /// # Errors
    /// If they are not there, are broken, or are too few.
    #[cfg(feature = "files")]
    pub fn load(named: &Named, folder: Option<&Path>) -> Result<Self, Error> {
        let data = &named.recipe.data;
        let found = find(&data.dataset, folder, data.train_images)?;
        let mut images = Self::new(named, found.entry, found.splits)?;
        images.folder = found.folder;
        Ok(images)
    }

    /// Those of a data set of the catalogue that the recipe asks for: its first so many, and some of them kept for
    /// validation.
    ///
    /// # Errors
    /// If they are too few.
    pub fn new(named: &Named, entry: &'static Entry, splits: Splits) -> Result<Self, Error> {
        let recipe = &named.recipe;
        let wanted = &recipe.data;
        let (mut train, test) = (splits.train, splits.test);
        for (set, name) in [(&train, "training"), (&test, "test")] {
            if set.is_empty() {
                return Err(Error::Failed(format!(
                    "the data set has 0 {name} images, expected at least 1"
                )));
            }
        }
        if let Some(images) = wanted.train_images {
            if images > train.len() {
                let found = train.len();
                return Err(named.wrong(
                    "data.train_images",
                    format!(
                        "the recipe needs {images} training images, found {found}, which \
                         data.train_images = {found} takes"
                    ),
                ));
            }
            train = train.first(images)?;
        }
        let digest = digest(&[&train, &test]);
        let mut validation = None;
        if wanted.validation > 0 {
            let (all, part) = (train.len(), wanted.validation);
            if part >= all {
                return Err(named.wrong(
                    "data.validation",
                    format!(
                        "the recipe keeps {part} images for validation, expected fewer than the {all} training images"
                    ),
                ));
            }
            let seed = Seeded::new(recipe.seed).part(VALIDATION).at(0);
            let (rest, kept) = train.split_validation(part, seed)?;
            (train, validation) = (rest, Some(kept));
        }
        if recipe.batch > train.len() {
            let (batch, found) = (recipe.batch, train.len());
            return Err(named.wrong(
                "batch",
                format!("a batch has {batch} images, expected at most the {found} training images"),
            ));
        }
        let normalisation = match wanted.normalisation {
            recipe::Normalisation::MeanDeviation => Normalisation::measure(&train),
            recipe::Normalisation::By255 => Normalisation::By255,
        };
        Ok(Self {
            entry,
            folder: None,
            train,
            validation,
            test,
            normalisation,
            digest,
        })
    }

    /// What the network's outputs mean.
    pub fn classes(&self) -> Vec<String> {
        let names = self.entry.classes.iter();
        names.map(|&name| name.to_owned()).collect()
    }
}

/// SHA-256 of sizes, pixels and labels: the same images are the same, however their files are packed.
fn digest(sets: &[&Dataset]) -> String {
    let mut sha = Sha256::new();
    for set in sets {
        let (height, width) = set.image_size();
        for number in [set.len(), height, width] {
            sha.update((number as u64).to_le_bytes());
        }
        if let Some(pixels) = set.images().as_slice() {
            sha.update(pixels);
        }
        sha.update(set.labels());
    }
    format!("{:x}", sha.finalize())
}
