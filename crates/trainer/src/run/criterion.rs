//! The one rule by which the epochs of a run are compared.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::records::{Best, Epoch};
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

    /// Whether one epoch is better than another.
    #[must_use]
    pub fn prefers(self, one: &Best, other: &Best) -> bool {
        let by_accuracy = matches!(self, Self::ValidationAccuracy | Self::TrainingAccuracy);
        match (one.accuracy, other.accuracy) {
            (Some(one), Some(other)) if by_accuracy && one != other => one > other,
            _ => one.loss < other.loss,
        }
    }

    /// The best of some epochs, the first of equals.
    #[must_use]
    pub fn best(self, epochs: &[Epoch]) -> Option<Best> {
        let all = epochs.iter().map(Best::from);
        all.reduce(|best, other| match self.prefers(&other, &best) {
            true => other,
            false => best,
        })
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
        let best = |criterion: Criterion, epochs: &[Epoch]| criterion.best(epochs).unwrap().epoch;
        assert_eq!(best(Criterion::ValidationLoss, &epochs), 2);
        assert_eq!(best(Criterion::ValidationAccuracy, &epochs), 4);
        assert_eq!(Criterion::ValidationLoss.best(&[]), None);
        for epoch in &mut epochs {
            (epoch.validation_loss, epoch.validation_accuracy) = (None, None);
        }
        assert_eq!(best(Criterion::TrainingLoss, &epochs), 1);
        assert_eq!(best(Criterion::TrainingAccuracy, &epochs), 1);
    }
}
