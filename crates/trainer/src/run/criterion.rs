//! The figure by which the epochs of a run are compared.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::recipe::Monitor;

/// The figure by which epochs are compared: when a run stops early, which network is its model, and which epoch a report
/// calls the best follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// The loss on the validation images, the smaller the better.
    ValidationLoss,
    /// The accuracy on the validation images, the larger the better; of equals the one with the smaller loss.
    ValidationAccuracy,
    /// The loss in training, where there are no validation images.
    TrainingLoss,
    /// The accuracy in training, where there are no validation images; of equals the one with the smaller loss.
    TrainingAccuracy,
}

impl Criterion {
    /// What a recipe's word stands for, with validation images or without.
    #[must_use]
    pub fn new(monitor: Monitor, validates: bool) -> Self {
        match (monitor, validates) {
            (Monitor::Loss, true) => Self::ValidationLoss,
            (Monitor::Accuracy, true) => Self::ValidationAccuracy,
            (Monitor::Loss, false) => Self::TrainingLoss,
            (Monitor::Accuracy, false) => Self::TrainingAccuracy,
        }
    }

    /// Whether it is an accuracy, of which the larger is the better, and not a loss.
    #[must_use]
    pub fn is_accuracy(self) -> bool {
        matches!(self, Self::ValidationAccuracy | Self::TrainingAccuracy)
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ValidationLoss => "validation loss",
            Self::ValidationAccuracy => "validation accuracy",
            Self::TrainingLoss => "training loss",
            Self::TrainingAccuracy => "training accuracy",
        })
    }
}
