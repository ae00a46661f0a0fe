//! A training run as a text: data, network, loss, optimizer, and for how long.

mod document;
#[cfg(feature = "files")]
mod find;
#[cfg(test)]
mod fuzz;
mod layers;
mod limits;
mod made;
#[cfg(feature = "files")]
mod original;
mod problem;
mod read;
mod section;
mod shipped;
mod validate;
mod write;

use conv_core::spec::{Layers, Spec};

use crate::error::Error;
use document::Document;
pub(crate) use made::AugmentationSchedule;
pub use problem::Problem;
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
    /// What becomes of the images that are left after the last whole batch of an epoch.
    pub last_batch: LastBatch,
    /// The figure by which epochs are compared, to stop early and to choose the model.
    pub monitor: Monitor,
    /// Which images it learns from.
    pub data: Data,
    /// How the images are deformed; none if they are not.
    pub augmentation: Option<Augmentation>,
    /// The network.
    pub layers: Layers,
    /// What is minimised.
    pub loss: Loss,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The learning rate over the run.
    pub schedule: Schedule,
    /// Epochs without a better one after which the run ends.
    pub patience: Option<u64>,
}

/// What becomes of the images of an epoch that are left after the last whole batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastBatch {
    /// They are a batch of their own, however small.
    Keep,
    /// They are left out; in each epoch others.
    Drop,
    /// None are left: the images are spread over batches of the same size, one image more or less, whose number is the
    /// nearest one. Without small batches batch normalisation does not see too little.
    #[default]
    Spread,
}

/// The figure by which epochs are compared: on the validation images, or in training where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Monitor {
    /// The smaller, the better.
    #[default]
    Loss,
    /// The larger, the better; of equals the one with the smaller loss.
    Accuracy,
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
    /// How a pixel becomes a number of the network's input.
    pub normalisation: Normalisation,
}

/// How pixels of 0 to 255 are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalisation {
    /// Divided by 255.
    By255,
    /// By the mean and the deviation of the training images.
    MeanDeviation,
}

/// How training images are deformed at random; by nothing where all is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// The part of the images that are deformed in the first epoch, 0 to 1; the others are shifted alone.
    pub probability: f64,
    /// The same in the last epoch; as in the first, if none is given.
    pub last_probability: Option<f64>,
    /// At most so many pixels, in each direction.
    pub shift: f64,
    /// At most so many degrees, to each side.
    pub rotation: f64,
    /// At most so much larger or smaller, as a part of the size, 0 to 0.9.
    pub scale: f64,
    /// At most so far, as a part of the height.
    pub shear: f64,
    /// An elastic distortion.
    pub elastic: Option<Elastic>,
}

/// An elastic distortion (P. Y. Simard et al., ICDAR 2003).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elastic {
    /// Its strength.
    pub alpha: f64,
    /// Its smoothness, in pixels.
    pub sigma: f64,
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
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
pub struct Optimizer {
    /// `type` in a recipe's text.
    pub method: Method,
    /// The learning rate, above 0.
    pub rate: f64,
    /// 0 for none.
    pub weight_decay: f64,
    /// The largest norm of a gradient: a longer one is scaled down to it.
    pub clip: Option<f64>,
    /// The decay of an exponential average of the weights and of running statistics, which is then the model.
    pub average: Option<f64>,
}

/// The rule by which a gradient changes the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Gradient descent.
    Sgd,
    /// With momentum, 0 to below 1.
    Momentum(f64),
    /// With Nesterov's momentum, 0 to below 1.
    Nesterov(f64),
    /// Adam with decoupled weight decay.
    AdamW,
}

/// The learning rate over the run; how many steps it has follows from the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
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
        let outputs = summary.output().len();
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
    /// Whether the model is the network after the best epoch, and not after the last: there are validation images, or
    /// the run stops early.
    #[must_use]
    pub fn keeps_best(&self) -> bool {
        self.data.validation > 0 || self.patience.is_some()
    }

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

    /// A recipe that was made in Rust, by a name: errors show it as its text.
    ///
    /// # Errors
    /// If it is not valid.
    pub fn named(self, name: &str) -> Result<Named, Error> {
        let file = format!("recipe {name}");
        let document = Document::parse(&file, &self.to_toml()?);
        match (self.validate(), document) {
            (Ok(()), Ok(document)) => Ok(Named {
                name: name.to_owned(),
                recipe: self,
                document,
            }),
            (Ok(()), Err(message)) => Err(Error::Failed(message)),
            (Err(problem), Ok(document)) => Err(Error::Failed(document.explain(&problem))),
            // A NaN cannot be written as TOML, so there is no line to show.
            (Err(problem), Err(_)) => Err(Error::Failed(format!("{file}: {}", problem.message))),
        }
    }
}
