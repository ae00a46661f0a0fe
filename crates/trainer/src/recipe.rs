//! A training run as a text: data, network, loss, optimizer, and for how long.

mod document;
mod layers;
mod shipped;

use std::fmt::Write as _;
use std::path::Path;

use conv_core::network::Loss;
use conv_core::optimizer::{Optimizer, Schedule};
use conv_core::spec::{Layers, Spec};
use mnist_data::{Augmentation, Elastic};
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use document::{Document, Problem, Section, instead};
pub(crate) use shipped::RecipesArgs;

/// The most epochs, and the most images of a batch: far beyond any use, and small enough to count with.
const MOST: i64 = 1_000_000;

/// A recipe, checked but for what depends on the data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipe {
    /// One line for people.
    pub(crate) description: String,
    /// All random numbers of the run follow from it.
    pub(crate) seed: u64,
    /// Passes over the training images.
    pub(crate) epochs: u64,
    /// Images a step.
    pub(crate) batch: usize,
    pub(crate) data: Data,
    pub(crate) augmentation: Option<Deformation>,
    pub(crate) layers: Layers,
    pub(crate) loss: Goal,
    pub(crate) method: Method,
    pub(crate) schedule: Pace,
    /// Epochs without a better one after which the run ends.
    pub(crate) patience: Option<u64>,
}

/// Which images, and how they become numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data {
    /// A name of the catalogue.
    pub(crate) dataset: String,
    /// The first so many training images; all, if none is given.
    pub(crate) train_images: Option<usize>,
    /// So many of them are kept for validation: of each class the same part.
    pub(crate) validation: usize,
    /// Whether pixels are normalised by the training images' mean and deviation, or divided by 255 alone.
    pub(crate) measured: bool,
}

/// What [`Augmentation`] is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Deformation {
    shift: f64,
    rotation: f64,
    scale: f64,
    shear: f64,
    /// alpha and sigma.
    elastic: Option<(f64, f64)>,
}

/// What is to be made small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    CrossEntropy { smoothing: f64 },
    MeanSquaredError,
}

/// The optimizer's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Method {
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
pub(crate) enum Pace {
    Constant,
    /// Multiplied by the factor every so many epochs.
    Step {
        every: u64,
        factor: f64,
    },
    Cosine,
    OneCycle,
}

/// A recipe, what it is called, and its text.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) recipe: Recipe,
    document: Document,
}

