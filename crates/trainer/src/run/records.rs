//! What stands in the folder of a run: the names of its files, and what is written into them and read from them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Criterion;

/// The whole recipe, with every default written out. A folder with one is that of a run.
pub const RECIPE: &str = "recipe.toml";
/// An [`Environment`].
pub const ENVIRONMENT: &str = "environment.json";
/// An [`Epoch`] a line.
pub const METRICS: &str = "metrics.jsonl";
/// An [`Outcome`], once the run is finished.
pub const RESULT: &str = "result.json";
/// The network that the run is for: that after the best epoch where there are validation images or the run may stop
/// early, and else that after the last one.
pub const MODEL: &str = "model.safetensors";
/// The folder of the checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// The checkpoint that a run goes on from.
pub const LATEST: &str = if cfg!(windows) {
    r"checkpoints\latest.safetensors"
} else {
    "checkpoints/latest.safetensors"
};
/// The network after the best epoch so far.
pub const BEST: &str = if cfg!(windows) {
    r"checkpoints\best.safetensors"
} else {
    "checkpoints/best.safetensors"
};
/// Held by the process that works in the folder.
pub const LOCK: &str = "lock";
/// The page about the run.
pub const REPORT: &str = "report.html";

/// Where the seconds of an epoch went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Waiting for batches, which other threads make.
    pub batches: f64,
    /// The training steps.
    pub steps: f64,
    /// Classifying the validation images.
    pub validation: f64,
    /// Writing checkpoints.
    pub checkpoint: f64,
}

impl Times {
    /// Of all parts.
    pub fn sum(&self) -> f64 {
        self.batches + self.steps + self.validation + self.checkpoint
    }
}

/// A line of metrics.jsonl. Accuracies are 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: u64,
    /// Steps of the run so far.
    pub step: u64,
    /// Images of the epoch.
    pub images: usize,
    /// The means over the epoch's steps, each before its step.
    pub loss: f64,
    /// As the loss.
    pub accuracy: f64,
    /// After the epoch, where there are validation images.
    pub validation_loss: Option<f64>,
    /// After the epoch, where there are validation images.
    pub validation_accuracy: Option<f64>,
    /// The learning rate of its last step.
    pub rate: f64,
    /// Of the epoch.
    pub seconds: f64,
    /// Images of the epoch by its seconds.
    pub images_per_second: f64,
    /// Where the seconds went.
    pub time: Times,
}

/// An epoch, and how good it was.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Counted from 1.
    pub epoch: u64,
    /// On the validation images, or in training where there are none.
    pub loss: f64,
    /// As the loss; none in checkpoints of training without validation images from before it was kept.
    pub accuracy: Option<f64>,
}

impl Best {
    /// The best of some epochs, the first of equals.
    #[must_use]
    pub fn of(epochs: &[Epoch], criterion: Criterion) -> Option<Self> {
        let all = epochs.iter().map(Self::from);
        all.reduce(|best, other| match other.beats(&best, criterion) {
            true => other,
            false => best,
        })
    }

    /// Whether this epoch is better than another.
    #[must_use]
    pub fn beats(&self, other: &Self, criterion: Criterion) -> bool {
        match (self.accuracy, other.accuracy) {
            (Some(own), Some(other)) if criterion.is_accuracy() && own != other => own > other,
            _ => self.loss < other.loss,
        }
    }
}

impl From<&Epoch> for Best {
    fn from(epoch: &Epoch) -> Self {
        Self {
            epoch: epoch.epoch,
            loss: epoch.validation_loss.unwrap_or(epoch.loss),
            accuracy: Some(epoch.validation_accuracy.unwrap_or(epoch.accuracy)),
        }
    }
}

