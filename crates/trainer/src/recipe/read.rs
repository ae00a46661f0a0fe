//! A recipe out of its text's tables: every key, its range, and what stands for it where it is left out.

use super::problem::Problem;
use super::section::Section;
use super::{Data, Deformation, Goal, Kind, Method, Pace, Recipe, layers};

/// The most epochs, and the most images of a batch: far beyond any use, and small enough to count with.
const MOST: i64 = 1_000_000;

/// The recipe that the whole text is.
///
/// # Errors
/// The first thing that is wrong: at which key, what was expected and what was found.
pub(super) fn read(mut root: Section) -> Result<Recipe, Problem> {
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
    let mut probability = |key| section.number(key, "from 0 to 1", |p| (0.0..=1.0).contains(&p));
    let (first, last) = (
        probability("probability")?,
        probability("last_probability")?,
    );
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
        probability: first.unwrap_or(1.0),
        last_probability: last,
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
