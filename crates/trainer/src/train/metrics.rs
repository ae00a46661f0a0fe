//! What is known of an epoch, and of the whole run.

use serde::{Deserialize, Serialize};

/// Where the seconds of an epoch went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Times {
    /// Waiting for batches, which other threads make.
    pub(super) batches: f64,
    pub(super) steps: f64,
    pub(super) validation: f64,
    pub(super) checkpoint: f64,
}

impl Times {
    pub(super) fn sum(&self) -> f64 {
        self.batches + self.steps + self.validation + self.checkpoint
    }
}

/// A line of metrics.jsonl. Accuracies are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Epoch {
    /// Counted from 1.
    pub(super) epoch: u64,
    /// Steps of the run so far.
    pub(super) step: u64,
    /// Images of the epoch.
    pub(super) images: usize,
    /// The means over the epoch's steps, each before its step.
    pub(super) loss: f64,
    pub(super) accuracy: f64,
    pub(super) validation_loss: Option<f64>,
    pub(super) validation_accuracy: Option<f64>,
    /// The learning rate of its last step.
    pub(super) rate: f64,
    pub(super) seconds: f64,
    pub(super) images_per_second: f64,
    pub(super) time: Times,
}

/// result.json.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Outcome {
    pub(super) test_loss: f64,
    pub(super) test_accuracy: f64,
    #[serde(skip)]
    pub(super) test_images: usize,
    /// Those that were run.
    pub(super) epochs: u64,
    pub(super) steps: u64,
    /// Of training, without the evaluation at the end.
    pub(super) seconds: f64,
    pub(super) parameters: usize,
    /// SHA-256 of the final parameters and running statistics as little-endian f32.
    pub(super) digest: String,
    /// `finished`, or `early` where no epoch had been better for as long as the recipe waits.
    pub(super) stopped: &'static str,
}

impl Outcome {
    /// For people, on stderr; the run's folder has the name.
    pub(super) fn summary(&self, folder: &str) -> String {
        let early = match self.stopped {
            "early" => ", stopped early",
            _ => "",
        };
        format!(
            "{} epochs in {:.1} s{early}; model: {folder}/model.safetensors\nSHA-256 of the parameters: {}",
            self.epochs, self.seconds, self.digest
        )
    }
}
