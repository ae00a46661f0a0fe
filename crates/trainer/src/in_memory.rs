//! A recipe trained step by step in memory: without files and without a clock, as in a browser. The same seed gives the
//! same bits as a [session](crate::session) that trains the same recipe on the same images.
//!
//! ```
//! use mnist_data::{catalog, embedded};
//! use trainer::images::Images;
//! use trainer::in_memory::Training;
//! use trainer::recipe::{Changes, Recipe, builtin};
//!
//! let text = builtin("stacked").expect("it is built in");
//! let changes = Changes { epochs: Some(1), ..Changes::default() };
//! let named = Recipe::parse("stacked", "recipe stacked", text, &changes)?;
//! let images = Images::new(&named, &catalog::MNIST, embedded::load())?;
//! let mut training = Training::new(&named, &images)?;
//! let step = training.step()?.expect("there are 20 steps");
//! assert!(step.loss > 1.0 && training.steps() == (1, 20));
//! # Ok::<(), trainer::Error>(())
//! ```

use conv_core::network::{Network, Report};
use mnist_data::{Batch, Normalisation};

use crate::course::Course;
use crate::error::{Advice, Error};
use crate::images::Images;
use crate::learner::Learner;
use crate::model::{Model, digest};
use crate::recipe::Named;

/// A recipe under way.
pub struct Training {
    batches: Box<dyn Iterator<Item = Batch>>,
    done: u64,
    steps_per_epoch: u64,
    epochs: u64,
    rate: f64,
    learner: Learner,
    /// Images of the last step.
    last_batch: usize,
    normalisation: Normalisation,
    dataset: &'static str,
    classes: Vec<String>,
}

impl Training {
    /// The network before its first step. A recipe that keeps images for validation trains on the others; which epoch was
    /// the best is left to a session.
    ///
    /// # Errors
    /// If the network does not fit the images: at which line of the recipe, and why.
    pub fn new(named: &Named, images: &Images) -> Result<Self, Error> {
        let recipe = &named.recipe;
        let spec = named.spec(images.train.image_size(), images.entry.classes.len())?;
        let course = Course::new(recipe, images)?;
        Ok(Self {
            batches: Box::new(course.batches_here(0)),
            done: 0,
            steps_per_epoch: course.steps(),
            epochs: recipe.epochs,
            rate: recipe.rate(),
            learner: Learner::new(recipe, Network::new(&spec, recipe.seed)?, course.steps()),
            last_batch: 0,
            normalisation: images.normalisation,
            dataset: images.entry.name,
            classes: images.classes(),
        })
    }

    /// Steps that are done, and all of them.
    #[must_use]
    pub fn steps(&self) -> (u64, u64) {
        (self.done, self.steps_per_epoch * self.epochs)
    }

    /// Steps of an epoch.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch
    }

    /// Images of the last step; 0 before the first.
    #[must_use]
    pub fn last_batch(&self) -> usize {
        self.last_batch
    }

    /// The next step; none after the last one.
    ///
    /// # Errors
    /// If the numbers are no longer finite.
    pub fn step(&mut self) -> Result<Option<Report>, Error> {
        let Some(batch) = self.batches.next() else {
            return Ok(None);
        };
        let report = self.learner.step(&batch);
        let report = report.map_err(|error| Error::Advised {
            message: format!("step {}: {error}", self.done + 1),
            advice: Advice::SmallerRate(self.rate / 3.0),
        })?;
        self.done += 1;
        self.last_batch = batch.labels.len();
        Ok(Some(report))
    }

    /// The network as it is now, to be used: with the averaged weights, where the recipe averages.
    ///
    /// # Errors
    /// It does not fail: the network fits its images.
    pub fn model(&self) -> Result<Model, Error> {
        Model::new(
            self.learner.averaged()?,
            self.normalisation,
            self.dataset,
            self.classes.clone(),
        )
        .map_err(Error::Failed)
    }

    /// The digest that `trainer train` prints after the last step.
    ///
    /// # Errors
    /// It does not fail, as [`model`](Self::model).
    pub fn digest(&self) -> Result<String, Error> {
        Ok(digest(&self.model()?.network))
    }
}

#[cfg(all(test, feature = "files"))]
mod tests {
    use mnist_data::{catalog, embedded};

    use super::*;
    use crate::recipe::{Changes, Recipe};

    /// The digest of `trainer train stacked --epochs 2` is among those that every machine must find.
    #[test]
    fn has_the_digest_of_a_session() {
        let changes = Changes {
            epochs: Some(2),
            ..Changes::default()
        };
        let named = Recipe::find("stacked", &changes).unwrap();
        let images = Images::new(&named, &catalog::MNIST, embedded::load()).unwrap();
        let mut training = Training::new(&named, &images).unwrap();
        while training.step().unwrap().is_some() {}
        assert_eq!(training.steps(), (40, 40));
        let pinned = include_str!("../../conv-core/tests/golden/digests.txt");
        let line = format!("stacked-2-epochs {}", training.digest().unwrap());
        assert!(pinned.lines().any(|known| known == line), "{line}");
    }
}