impl Named {
    /// The network for images of (rows, columns) that show one of so many classes.
    ///
    /// # Errors
    /// If a layer does not fit, or the last one has not an output for each class: at which line, and why.
    pub(crate) fn spec(
        &self,
        (rows, columns): (usize, usize),
        classes: usize,
    ) -> Result<Spec, Failure> {
        let spec = Spec::new((rows, columns, 1), self.recipe.layers.clone());
        let explain = |path: &str, message: String| {
            Failure::Error(self.document.explain(&Problem::new(path, message)))
        };
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
}

/// The key of the layers.
const LAYERS: &str = "network.layers";

/// What the command line changes in a recipe.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) epochs: Option<u64>,
    pub(crate) seed: Option<u64>,
    pub(crate) dataset: Option<String>,
    /// `KEY=VALUE`
    pub(crate) set: Vec<String>,
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
    /// The shipped recipe of this name, or that of a file.
    ///
    /// # Errors
    /// If there is neither, or the recipe is wrong: where and how.
    pub(crate) fn find(name: &str, changes: &Changes) -> Result<Named, Failure> {
        if let Some(text) = shipped::find(name) {
            return Self::named(name, &format!("recipe {name}"), text, changes);
        }
        let path = Path::new(name);
        let looks_like_a_file = path.extension().is_some() || path.components().count() > 1;
        if !looks_like_a_file && !path.exists() {
            let other = instead(name, shipped::names());
            return Err(Failure::Usage(format!(
                "no recipe {name:?}{other}; a file's name ends in .toml"
            )));
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.unwrap_or("recipe");
        Self::named(stem, name, &read_text(path)?, changes)
    }

    fn named(name: &str, file: &str, text: &str, changes: &Changes) -> Result<Named, Failure> {
        let mut document = Document::parse(file, text).map_err(Failure::Error)?;
        for assignment in changes.assignments() {
            document.set(&assignment).map_err(Failure::Usage)?;
        }
        let recipe = read(document.root());
        let recipe = recipe.map_err(|problem| Failure::Error(document.explain(&problem)))?;
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
    pub(crate) fn augmentation(&self) -> Result<Option<Augmentation>, Failure> {
        let Some(Deformation {
            shift,
            rotation,
            scale,
            shear,
            elastic,
        }) = self.augmentation
        else {
            return Ok(None);
        };
        let elastic = elastic.map(|(alpha, sigma)| Elastic::new(alpha as f32, sigma as f32));
        Ok(Some(Augmentation {
            shift: shift as f32,
            rotation: rotation as f32,
            scale: scale as f32,
            shear: shear as f32,
            elastic: elastic.transpose()?,
        }))
    }

    /// The learning rate that the schedule begins from.
    pub(crate) fn rate(&self) -> f64 {
        self.method.rate
    }

    /// The learning rate of a step, counted from 0, where an epoch has so many.
    pub(crate) fn rate_of(&self, steps_per_epoch: u64, step: u64) -> f64 {
        self.method.rate * self.pace(steps_per_epoch).factor(step)
    }

    /// What is to be made small.
    pub(crate) fn loss(&self) -> Loss {
        match self.loss {
            Goal::CrossEntropy { smoothing } => Loss::CrossEntropy {
                smoothing: smoothing as f32,
            },
            Goal::MeanSquaredError => Loss::MeanSquaredError,
        }
    }

    /// A fresh optimizer for epochs of so many steps.
    pub(crate) fn optimizer(&self, steps_per_epoch: u64) -> Optimizer {
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

    /// The whole recipe as TOML, with every default written out.
    ///
    /// # Errors
    /// If a layer cannot be written as TOML.
    pub(crate) fn to_toml(&self) -> Result<String, Failure> {
        let layers = layers::write(&self.layers)
            .map_err(|error| Failure::Error(format!("cannot write the recipe: {error}")))?;
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text, &layers);
        Ok(text)
    }

    fn write(&self, text: &mut String, layers: &str) -> std::fmt::Result {
        let quoted = |word: &str| toml::Value::String(word.to_owned()).to_string();
        writeln!(text, "description = {}", quoted(&self.description))?;
        writeln!(text, "seed = {}\nepochs = {}", self.seed, self.epochs)?;
        writeln!(text, "batch = {}", self.batch)?;
        let data = &self.data;
        writeln!(text, "\n[data]\ndataset = {}", quoted(&data.dataset))?;
        if let Some(images) = data.train_images {
            writeln!(text, "train_images = {images}")?;
        }
        writeln!(text, "validation = {}", data.validation)?;
        let normalisation = if data.measured {
            "mean_deviation"
        } else {
            "by_255"
        };
        writeln!(text, "normalisation = {normalisation:?}")?;
        if let Some(deformation) = &self.augmentation {
            let Deformation {
                shift,
                rotation,
                scale,
                shear,
                elastic,
            } = deformation;
            writeln!(
                text,
                "\n[augmentation]\nshift = {shift:?}\nrotation = {rotation:?}\nscale = {scale:?}\nshear = {shear:?}"
            )?;
            if let Some((alpha, sigma)) = elastic {
                writeln!(text, "elastic = {{ alpha = {alpha:?}, sigma = {sigma:?} }}")?;
            }
        }
        writeln!(text, "\n[network]\nlayers = {layers}")?;
        match self.loss {
            Goal::CrossEntropy { smoothing } => writeln!(
                text,
                "\n[loss]\ntype = \"cross_entropy\"\nsmoothing = {smoothing:?}"
            )?,
            Goal::MeanSquaredError => writeln!(text, "\n[loss]\ntype = \"mean_squared_error\"")?,
        }
        let Method {
            kind,
            rate,
            weight_decay,
            clip,
            average,
        } = self.method;
        let (name, momentum) = match kind {
            Kind::Sgd => ("sgd", None),
            Kind::Momentum(momentum) => ("momentum", Some(momentum)),
            Kind::Nesterov(momentum) => ("nesterov", Some(momentum)),
            Kind::AdamW => ("adamw", None),
        };
        writeln!(text, "\n[optimizer]\ntype = {name:?}\nrate = {rate:?}")?;
        if let Some(momentum) = momentum {
            writeln!(text, "momentum = {momentum:?}")?;
        }
        writeln!(text, "weight_decay = {weight_decay:?}")?;
        for (key, value) in [("clip", clip), ("average", average)] {
            if let Some(value) = value {
                writeln!(text, "{key} = {value:?}")?;
            }
        }
        let pace = match self.schedule {
            Pace::Constant => "constant",
            Pace::Step { .. } => "step",
            Pace::Cosine => "cosine",
            Pace::OneCycle => "one_cycle",
        };
        writeln!(text, "\n[schedule]\ntype = {pace:?}")?;
        if let Pace::Step { every, factor } = self.schedule {
            writeln!(text, "every = {every}\nfactor = {factor:?}")?;
        }
        if let Some(patience) = self.patience {
            writeln!(text, "\n[stop]\npatience = {patience}")?;
        }
        Ok(())
    }

    /// SHA-256 of the whole recipe as text: two runs of the same one do the same.
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub(crate) fn digest(&self) -> Result<String, Failure> {
        let digest = Sha256::digest(self.to_toml()?);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The text of a recipe's file.
fn read_text(path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::NotFound => "; `trainer recipes` lists those that come along",
            _ => "",
        };
        Failure::Error(format!("{name}: {error}{advice}"))
    })?;
    if !metadata.is_file() {
        return Err(Failure::Error(format!(
            "{name}: this is no file, expected a recipe, such as RUN/recipe.toml"
        )));
    }
    if metadata.len() > document::LARGEST as u64 {
        let (found, most) = (metadata.len(), document::LARGEST);
        return Err(Failure::Error(format!(
            "{name}: it has {found} bytes, expected a recipe of at most {most}"
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::Error(format!("{name}: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::Error(format!(
            "{name}: byte {at} is no UTF-8, expected a TOML text"
        ))
    })
}

fn read(mut root: Section) -> Result<Recipe, Problem> {
    let description = root.text("description")?.unwrap_or_default();
    let seed = root.whole("seed", 0..=i64::MAX)?.unwrap_or(1);
    let epochs = root.whole("epochs", 1..=MOST)?;
    let epochs = root.need("epochs", epochs, "how often all training images are passed")?;
    let batch = root.whole("batch", 1..=MOST)?;
    let batch = root.need("batch", batch, "the number of images of a step")? as usize;

    let data = data(root.section("data")?.unwrap_or(Section::empty("data")))?;
    let augmentation = root.section("augmentation")?.map(deformation).transpose()?;

    let network = root.section("network")?;
    let mut network = root.need("network", network, "a table with layers")?;
    let value = network.take("layers");
    let value = network.need("layers", value, "an array of layers")?;
    let layers = layers::read(&network.path("layers"), value)?;
    network.finish()?;

    let loss = match root.section("loss")? {
        Some(section) => goal(section)?,
        None => Goal::CrossEntropy { smoothing: 0.0 },
    };
    let optimizer = root.section("optimizer")?;
    let optimizer = root.need("optimizer", optimizer, "a table with a type and a rate")?;
    let method = method(optimizer)?;
    let schedule = root.section("schedule")?.map(pace).transpose()?;
    let patience = match root.section("stop")? {
        None => None,
        Some(mut stop) => {
            let patience = stop.whole("patience", 1..=MOST)?;
            let patience = stop.need("patience", patience, "epochs without a better one")?;
            stop.finish()?;
            Some(patience)
        }
    };
    root.finish()?;
    Ok(Recipe {
        description,
        seed,
        epochs,
        batch,
        data,
        augmentation,
        layers,
        loss,
        method,
        schedule: schedule.unwrap_or(Pace::Constant),
        patience,
    })
}

fn data(mut section: Section) -> Result<Data, Problem> {
    let names = mnist_data::catalog::ALL.map(|entry| (entry.name, entry.name));
    let dataset = section.choice("dataset", &names)?.unwrap_or("mnist");
    let train_images = section.whole("train_images", 1..=i64::from(u32::MAX))?;
    let validation = section.whole("validation", 0..=i64::from(u32::MAX))?;
    let choices = [("by_255", false), ("mean_deviation", true)];
    let measured = section.choice("normalisation", &choices)?.unwrap_or(false);
    section.finish()?;
    Ok(Data {
        dataset: dataset.to_owned(),
        train_images: train_images.map(|images| images as usize),
        validation: validation.unwrap_or(0) as usize,
        measured,
    })
}

fn deformation(mut section: Section) -> Result<Deformation, Problem> {
    let mut part = |key, expected: &str, most: f64| -> Result<f64, Problem> {
        let found = section.number(key, expected, |x| (0.0..=most).contains(&x))?;
        Ok(found.unwrap_or(0.0))
    };
    let shift = part("shift", "of pixels from 0 to 1000", 1000.0)?;
    let rotation = part("rotation", "of degrees from 0 to 180", 180.0)?;
    let scale = part("scale", "from 0 to 0.9, a part of the size", 0.9)?;
    let shear = part("shear", "from 0 to 10, a part of the height", 10.0)?;
    let elastic = match section.section("elastic")? {
        None => None,
        Some(mut elastic) => {
            let alpha = elastic.number("alpha", "from 0 to 10000", |x| (0.0..=1e4).contains(&x))?;
            let sigma = elastic.number("sigma", "of pixels from 0.1 to 100", |x| {
                (0.1..=100.0).contains(&x)
            })?;
            let alpha = elastic.need("alpha", alpha, "its strength, such as 34")?;
            let sigma = elastic.need("sigma", sigma, "its smoothness in pixels, such as 4")?;
            elastic.finish()?;
            Some((alpha, sigma))
        }
    };
    section.finish()?;
    Ok(Deformation {
        shift,
        rotation,
        scale,
        shear,
        elastic,
    })
}

fn goal(mut section: Section) -> Result<Goal, Problem> {
    let choices = [("cross_entropy", true), ("mean_squared_error", false)];
    let entropy = section.choice("type", &choices)?;
    let entropy = section.need(
        "type",
        entropy,
        "\"cross_entropy\" or \"mean_squared_error\"",
    )?;
    let goal = if entropy {
        let smoothing = section.number("smoothing", "from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
        Goal::CrossEntropy {
            smoothing: smoothing.unwrap_or(0.0),
        }
    } else {
        Goal::MeanSquaredError
    };
    section.finish()?;
    Ok(goal)
}

fn method(mut section: Section) -> Result<Method, Problem> {
    let kinds = [
        ("sgd", Kind::Sgd),
        ("momentum", Kind::Momentum(0.9)),
        ("nesterov", Kind::Nesterov(0.9)),
        ("adamw", Kind::AdamW),
    ];
    let kind = section.choice("type", &kinds)?;
    let kind = section.need(
        "type",
        kind,
        "\"sgd\", \"momentum\", \"nesterov\" or \"adamw\"",
    )?;
    let finite = |x: f64| x.is_finite();
    let rate = section.number("rate", "above 0", |x| x > 0.0 && finite(x))?;
    let rate = section.need("rate", rate, "the learning rate, above 0")?;
    let kind = match kind {
        Kind::Momentum(_) | Kind::Nesterov(_) => {
            let fits = |x: f64| (0.0..1.0).contains(&(x as f32));
            let momentum = section.number("momentum", "from 0 to below 1", fits)?;
            let momentum = momentum.unwrap_or(0.9);
            match kind {
                Kind::Momentum(_) => Kind::Momentum(momentum),
                _ => Kind::Nesterov(momentum),
            }
        }
        other => other,
    };
    let decay = section.number("weight_decay", "0 or more", |x| x >= 0.0 && finite(x))?;
    let clip = section.number("clip", "above 0, the largest norm of a gradient", |x| {
        x > 0.0 && finite(x)
    })?;
    let average = section.number("average", "from 0 to below 1", |x| {
        (0.0..1.0).contains(&(x as f32))
    })?;
    section.finish()?;
    Ok(Method {
        kind,
        rate,
        weight_decay: decay.unwrap_or(0.0),
        clip,
        average,
    })
}

fn pace(mut section: Section) -> Result<Pace, Problem> {
    let step = Pace::Step {
        every: 0,
        factor: 0.0,
    };
    let choices = [
        ("constant", Pace::Constant),
        ("step", step),
        ("cosine", Pace::Cosine),
        ("one_cycle", Pace::OneCycle),
    ];
    let pace = section.choice("type", &choices)?;
    let expected = "\"constant\", \"step\", \"cosine\" or \"one_cycle\"";
    let mut pace = section.need("type", pace, expected)?;
    if let Pace::Step { every, factor } = &mut pace {
        let epochs = section.whole("every", 1..=MOST)?;
        *every = section.need("every", epochs, "a number of epochs")?;
        let part = section.number("factor", "from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
        *factor = section.need("factor", part, "what the rate is multiplied by")?;
    }
    section.finish()?;
    Ok(pace)
}
