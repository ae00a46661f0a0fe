//! A run under way: the steps, the epochs, and what is kept of them.

mod batch_norm;
mod checkpoint;
mod clock;
mod finish;
mod observer;
mod restore;
mod trial;

use std::time::Instant;

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::batch_norm::Statistics;
use conv_core::optimizer::Optimizer;
use mnist_data::{Batch, Dataset};

use crate::course::Course;
use crate::error::{Advice, Error};
use crate::evaluation::Evaluation;
use crate::images::Images;
use crate::model::Model;
use crate::recipe::{Named, Recipe};
use crate::run::records::{BEST, Best, Epoch, LATEST};
use crate::run::{Criterion, Metrics, RunFolder};
use batch_norm::small_batches;
pub use checkpoint::Checkpoint;
use checkpoint::Place;
use clock::Clock;
pub use observer::{Observer, Progress};
pub use trial::trial;

/// Threads that make batches, at most: more than the deformations of any network's images need.
const MAKERS: usize = 8;

/// A run of a recipe.
pub struct Session {
    recipe: Recipe,
    course: Course,
    criterion: Criterion,
    loss: Loss,
    network: Network,
    optimizer: Optimizer,
    workspace: Workspace,
    place: Place,
    validation: Option<Dataset>,
    dataset: &'static str,
    classes: Vec<String>,
    /// The network after the best epoch so far, until it is on disk.
    best: Option<(Vec<f32>, Vec<Statistics>)>,
    labels: Vec<usize>,
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
            loss: recipe.network_loss(),
            optimizer: recipe.fresh_optimizer(course.steps()),
            criterion: Criterion::new(recipe.monitor, images.validation.is_some()),
            warning,
            recipe,
            course,
            network,
            workspace: Workspace::new(),
            place,
            validation: images.validation.clone(),
            dataset: images.entry.name,
            classes: images.classes(),
            best: None,
            labels: Vec::new(),
        })
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
            self.network.values().len(),
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
        let mut metrics = folder.metrics(self.place.metrics)?;
        if metrics.length() < self.place.metrics {
            observer.warn("some lines of metrics.jsonl are gone; the run goes on without them");
        }
        let threads = match self.course.augmentation {
            Some(_) => rayon::current_num_threads().min(MAKERS),
            None => 1,
        };
        let mut batches = self.batches(threads, observer);
        let mut clock = Clock::new(interval);
        while !self.is_done() {
            if observer.wants_stop() {
                self.keep(folder, &metrics, &mut clock)?;
                return Err(Error::Stopped);
            }
            let batch = batches
                .next()
                .ok_or_else(|| Error::Failed("the batches ended before the run".to_owned()))?;
            self.place.times.batches += clock.lap();
            self.step(&batch, folder)?;
            self.place.times.steps += clock.lap();
            let ends = self.place.epoch_steps == self.course.steps();
            observer.step(&self.progress());
            if ends {
                self.end_epoch(folder, &mut metrics, observer, &mut clock)?;
            }
            if clock.is_due(ends) {
                self.keep(folder, &metrics, &mut clock)?;
            }
        }
        // The last one: whatever the end takes, nothing is trained twice.
        self.keep(folder, &metrics, &mut clock)
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

    fn step(&mut self, batch: &Batch, folder: &RunFolder) -> Result<(), Error> {
        self.labels.clear();
        self.labels
            .extend(batch.labels.iter().map(|&label| usize::from(label)));
        let report = self.network.train_step(
            batch.images.view(),
            Targets::Labels(&self.labels),
            self.loss,
            &mut self.optimizer,
            &mut self.workspace,
        );
        let report = report.map_err(|error| self.stopped(&error.to_string(), folder))?;
        let (count, place) = (batch.labels.len(), &mut self.place);
        place.loss += report.loss * count as f64;
        place.correct += report.correct;
        place.seen += count;
        place.steps += 1;
        place.epoch_steps += 1;
        Ok(())
    }

    /// The run cannot go on: where it was, why, and what is left of it.
    fn stopped(&self, why: &str, folder: &RunFolder) -> Error {
        let place = &self.place;
        let latest = folder.path().join(LATEST);
        let kept = match latest.exists() {
            true => format!("the last good checkpoint is {}", latest.display()),
            false => "there was no checkpoint yet".to_owned(),
        };
        Error::Advised {
            message: format!(
                "epoch {}, step {} of {}: {why}\n{kept}",
                place.epochs + 1,
                place.epoch_steps + 1,
                self.course.steps()
            ),
            advice: Advice::SmallerRate(self.recipe.rate() / 3.0),
        }
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
        folder: &RunFolder,
        metrics: &mut Metrics,
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
            self.best = Some((
                self.numbers().to_vec(),
                self.network.running_statistics().to_vec(),
            ));
        }
        let json = serde_json::to_string(&epoch)
            .map_err(|error| Error::Failed(format!("cannot write JSON: {error}")))?;
        let added = metrics.add(&json);
        added.map_err(|failure| unwritten(failure, folder))?;
        observer.epoch(&epoch);
        Ok(())
    }

    /// Writes a checkpoint, and before it the best network, if that is not on disk yet.
    fn keep(
        &mut self,
        folder: &RunFolder,
        metrics: &Metrics,
        clock: &mut Clock,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let whole = |failure| unwritten(failure, folder);
        self.place.metrics = metrics.sync().map_err(whole)?;
        let bytes = Checkpoint::to_bytes(&self.place, &self.network, self.optimizer.state())
            .map_err(|problem| self.stopped(&problem, folder))?;
        if let Some((numbers, running)) = self.best.take() {
            let mut network = self.network.clone();
            network.set_values(&numbers)?;
            network.set_running_statistics(&running)?;
            let best = folder.path().join(BEST);
            self.model_of(network)?.write(&best).map_err(whole)?;
        }
        folder.write(LATEST, &bytes).map_err(whole)?;
        self.place.times.checkpoint += clock.lap();
        clock.kept(start.elapsed());
        Ok(())
    }

    /// The numbers that the run is about: the averaged ones, where the recipe averages.
    fn numbers(&self) -> &[f32] {
        self.optimizer.averaged().unwrap_or(self.network.values())
    }

    /// The network as it is now, to be used.
    fn model(&self) -> Result<Model, Error> {
        let mut network = self.network.clone();
        network.set_values(self.numbers())?;
        self.model_of(network)
    }

    fn model_of(&self, network: Network) -> Result<Model, Error> {
        let (normalisation, classes) = (self.course.normalisation, self.classes.clone());
        Model::new(network, normalisation, self.dataset, classes).map_err(Error::Failed)
    }
}

/// What could not be written, and that what was written before is whole.
fn unwritten(failure: Error, folder: &RunFolder) -> Error {
    match failure {
        Error::Failed(message) | Error::Advised { message, .. }
            if folder.path().join(LATEST).exists() =>
        {
            Error::Advised {
                message: format!("{message}\nthe checkpoint before is whole"),
                advice: Advice::GoOn(folder.path().to_owned()),
            }
        }
        other => other,
    }
}
