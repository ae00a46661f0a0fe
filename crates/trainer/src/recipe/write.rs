//! A recipe as text, and the digest of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{
    Augmentation, Elastic, LastBatch, Loss, Method, Monitor, Normalisation, Optimizer, Recipe,
    Schedule, layers,
};
use crate::error::Error;

/// Which keys are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    All,
    /// Those of the first recipes, which [`original`](super::original) is about.
    #[cfg(feature = "files")]
    Original,
}

impl Recipe {
    /// The whole recipe as TOML, with every default written out.
    ///
    /// # Errors
    /// If a layer cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String, Error> {
        self.text(Keys::All)
    }

    pub(super) fn text(&self, keys: Keys) -> Result<String, Error> {
        let layers = layers::write(&self.layers)
            .map_err(|error| Error::Failed(format!("cannot write the recipe: {error}")))?;
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text, &layers, keys);
        Ok(text)
    }

    fn write(&self, text: &mut String, layers: &str, keys: Keys) -> std::fmt::Result {
        let quoted = |word: &str| toml::Value::String(word.to_owned()).to_string();
        writeln!(text, "description = {}", quoted(&self.description))?;
        writeln!(text, "seed = {}\nepochs = {}", self.seed, self.epochs)?;
        writeln!(text, "batch = {}", self.batch)?;
        if keys == Keys::All {
            let monitor = match self.monitor {
                Monitor::Loss => "loss",
                Monitor::Accuracy => "accuracy",
            };
            let last_batch = match self.last_batch {
                LastBatch::Keep => "keep",
                LastBatch::Drop => "drop",
                LastBatch::Spread => "spread",
            };
            writeln!(text, "last_batch = {last_batch:?}")?;
            writeln!(text, "monitor = {monitor:?}")?;
        }
        let data = &self.data;
        writeln!(text, "\n[data]\ndataset = {}", quoted(&data.dataset))?;
        if let Some(images) = data.train_images {
            writeln!(text, "train_images = {images}")?;
        }
        writeln!(text, "validation = {}", data.validation)?;
        let normalisation = match data.normalisation {
            Normalisation::MeanDeviation => "mean_deviation",
            Normalisation::By255 => "by_255",
        };
        writeln!(text, "normalisation = {normalisation:?}")?;
        if let Some(augmentation) = &self.augmentation {
            let Augmentation {
                probability,
                last_probability,
                shift,
                rotation,
                scale,
                shear,
                elastic,
            } = augmentation;
            writeln!(
                text,
                "\n[augmentation]\nprobability = {probability:?}\nshift = {shift:?}\nrotation = {rotation:?}\nscale = {scale:?}\nshear = {shear:?}"
            )?;
            if let Some(last) = last_probability {
                writeln!(text, "last_probability = {last:?}")?;
            }
            if let Some(Elastic { alpha, sigma }) = elastic {
                writeln!(text, "elastic = {{ alpha = {alpha:?}, sigma = {sigma:?} }}")?;
            }
        }
        writeln!(text, "\n[network]\nlayers = {layers}")?;
        match self.loss {
            Loss::CrossEntropy { smoothing } => writeln!(
                text,
                "\n[loss]\ntype = \"cross_entropy\"\nsmoothing = {smoothing:?}"
            )?,
            Loss::MeanSquaredError => writeln!(text, "\n[loss]\ntype = \"mean_squared_error\"")?,
        }
        let Optimizer {
            method,
            rate,
            weight_decay,
            clip,
            average,
        } = self.optimizer;
        let (name, momentum) = match method {
            Method::Sgd => ("sgd", None),
            Method::Momentum(momentum) => ("momentum", Some(momentum)),
            Method::Nesterov(momentum) => ("nesterov", Some(momentum)),
            Method::AdamW => ("adamw", None),
        };
        writeln!(text, "\n[optimizer]\ntype = {name:?}\nrate = {rate:?}")?;
        if let Some(momentum) = momentum {
            writeln!(text, "momentum = {momentum:?}")?;
        }
        writeln!(text, "weight_decay = {weight_decay:?}")?;
        for (key, value) in [("clip", clip), ("average", average)] {
            if let Some(value) = value {
                writeln!(text, "{key} = {value:?}")?;
            }
        }
        let schedule = match self.schedule {
            Schedule::Constant => "constant",
            Schedule::Step { .. } => "step",
            Schedule::Cosine => "cosine",
            Schedule::OneCycle => "one_cycle",
        };
        writeln!(text, "\n[schedule]\ntype = {schedule:?}")?;
        if let Schedule::Step { every, factor } = self.schedule {
            writeln!(text, "every = {every}\nfactor = {factor:?}")?;
        }
        if let Some(patience) = self.patience {
            writeln!(text, "\n[stop]\npatience = {patience}")?;
        }
        Ok(())
    }

    /// SHA-256 of the whole recipe as text: two runs of the same one do the same.
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub fn digest(&self) -> Result<String, Error> {
        Ok(format!("{:x}", Sha256::digest(self.to_toml()?)))
    }

    /// The keys at the top of a recipe, as `batch` or `optimizer`, whose values another one has otherwise.
    ///
    /// ```
    /// use trainer::recipe::{Changes, Recipe, builtin};
    ///
    /// let stacked = builtin("stacked").unwrap_or_default();
    /// let set = ["batch=25", "optimizer.rate=0.1"].map(str::to_owned).to_vec();
    /// let changes = Changes { set, ..Changes::default() };
    /// let one = Recipe::parse("stacked", "stacked", stacked, &Changes::default())?;
    /// let other = Recipe::parse("stacked", "stacked", stacked, &changes)?;
    /// assert_eq!(one.recipe.differing_keys(&other.recipe)?, ["batch", "optimizer"]);
    /// # Ok::<(), trainer::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub fn differing_keys(&self, other: &Self) -> Result<Vec<String>, Error> {
        let table = |recipe: &Self| {
            let table = recipe.to_toml()?.parse::<toml::Table>();
            table.map_err(|error| Error::Failed(format!("cannot read what was written: {error}")))
        };
        let (own, other) = (table(self)?, table(other)?);
        let keys: BTreeSet<&String> = own.keys().chain(other.keys()).collect();
        let differing = keys
            .into_iter()
            .filter(|key| own.get(*key) != other.get(*key));
        Ok(differing.cloned().collect())
    }
}
