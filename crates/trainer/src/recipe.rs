//! A training run as a text: data, network, loss, optimizer, and for how long.

mod document;
#[cfg(feature = "files")]
mod find;
#[cfg(test)]
mod fuzz;
mod layers;
mod problem;
mod read;
mod section;
mod shipped;
mod write;

use conv_core::network::Loss;
use conv_core::optimizer::{Optimizer, Schedule};
use conv_core::spec::{Layers, Spec};
use mnist_data::{Augmentation, Elastic};

use crate::error::Error;
use document::Document;
use problem::Problem;
use read::read;
pub use shipped::{find as builtin, names as builtin_names};

/// A recipe, checked but for what depends on the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// One line for people.
    pub description: String,
    /// All random numbers of the run follow from it.
    pub seed: u64,
    /// Passes over the training images.
    pub epochs: u64,
    /// Images a step.
    pub batch: usize,
    /// Which images it learns from.
    pub data: Data,
    /// How the images are deformed; none if they are not.
    pub augmentation: Option<Deformation>,
    /// The network.
    pub layers: Layers,
    /// What is to be made small.
    pub loss: Goal,
    /// The optimizer.
    pub method: Method,
    /// The learning rate over the run.
    pub schedule: Pace,
    /// Epochs without a better one after which the run ends.
    pub patience: Option<u64>,
}

/// Which images, and how they become numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// A name of the catalogue.
    pub dataset: String,
    /// The first so many training images; all, if none is given.
    pub train_images: Option<usize>,
    /// So many of them are kept for validation: of each class the same part.
    pub validation: usize,
    /// Whether pixels are normalised by the training images' mean and deviation, or divided by 255 alone.
    pub measured: bool,
}

/// What [`Augmentation`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deformation {
    /// The part of the images that are deformed in the first epoch; the others are shifted alone.
    probability: f64,
    /// The same in the last epoch; as in the first, if none is given.
    last_probability: Option<f64>,
    shift: f64,
    rotation: f64,
    scale: f64,
    shear: f64,
    /// alpha and sigma.
    elastic: Option<(f64, f64)>,
}

/// Deformations of more or of fewer of the images, from epoch to epoch.
#[derive(Clone)]
pub struct AugmentationSchedule {
    /// Those of the first epoch.
    pub first: Augmentation,
    /// The part of the images that are deformed in the last epoch.
    pub last_probability: f32,
}

impl AugmentationSchedule {
    /// What an epoch's images are deformed by, the epoch counted from 0: the probability lies on the straight line from
    /// the first to the last. A single epoch is the first.
    pub fn at(&self, epoch: u64, epochs: u64) -> Augmentation {
        let first = self.first.probability;
        let done = epoch as f32 / epochs.saturating_sub(1).max(1) as f32;
        Augmentation {
            probability: first + (self.last_probability - first) * done,
            ..self.first.clone()
        }
    }
}

/// What is to be made small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The cross-entropy.
    CrossEntropy {
        /// How much of each label is spread over all classes, 0 to 1.
        smoothing: f64,
    },
    /// The mean squared error of one-hot targets.
    MeanSquaredError,
}

/// The optimizer's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    kind: Kind,
    rate: f64,
    weight_decay: f64,
    clip: Option<f64>,
    average: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Sgd,
    Momentum(f64),
    Nesterov(f64),
    AdamW,
}

/// The learning rate over the run; how many steps it has follows from the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// The same from the first step to the last.
    Constant,
    /// Multiplied by the factor every so many epochs.
    Step {
        /// In epochs.
        every: u64,
        /// 0 to 1.
        factor: f64,
    },
    /// Half a cosine, from the rate to 0.
    Cosine,
    /// Up to the rate, then down to nearly 0.
    OneCycle,
}

/// A recipe, what it is called, and its text.
#[derive(Clone, Debug)]
pub struct Named {
    /// That of a built-in recipe, or the stem of its file.
    pub name: String,
    /// What the text says.
    pub recipe: Recipe,
    document: Document,
}

impl Named {
    /// The network for images of (rows, columns) that show one of so many classes.
    ///
    /// # Errors
    /// If a layer does not fit, or the last one has not an output for each class: at which line, and why.
    pub fn spec(&self, (rows, columns): (usize, usize), classes: usize) -> Result<Spec, Error> {
        let spec = Spec::new((rows, columns, 1), self.recipe.layers.clone());
        let explain = |path: &str, message: String| self.wrong(path, message);
        let summary = spec.summary().map_err(|error| {
            let path = match &error {
                conv_core::Error::Layer { layer, .. } => layers::path(LAYERS, layer),
                _ => LAYERS.to_owned(),
            };
            explain(&path, error.to_string())
        })?;
        let outputs: usize = summary.output().iter().product();
        if outputs != classes {
            let found = format!(
                "the network has {outputs} outputs, expected {classes}, one for each class of {}",
                self.recipe.data.dataset
            );
            let last = self.recipe.layers.0.len().saturating_sub(1);
            return Err(explain(&format!("{LAYERS}[{last}]"), found));
        }
        if summary.parameters() == 0 {
            return Err(explain(
                LAYERS,
                "the network has no parameters to train".to_owned(),
            ));
        }
        Ok(spec)
    }

