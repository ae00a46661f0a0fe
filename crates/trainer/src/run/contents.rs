//! What a run's folder holds, read as far as it goes: what is missing or damaged becomes a note, not an end.

use std::path::PathBuf;

use super::Criterion;
use super::records::{Environment, Epoch, Outcome, Times};
use crate::recipe::Monitor;

/// A run, as its folder tells of it.
#[derive(Debug)]
pub struct Contents {
    /// Where the folder is.
    pub path: PathBuf,
    /// The folder's own name.
    pub name: String,
    /// `recipe.toml` as it stands there.
    pub recipe: Option<String>,
    /// The recipe's keys, where it is TOML.
    pub keys: toml::Table,
    /// What it ran on.
    pub environment: Option<Environment>,
    /// A line of `metrics.jsonl` each, in order.
    pub epochs: Vec<Epoch>,
    /// What came of it, once it was finished.
    pub result: Option<Outcome>,
    /// What was missing or could not be read, in sentences.
    pub notes: Vec<String>,
}

impl Contents {
    /// The recipe's `description`.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.keys.get("description")?.as_str()
    }

    /// How many epochs the recipe asks for.
    #[must_use]
    pub fn planned(&self) -> Option<i64> {
        self.keys.get("epochs")?.as_integer()
    }

    /// By what the run's epochs are compared: as its result says, or as its recipe says. One without `monitor` is of a run
    /// from before there was that key, which went by the accuracy on the validation images.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        let told = self.result.as_ref().and_then(|result| result.chosen_by);
        told.unwrap_or_else(|| {
            let validates = self
                .epochs
                .iter()
                .any(|epoch| epoch.validation_loss.is_some());
            let monitor = match self.keys.get("monitor").and_then(toml::Value::as_str) {
                Some("loss") => Monitor::Loss,
                None if !validates => Monitor::Loss,
                _ => Monitor::Accuracy,
            };
            Criterion::new(monitor, validates)
        })
    }

    /// The folder of the data set's files that the run had, where it is still there.
    #[must_use]
    pub fn data(&self) -> Option<PathBuf> {
        let folder = self.environment.as_ref()?.folder()?;
        folder.is_dir().then_some(folder)
    }

    /// How long training took: as the result says, or as far as the metrics go.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        let told = self.result.as_ref().map(|result| result.seconds);
        told.or_else(|| {
            let sum = self.epochs.iter().map(|epoch| epoch.seconds).sum();
            (!self.epochs.is_empty()).then_some(sum)
        })
    }

    /// The seconds of all epochs by their parts, and what the parts leave of the whole.
    #[must_use]
    pub fn time(&self) -> (Times, f64) {
        let mut sum = Times::default();
        let mut seconds = 0.0;
        for epoch in &self.epochs {
            sum.batches += epoch.time.batches;
            sum.steps += epoch.time.steps;
            sum.validation += epoch.time.validation;
            sum.checkpoint += epoch.time.checkpoint;
            seconds += epoch.seconds;
        }
        (sum, (seconds - sum.sum()).max(0.0))
    }
}
