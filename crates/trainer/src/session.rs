//! A run under way: the steps, the epochs, and what is kept of them.

mod batch_norm;
mod checkpoint;
mod clock;
mod finish;
mod keeper;
mod observer;
mod restore;
mod trial;

use std::sync::Arc;

use conv_core::network::{Exchange, Network};
use mnist_data::{Batch, Dataset};

use crate::course::Course;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::images::Images;
use crate::learner::Learner;
use crate::model::{self, Model};
use crate::recipe::{Named, Recipe};
use crate::run::records::{Best, Epoch};
use crate::run::{Criterion, RunFolder};
use batch_norm::small_batches;
pub use checkpoint::Checkpoint;
use checkpoint::Place;
use clock::Clock;
use keeper::{Keeper, unwritten};
pub use observer::{Observer, Progress};
pub use trial::trial;

/// Threads that make batches, at most: more than the deformations of any network's images need.
const MAKERS: usize = 8;

/// A run of a recipe.
pub struct Session {
    recipe: Recipe,
    course: Course,
    criterion: Criterion,
    learner: Learner,
    place: Place,
    validation: Option<Dataset>,
    dataset: &'static str,
    classes: Vec<String>,
    /// The network after the best epoch so far, until it is on disk.
    best: Option<Network>,
    /// What training suffers from.
    warning: Option<String>,
}

impl Session {
    /// A run at its beginning.
    ///
    /// # Errors
    /// If the network does not fit the images: at which line of the recipe, and why.
    pub fn new(named: &Named, images: &Images) -> Result<Self, Error> {
        let recipe = named.recipe.clone();
        let spec = named.spec(images.train.image_size(), images.entry.classes.len())?;
        let network = Network::new(&spec, recipe.seed)?;
        let course = Course::new(&recipe, images)?;
        let warning = small_batches(named, &network.summary(), &course)?;
        let place = Place {
            recipe: recipe.digest()?,
            images: images.digest.clone(),
            ..Place::default()
        };
        Ok(Self {
            learner: Learner::new(&recipe, network, course.steps()),
            criterion: Criterion::new(recipe.monitor, images.validation.is_some()),
            warning,
            recipe,
            course,
            place,
            validation: images.validation.clone(),
            dataset: images.entry.name,
            classes: images.classes(),
            best: None,
        })
    }

    /// Has it train from now on as one of several processes: of each step it makes and computes its share of the images, and
    /// the sums together with the others ([`Exchange`]). All of them make a session of the same recipe and images. The first
    /// one [trains](Self::train) in the run's folder and [finishes](Self::finish) the run, the others
    /// [train beside it](Self::train_beside).
    pub fn set_exchange(&mut self, exchange: Box<dyn Exchange>) {
        let (rank, ranks) = (exchange.rank(), exchange.ranks());
        let network = self.learner.network.clone();
        let part = move |images| network.images_of_rank(images, rank, ranks);
        self.course.part = Some(Arc::new(part));
        self.learner.workspace.set_exchange(exchange);
    }