    /// What is wrong with a key, such as `data.validation`: at which line, and why.
    pub fn wrong(&self, key: &str, message: impl Into<String>) -> Error {
        Error::Failed(self.document.explain(&Problem::new(key, message)))
    }
}

/// The key of the layers.
const LAYERS: &str = "network.layers";

/// What the command line changes in a recipe.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Passes over the training images.
    pub epochs: Option<u64>,
    /// The seed of all random numbers.
    pub seed: Option<u64>,
    /// A name of the catalogue.
    pub dataset: Option<String>,
    /// `KEY=VALUE`
    pub set: Vec<String>,
}

impl Changes {
    /// All of them as `KEY=VALUE`.
    fn assignments(&self) -> Vec<String> {
        let epochs = self.epochs.map(|epochs| format!("epochs={epochs}"));
        let seed = self.seed.map(|seed| format!("seed={seed}"));
        let dataset = self.dataset.as_ref();
        let dataset = dataset.map(|name| format!("data.dataset={name:?}"));
        let own = [epochs, seed, dataset].into_iter().flatten();
        own.chain(self.set.iter().cloned()).collect()
    }
}

impl Recipe {
    /// The recipe of a text, in which some keys are changed. `file` is what errors call the text.
    ///
    /// # Errors
    /// If the text is no recipe: where and how. If a change has no `KEY=VALUE`, or the key cannot be.
    pub fn parse(name: &str, file: &str, text: &str, changes: &Changes) -> Result<Named, Error> {
        let mut document = Document::parse(file, text).map_err(Error::Failed)?;
        for assignment in changes.assignments() {
            document.set(&assignment).map_err(Error::Argument)?;
        }
        let recipe = read(document.root());
        let recipe = recipe.map_err(|problem| Error::Failed(document.explain(&problem)))?;
        Ok(Named {
            name: name.to_owned(),
            recipe,
            document,
        })
    }

    /// How the images are deformed.
    ///
    /// # Errors
    /// If the elastic distortion is none.
    pub fn augmentation(&self) -> Result<Option<AugmentationSchedule>, Error> {
        let Some(Deformation {
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
        let elastic = elastic.map(|(alpha, sigma)| Elastic::new(alpha as f32, sigma as f32));
        Ok(Some(AugmentationSchedule {
            first: Augmentation {
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
        self.method.rate
    }

    /// The learning rate of a step, counted from 0, where an epoch has so many.
    pub fn rate_of(&self, steps_per_epoch: u64, step: u64) -> f64 {
        self.method.rate * self.pace(steps_per_epoch).factor(step)
    }

    /// What is to be made small.
    pub fn loss(&self) -> Loss {
        match self.loss {
            Goal::CrossEntropy { smoothing } => Loss::CrossEntropy {
                smoothing: smoothing as f32,
            },
            Goal::MeanSquaredError => Loss::MeanSquaredError,
        }
    }

    /// A fresh optimizer for epochs of so many steps.
    pub fn optimizer(&self, steps_per_epoch: u64) -> Optimizer {
        let Method {
            kind,
            rate,
            weight_decay,
            clip,
            average,
        } = self.method;
        let schedule = self.pace(steps_per_epoch);
        let optimizer = match kind {
            Kind::Sgd => Optimizer::sgd(rate),
            Kind::Momentum(momentum) => Optimizer::momentum(rate, momentum as f32),
            Kind::Nesterov(momentum) => Optimizer::nesterov(rate, momentum as f32),
            Kind::AdamW => Optimizer::adamw(rate),
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

    fn pace(&self, steps_per_epoch: u64) -> Schedule {
        let steps = self.epochs.saturating_mul(steps_per_epoch).max(1);
        match self.schedule {
            Pace::Constant => Schedule::Constant,
            Pace::Step { every, factor } => {
                let every = every.saturating_mul(steps_per_epoch).max(1);
                Schedule::Step { every, factor }
            }
            Pace::Cosine => Schedule::Cosine { steps },
            Pace::OneCycle => Schedule::OneCycle { steps },
        }
    }
}