/// result.json.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The cross-entropy, the mean over the test images.
    pub test_loss: f64,
    /// The part of the test images that are classified right, 0 to 1.
    pub test_accuracy: f64,
    /// Those that were run.
    pub epochs: u64,
    /// Those of the optimizer.
    pub steps: u64,
    /// Of training, without the evaluation at the end.
    pub seconds: f64,
    /// Numbers that were trained.
    pub parameters: usize,
    /// SHA-256 of the parameters and running statistics after the last step, whichever epoch the model is of, as
    /// little-endian f32.
    pub digest: String,
    /// Why it ended.
    pub stopped: Ending,
    /// The epoch after which the network is the model, which the test figures are of; none in files from before it was
    /// told, where it is the last.
    #[serde(default)]
    pub model_epoch: Option<u64>,
    /// By what that epoch was chosen; none where it is the last one in any case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub chosen_by: Option<Criterion>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// All epochs of the recipe are done.
    Finished,
    /// No epoch had been better for as long as the recipe waits.
    Early,
}

/// environment.json: what a run ran on, and on what data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Of this library.
    pub version: String,
    /// That of the program's source, where it was built from a repository.
    pub commit: Option<String>,
    /// The processor.
    pub cpu: String,
    /// That conv-core computed with.
    pub instruction_set: String,
    /// That it computed on; of several processes that trained together, those of the first one.
    pub threads: usize,
    /// Processes that trained together; told where there were several.
    #[serde(skip_serializing_if = "is_one", default = "one")]
    pub ranks: usize,
    /// The operating system, and the processor's kind.
    pub os: String,
    /// What it learnt from.
    pub data: Vec<DataFile>,
    /// RFC 3339, UTC.
    pub started: String,
    /// The command line, quoted as a shell reads it.
    pub command: String,
}

/// A file of the data set, or one entry for the embedded images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its path, whole; none of the embedded images.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<PathBuf>,
    /// Of the file, or of the embedded images.
    pub sha256: String,
    /// Whether these are the images in the program.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub embedded: bool,
}

fn one() -> usize {
    1
}

fn is_one(ranks: &usize) -> bool {
    *ranks == 1
}

impl Environment {
    /// Whether it tells of other files of a data set than another one does; of images in the program it cannot tell.
    #[must_use]
    pub fn has_other_files(&self, other: &Self) -> bool {
        let digests = |all: &Self| -> Option<Vec<String>> {
            let files = all.data.iter();
            files
                .map(|file| (!file.embedded).then(|| file.sha256.clone()))
                .collect()
        };
        match (digests(self), digests(other)) {
            (Some(own), Some(others)) => own != others,
            _ => false,
        }
    }

    /// The folder of the data set's files, or none where they are embedded.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        let file = self.data.iter().find_map(|data| data.file.as_ref())?;
        file.parent().map(Path::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: u64, loss: f64, accuracy: f64) -> Epoch {
        Epoch {
            epoch,
            loss: 10.0 - loss,
            accuracy: 1.0 - accuracy,
            validation_loss: Some(loss),
            validation_accuracy: Some(accuracy),
            ..Epoch::default()
        }
    }

    /// One epoch is the best by loss, another by accuracy, of which there are two with different losses.
    #[test]
    fn each_criterion_has_its_own_best_epoch() {
        let mut epochs = [
            epoch(1, 0.5, 0.8),
            epoch(2, 0.25, 0.875),
            epoch(3, 0.5, 0.9375),
            epoch(4, 0.375, 0.9375),
            epoch(5, 0.25, 0.8125),
        ];
        let best =
            |criterion: Criterion, epochs: &[Epoch]| Best::of(epochs, criterion).unwrap().epoch;
        assert_eq!(best(Criterion::ValidationLoss, &epochs), 2);
        assert_eq!(best(Criterion::ValidationAccuracy, &epochs), 4);
        assert_eq!(Best::of(&[], Criterion::ValidationLoss), None);
        for epoch in &mut epochs {
            (epoch.validation_loss, epoch.validation_accuracy) = (None, None);
        }
        assert_eq!(best(Criterion::TrainingLoss, &epochs), 1);
        assert_eq!(best(Criterion::TrainingAccuracy, &epochs), 1);
    }
}