    /// How many parameters the network has.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.learner.network.values().len()
    }

    /// The shards that its batches are divided into, see [`Network::shards`]: more processes have no work.
    pub fn shards(&self) -> usize {
        self.learner.network.shards(self.course.sizes().0)
    }

    /// SHA-256 of the parameters and running statistics as they are now, as in
    /// [`Outcome::digest`](crate::run::records::Outcome::digest).
    pub fn digest(&self) -> String {
        model::digest(&self.learner.network)
    }

    /// What it trains.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Steps that are done, and all of them.
    pub fn extent(&self) -> (u64, u64) {
        (self.place.steps, self.course.steps() * self.recipe.epochs)
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        let (place, steps) = (&self.place, self.course.steps());
        match place.epoch_steps {
            0 => format!(
                "the end of epoch {} of {}",
                place.epochs, self.recipe.epochs
            ),
            batch => format!(
                "epoch {} of {}, step {batch} of {steps}",
                place.epochs + 1,
                self.recipe.epochs
            ),
        }
    }

    /// What is trained on what.
    pub fn headline(&self, images: &Images) -> String {
        let validation = match &self.validation {
            Some(kept) => format!(", {} to validate with", kept.len()),
            None => String::new(),
        };
        format!(
            "{} parameters; {} images of {} to learn from{validation}, {} to be judged by; {} epochs of {} steps",
            self.learner.network.values().len(),
            images.train.len(),
            images.entry.title,
            images.test.len(),
            self.recipe.epochs,
            self.course.steps()
        )
    }

    /// Trains to the end, keeping checkpoints in the run's folder.
    ///
    /// # Errors
    /// If something cannot be written, the numbers are no longer finite, or the observer asks to stop; the folder then holds
    /// the last checkpoint.
    pub fn train(
        &mut self,
        folder: &RunFolder,
        interval: Option<f64>,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        if let Some(warning) = &self.warning {
            observer.warn(warning);
        }
        let metrics = folder.metrics(self.place.metrics)?;
        if metrics.length() < self.place.metrics {
            observer.warn("some lines of metrics.jsonl are gone; the run goes on without them");
        }
        self.train_in(
            Some(Keeper { folder, metrics }),
            Clock::new(interval),
            observer,
        )
    }

    /// Trains to the end beside the process that keeps the run's folder, see [`set_exchange`](Self::set_exchange). It writes
    /// nothing.
    ///
    /// # Errors
    /// If the numbers are no longer finite, the exchange fails, or the observer asks to stop.
    pub fn train_beside(&mut self, observer: &mut dyn Observer) -> Result<(), Error> {
        self.train_in(None, Clock::new(None), observer)
    }

    fn train_in(
        &mut self,
        mut keeper: Option<Keeper<'_>>,
        mut clock: Clock,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let threads = match self.course.augmentation {
            Some(_) => rayon::current_num_threads().min(MAKERS),
            None => 1,
        };
        let mut batches = self.batches(threads, observer);
        while !self.is_done() {
            if observer.wants_stop() {
                self.keep(keeper.as_ref(), &mut clock)?;
                return Err(Error::Stopped);
            }
            let batch = batches
                .next()
                .ok_or_else(|| Error::Failed("the batches ended before the run".to_owned()))?;
            self.place.times.batches += clock.lap();
            self.step(&batch, keeper.as_ref())?;
            self.place.times.steps += clock.lap();
            let ends = self.place.epoch_steps == self.course.steps();
            observer.step(&self.progress());
            if ends {
                self.end_epoch(keeper.as_mut(), observer, &mut clock)?;
            }
            if clock.is_due(ends) {
                self.keep(keeper.as_ref(), &mut clock)?;
            }
        }
        // The last one: whatever the end takes, nothing is trained twice.
        self.keep(keeper.as_ref(), &mut clock)
    }

    /// The batches from here on, made ahead on so many threads, or where the system does not allow any, one after the
    /// other.
    fn batches(
        &self,
        threads: usize,
        observer: &mut dyn Observer,
    ) -> Box<dyn Iterator<Item = Batch>> {
        let first = self.place.steps;
        let ahead = self.course.batches(first, threads);
        match ahead.or_else(|_| self.course.batches(first, 1)) {
            Ok(batches) => Box::new(batches),
            Err(error) => {
                observer.warn(&format!(
                    "no thread can be started to make batches ahead ({error}); each is made when it is needed"
                ));
                Box::new(self.course.batches_here(first))
            }
        }
    }

    fn is_done(&self) -> bool {
        self.place.epochs >= self.recipe.epochs || self.is_early()
    }

    /// Whether no epoch was better for as long as the recipe waits.
    fn is_early(&self) -> bool {
        let best = self.place.best.map_or(0, |best| best.epoch);
        let patience = self.recipe.patience;
        patience.is_some_and(|patience| self.place.epochs >= best.saturating_add(patience))
    }

    fn step(&mut self, batch: &Batch, keeper: Option<&Keeper<'_>>) -> Result<(), Error> {
        let report = self.learner.step(batch);
        let report = report.map_err(|error| self.stopped(&error.to_string(), keeper))?;
        let (count, place) = (batch.labels.len(), &mut self.place);
        place.loss += report.loss * count as f64;
        place.correct += report.correct;
        place.seen += count;
        place.steps += 1;
        place.epoch_steps += 1;
        Ok(())
    }

    fn progress(&self) -> Progress {
        let place = &self.place;
        let seen = place.seen.max(1) as f64;
        let speed = seen / place.times.sum().max(1e-9);
        Progress {
            epoch: place.epochs + 1,
            loss: place.loss / seen,
            accuracy: place.correct as f64 / seen,
            images_per_second: speed,
        }
    }

    /// Validates, writes the epoch's line, and remembers the network if it is the best.
    fn end_epoch(
        &mut self,
        keeper: Option<&mut Keeper<'_>>,
        observer: &mut dyn Observer,
        clock: &mut Clock,
    ) -> Result<(), Error> {
        let validated = match &self.validation {
            Some(dataset) => {
                let found = Evaluation::of(&self.model()?, dataset)?;
                Some((found.loss, found.accuracy))
            }
            None => None,
        };
        let place = &mut self.place;
        place.times.validation += clock.lap();
        let seen = place.seen.max(1) as f64;
        let times = std::mem::take(&mut place.times);
        let seconds = times.sum();
        place.epochs += 1;
        let epoch = Epoch {
            epoch: place.epochs,
            step: place.steps,
            images: place.seen,
            loss: place.loss / seen,
            accuracy: place.correct as f64 / seen,
            validation_loss: validated.map(|(loss, _)| loss),
            validation_accuracy: validated.map(|(_, accuracy)| accuracy),
            rate: self.recipe.rate_of(self.course.steps(), place.steps - 1),
            seconds,
            images_per_second: seen / seconds.max(1e-9),
            time: times,
        };
        place.seconds += seconds;
        (place.epoch_steps, place.seen, place.correct, place.loss) = (0, 0, 0, 0.0);
        let best = Best::from(&epoch);
        let beats = |other| best.beats(&other, self.criterion);
        if place.best.is_none_or(beats) {
            place.best = Some(best);
            self.best = Some(self.learner.averaged()?);
        }
        let json = serde_json::to_string(&epoch)
            .map_err(|error| Error::Failed(format!("cannot write JSON: {error}")))?;
        if let Some(Keeper { folder, metrics }) = keeper {
            let added = metrics.add(&json);
            added.map_err(|failure| unwritten(failure, folder))?;
        }
        observer.epoch(&epoch);
        Ok(())
    }

    /// The network as it is now, to be used.
    fn model(&self) -> Result<Model, Error> {
        self.model_of(self.learner.averaged()?)
    }

    fn model_of(&self, network: Network) -> Result<Model, Error> {
        let (normalisation, classes) = (self.course.normalisation, self.classes.clone());
        Model::new(network, normalisation, self.dataset, classes).map_err(Error::Failed)
    }
}
