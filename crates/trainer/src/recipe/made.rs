//! What conv-core and mnist-data make of a recipe's words.

use conv_core::{network, optimizer};

use super::{Augmentation, Elastic, Loss, Method, Optimizer, Recipe, Schedule};
use crate::error::Error;

/// Deformations of more or of fewer of the images, from epoch to epoch.
#[derive(Clone)]
pub(crate) struct AugmentationSchedule {
    /// Those of the first epoch.
    pub first: mnist_data::Augmentation,
    /// The part of the images that are deformed in the last epoch.
    pub last_probability: f32,
}

impl AugmentationSchedule {
    /// What an epoch's images are deformed by, the epoch counted from 0: the probability lies on the straight line from
    /// the first to the last. A single epoch is the first.
    pub(crate) fn at(&self, epoch: u64, epochs: u64) -> mnist_data::Augmentation {
        let first = self.first.probability;
        let done = epoch as f32 / epochs.saturating_sub(1).max(1) as f32;
        mnist_data::Augmentation {
            probability: first + (self.last_probability - first) * done,
            ..self.first.clone()
        }
    }
}

impl Recipe {
    /// How the images are deformed.
    ///
    /// # Errors
    /// If the elastic distortion is none.
    pub(crate) fn augmentation_schedule(&self) -> Result<Option<AugmentationSchedule>, Error> {
        let Some(Augmentation {
            probability,
            last_probability,
            shift,
            rotation,
            scale,
            shear,
            elastic,
        }) = self.augmentation
        else {
            return Ok(None);
        };
        // Deformed by nothing an image stays itself, at no cost.
        if elastic.is_none() && [shift, rotation, scale, shear] == [0.0; 4] {
            return Ok(None);
        }
        let elastic = elastic
            .map(|Elastic { alpha, sigma }| mnist_data::Elastic::new(alpha as f32, sigma as f32));
        Ok(Some(AugmentationSchedule {
            first: mnist_data::Augmentation {
                probability: probability as f32,
                shift: shift as f32,
                rotation: rotation as f32,
                scale: scale as f32,
                shear: shear as f32,
                elastic: elastic.transpose()?,
            },
            last_probability: last_probability.unwrap_or(probability) as f32,
        }))
    }

    /// The learning rate that the schedule begins from.
    pub fn rate(&self) -> f64 {
        self.optimizer.rate
    }

    /// The learning rate of a step, counted from 0, where an epoch has so many.
    pub fn rate_of(&self, steps_per_epoch: u64, step: u64) -> f64 {
        self.optimizer.rate * self.steps_schedule(steps_per_epoch).factor(step)
    }

    /// The loss, as conv-core takes it.
    pub(crate) fn network_loss(&self) -> network::Loss {
        match self.loss {
            Loss::CrossEntropy { smoothing } => network::Loss::CrossEntropy {
                smoothing: smoothing as f32,
            },
            Loss::MeanSquaredError => network::Loss::MeanSquaredError,
        }
    }

    /// A fresh optimizer for epochs of so many steps.
    pub(crate) fn fresh_optimizer(&self, steps_per_epoch: u64) -> optimizer::Optimizer {
        let Optimizer {
            method,
            rate,
            weight_decay,
            clip,
            average,
        } = self.optimizer;
        let schedule = self.steps_schedule(steps_per_epoch);
        let optimizer = match method {
            Method::Sgd => optimizer::Optimizer::sgd(rate),
            Method::Momentum(momentum) => optimizer::Optimizer::momentum(rate, momentum as f32),
            Method::Nesterov(momentum) => optimizer::Optimizer::nesterov(rate, momentum as f32),
            Method::AdamW => optimizer::Optimizer::adamw(rate),
        };
        let optimizer = optimizer.weight_decay(weight_decay).schedule(schedule);
        let optimizer = match clip {
            Some(norm) => optimizer.clip(norm),
            None => optimizer,
        };
        match average {
            Some(decay) => optimizer.average(decay as f32),
            None => optimizer,
        }
    }

    fn steps_schedule(&self, steps_per_epoch: u64) -> optimizer::Schedule {
        let steps = self.epochs.saturating_mul(steps_per_epoch).max(1);
        match self.schedule {
            Schedule::Constant => optimizer::Schedule::Constant,
            Schedule::Step { every, factor } => {
                let every = every.saturating_mul(steps_per_epoch).max(1);
                optimizer::Schedule::Step { every, factor }
            }
            Schedule::Cosine => optimizer::Schedule::Cosine { steps },
            Schedule::OneCycle => optimizer::Schedule::OneCycle { steps },
        }
    }
}
