//! The batches of a run from any step on, made ahead on threads of their own.

use std::ops::Range;
use std::sync::Arc;

use conv_core::init::Seeded;
#[cfg(feature = "files")]
use mnist_data::Prefetch;
use mnist_data::{Batch, Batches, Dataset, Error, Normalisation};

use crate::images::Images;
use crate::recipe::{AugmentationSchedule, LastBatch, Recipe};

/// The numbers of the seed's parts, one for the order and one for the deformations of an epoch.
const ORDER: u64 = 1;
const DEFORMATION: u64 = 2;
/// Batches that each thread makes ahead.
#[cfg(feature = "files")]
const AHEAD: usize = 2;

/// What all batches of a run follow from: nothing else decides what a step sees.
#[derive(Clone)]
pub(crate) struct Course {
    pub(crate) seed: u64,
    pub(crate) batch: usize,
    pub(crate) last_batch: LastBatch,
    pub(crate) epochs: u64,
    /// Of an epoch.
    steps: u64,
    pub(crate) dataset: Dataset,
    pub(crate) normalisation: Normalisation,
    pub(crate) augmentation: Option<AugmentationSchedule>,
    /// Which images of a batch of so many are made, where others make the others.
    pub(crate) part: Option<Part>,
}

/// Which images of a batch of so many.
pub(crate) type Part = Arc<dyn Fn(usize) -> Range<usize> + Send + Sync>;

impl Course {
    /// What a recipe makes of images.
    ///
    /// # Errors
    /// If the recipe's augmentation is none.
    pub(crate) fn new(recipe: &Recipe, images: &Images) -> Result<Self, crate::Error> {
        Ok(Self {
            seed: recipe.seed,
            batch: recipe.batch,
            last_batch: recipe.last_batch,
            epochs: recipe.epochs,
            steps: 0,
            dataset: images.train.clone(),
            normalisation: images.normalisation,
            augmentation: recipe.augmentation_schedule()?,
            part: None,
        }
        .counted()?)
    }

    /// With the number of its steps.
    fn counted(mut self) -> Result<Self, Error> {
        self.steps = self.epoch(0)?.len() as u64;
        Ok(self)
    }

    /// Steps of an epoch.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// The images of an epoch's first and of its last batch, the largest and the smallest one.
    #[cfg(feature = "files")]
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let (images, steps) = (self.dataset.len(), self.steps.max(1) as usize);
        match self.last_batch {
            LastBatch::Keep => (self.batch, images - (steps - 1) * self.batch),
            LastBatch::Drop => (self.batch, self.batch),
            LastBatch::Spread => (images.div_ceil(steps), images / steps),
        }
    }

    /// The batches from step number `first` of the whole run to its end, made ahead on so many threads.
    ///
    /// # Errors
    /// If a thread cannot be started.
    #[cfg(feature = "files")]
    pub(crate) fn batches(&self, first: u64, threads: usize) -> Result<Prefetch<Batch>, Error> {
        let threads = threads.max(1) as u64;
        Prefetch::in_turn(
            (0..threads).map(|share| self.share(first + share, threads)),
            AHEAD,
        )
    }

    /// The same batches, each made when it is asked for.
    pub(crate) fn batches_here(&self, first: u64) -> impl Iterator<Item = Batch> + use<> {
        self.share(first, 1)
    }

    fn share(&self, next: u64, every: u64) -> Share {
        Share {
            course: self.clone(),
            next,
            every,
            epoch: None,
        }
    }

    /// The batches of an epoch, counted from 0.
    fn epoch(&self, epoch: u64) -> Result<Batches, Error> {
        let seed = |part| Seeded::new(self.seed).part(part).at(epoch);
        let batches = self.dataset.batches(self.batch)?.shuffled(seed(ORDER));
        let batches = batches.normalised(self.normalisation);
        let batches = match self.last_batch {
            LastBatch::Keep => batches,
            LastBatch::Drop => batches.drop_last(),
            LastBatch::Spread => batches.spread(),
        };
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
        match &self.course.part {
            None => batches.nth(skipped),
            Some(part) => batches.nth_in_part(skipped, |images| part(images)),
        }
    }
}

#[cfg(all(test, feature = "files"))]
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
            last_batch: LastBatch::Keep,
            epochs: 3,
            steps: 0,
            dataset: embedded::load().train.first(100).unwrap(),
            normalisation: Normalisation::By255,
            augmentation: Some(AugmentationSchedule {
                first: Augmentation::default(),
                last_probability,
            }),
            part: None,
        }
        .counted()
        .unwrap()
    }

    #[test]
    fn deformations_become_fewer_from_epoch_to_epoch() {
        let all: Vec<Batch> = course(50, 0.0).batches(0, 1).unwrap().collect();
        let [first, half, last] = [0, 2, 4].map(|at| deformed(&all[at..at + 2]));
        assert_eq!((first, last), (100, 0));
        assert!((30..=70).contains(&half), "{half} of 100");
    }

    /// What makes each rank's images the ones that a single process makes.
    #[test]
    fn a_part_of_a_batch_is_that_part_of_the_whole() {
        let whole = course(30, 0.25);
        let mut part = whole.clone();
        part.part = Some(Arc::new(|images| images / 3..images / 2));
        let pairs = whole.batches_here(1).zip(part.batches_here(1));
        for (whole, part) in pairs {
            assert_eq!(
                (&part.labels, &part.indices),
                (&whole.labels, &whole.indices)
            );
            let images = whole.labels.len();
            let made = images / 3..images / 2;
            for (image, (part, whole)) in part
                .images
                .outer_iter()
                .zip(whole.images.outer_iter())
                .enumerate()
            {
                match made.contains(&image) {
                    true => assert_eq!(part, whole, "image {image} of {images}"),
                    false => assert!(part.iter().all(|&x| x == 0.0), "image {image}"),
                }
            }
        }
    }

    #[test]
    fn the_batches_of_a_step_depend_on_nothing_else() {
        for (last_batch, sizes) in [
            (LastBatch::Keep, &[30, 30, 30, 10][..]),
            (LastBatch::Drop, &[30, 30, 30]),
            (LastBatch::Spread, &[34, 33, 33]),
        ] {
            let mut course = course(30, 0.25);
            course.last_batch = last_batch;
            let course = course.counted().unwrap();
            let all: Vec<Batch> = course.batches(0, 1).unwrap().collect();
            let steps = sizes.len();
            assert_eq!((all.len(), course.steps()), (3 * steps, steps as u64));
            let found: Vec<usize> = all.iter().map(|batch| batch.labels.len()).collect();
            assert_eq!(found, sizes.repeat(3), "{last_batch:?}");
            assert_eq!(course.sizes(), (sizes[0], sizes[steps - 1]));
            assert_ne!(all[0].indices, all[steps].indices);
            for threads in 1..4 {
                for first in 0..=3 * steps {
                    let rest = course.batches(first as u64, threads).unwrap();
                    assert_eq!(rest.collect::<Vec<_>>(), all[first..]);
                    let rest = course.batches_here(first as u64);
                    assert_eq!(rest.collect::<Vec<_>>(), all[first..]);
                }
            }
        }
    }
}
