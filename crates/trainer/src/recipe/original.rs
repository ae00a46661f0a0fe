//! Recipes in the folders of runs that began before recipes had `last_batch` and `monitor`: what they meant then, they
//! mean still.

use sha2::{Digest as _, Sha256};

use super::write::Keys;
use super::{LastBatch, Monitor, Named, Recipe};
use crate::error::Error;

impl Named {
    /// The recipe of a run's folder: a key that it does not have means what every run did before there was that key.
    #[must_use]
    pub fn of_run(mut self) -> Self {
        if !self.document.has("monitor") {
            self.recipe.monitor = self.recipe.original_monitor();
        }
        if !self.document.has("last_batch") {
            self.recipe.last_batch = LastBatch::Keep;
        }
        self
    }
}

impl Recipe {
    /// The digest that checkpoints of such runs hold; none if the recipe has what there was not then.
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub(crate) fn original_digest(&self) -> Result<Option<String>, Error> {
        if self.monitor != self.original_monitor() || self.last_batch != LastBatch::Keep {
            return Ok(None);
        }
        let text = self.text(Keys::Original)?;
        Ok(Some(format!("{:x}", Sha256::digest(text))))
    }

    fn original_monitor(&self) -> Monitor {
        match self.data.validation {
            0 => Monitor::Loss,
            _ => Monitor::Accuracy,
        }
    }
}
