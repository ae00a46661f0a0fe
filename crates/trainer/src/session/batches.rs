//! The batches of a run from any step on, made ahead on threads of their own.

use conv_core::init::Seeded;
use mnist_data::{Batch, Batches, Dataset, Error, Normalisation, Prefetch};

use crate::images::Images;
use crate::recipe::{AugmentationSchedule, Recipe};

/// The numbers of the seed's parts, one for the order and one for the deformations of an epoch.
const ORDER: u64 = 1;
const DEFORMATION: u64 = 2;
/// Batches that each thread makes ahead.
const AHEAD: usize = 2;

/// What all batches of a run follow from: nothing else decides what a step sees.
#[derive(Clone)]
pub(crate) struct Course {
    pub(crate) seed: u64,
    pub(crate) batch: usize,
    pub(crate) epochs: u64,
    pub(crate) dataset: Dataset,
    pub(crate) normalisation: Normalisation,
    pub(crate) augmentation: Option<AugmentationSchedule>,
}

impl Course {
    /// What a recipe makes of images.
    ///
    /// # Errors
    /// If the recipe's augmentation is none.
    pub(crate) fn new(recipe: &Recipe, images: &Images) -> Result<Self, crate::Error> {
        Ok(Self {
            seed: recipe.seed,
            batch: recipe.batch,
            epochs: recipe.epochs,
            dataset: images.train.clone(),
            normalisation: images.normalisation,
            augmentation: recipe.augmentation_schedule()?,
        })
    }

    /// Steps of an epoch.
    pub(crate) fn steps(&self) -> u64 {
        self.dataset.len().div_ceil(self.batch) as u64
    }

    /// The batches from step number `first` of the whole run to its end, made on so many threads.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub(crate) fn batches(&self, first: u64, threads: usize) -> Result<Prefetch<Batch>, Error> {
        let threads = threads.max(1) as u64;
        let shares = (0..threads).map(|share| Share {
            course: self.clone(),
            next: first + share,
            every: threads,
            epoch: None,
        });
        Prefetch::in_turn(shares, AHEAD)
    }

    /// The batches of an epoch, counted from 0.
    fn epoch(&self, epoch: u64) -> Result<Batches, Error> {
        let seed = |part| Seeded::new(self.seed).part(part).at(epoch);
        let batches = self.dataset.batches(self.batch)?.shuffled(seed(ORDER));
        let batches = batches.normalised(self.normalisation);
        Ok(match &self.augmentation {
            Some(augmentation) => {
                batches.augmented(augmentation.at(epoch, self.epochs), seed(DEFORMATION))
            }
            None => batches,
        })
    }
}

/// Every so manieth batch of a run.
struct Share {
    course: Course,
    /// The number of the next batch, counted over the whole run.
    next: u64,
    every: u64,
    /// The epoch under way, its batches, and how many of them are gone.
    epoch: Option<(u64, Batches, u64)>,
}

impl Iterator for Share {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let steps = self.course.steps();
        let (number, index) = (self.next / steps, self.next % steps);
        if number >= self.course.epochs {
            return None;
        }
        self.next += self.every;
        if self
            .epoch
            .as_ref()
            .is_none_or(|(known, ..)| *known != number)
        {
            // The only error, an empty batch, was refused with the recipe.
            self.epoch = Some((number, self.course.epoch(number).ok()?, 0));
        }
        let (_, batches, gone) = self.epoch.as_mut()?;
        let skipped = usize::try_from(index - *gone).ok()?;
        *gone = index + 1;
        batches.nth(skipped)
    }
}

#[cfg(test)]
mod tests {
    use mnist_data::{Augmentation, embedded};

    use super::*;

    /// So many of the images have a pixel that interpolation made: no whole number of 0 to 255.
    fn deformed(batches: &[Batch]) -> usize {
        let images = batches.iter().flat_map(|batch| batch.images.outer_iter());
        let made = |pixel: &f32| (pixel * 255.0 - (pixel * 255.0).round()).abs() > 1e-3;
        images.filter(|image| image.iter().any(made)).count()
    }

    /// Three epochs of 100 images, all deformed in the first.
    fn course(batch: usize, last_probability: f32) -> Course {
        Course {
            seed: 5,
            batch,
            epochs: 3,
            dataset: embedded::load().train.first(100).unwrap(),
            normalisation: Normalisation::By255,
            augmentation: Some(AugmentationSchedule {
                first: Augmentation::default(),
                last_probability,
            }),
        }
    }

    #[test]
    fn deformations_become_fewer_from_epoch_to_epoch() {
        let all: Vec<Batch> = course(50, 0.0).batches(0, 1).unwrap().collect();
        let [first, half, last] = [0, 2, 4].map(|at| deformed(&all[at..at + 2]));
        assert_eq!((first, last), (100, 0));
        assert!((30..=70).contains(&half), "{half} of 100");
    }

    #[test]
    fn the_batches_of_a_step_depend_on_nothing_else() {
        let course = course(30, 0.25);
        let all: Vec<Batch> = course.batches(0, 1).unwrap().collect();
        assert_eq!(all.len(), 12);
        assert_eq!(all[3].labels.len(), 10);
        assert_ne!(all[0].indices, all[4].indices);
        for threads in 1..4 {
            for first in [0, 1, 3, 4, 11, 12] {
                let rest: Vec<Batch> = course.batches(first, threads).unwrap().collect();
                assert_eq!(rest, all[first as usize..]);
            }
        }
    }
}
