//! What is known of an epoch, and of the whole run.

use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// result.json.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The cross-entropy, the mean over the test images.
    pub test_loss: f64,
    /// The part of the test images that are classified right, 0 to 1.
    pub test_accuracy: f64,
    /// How many test images there were.
    #[serde(skip)]
    pub test_images: usize,
    /// Those that were run.
    pub epochs: u64,
    /// Those of the optimizer.
    pub steps: u64,
    /// Of training, without the evaluation at the end.
    pub seconds: f64,
    /// Numbers that were trained.
    pub parameters: usize,
    /// SHA-256 of the final parameters and running statistics as little-endian f32.
    pub digest: String,
    /// `finished`, or `early` where no epoch had been better for as long as the recipe waits.
    pub stopped: &'static str,
}

impl Outcome {
    /// For people, on stderr; the run's folder has the name.
    pub fn summary(&self, folder: &str) -> String {
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
