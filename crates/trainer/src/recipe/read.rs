//! A recipe out of its text's tables: every key, its range, and what stands for it where it is left out.

use super::problem::Problem;
use super::section::Section;
use super::{
    Augmentation, Data, Elastic, LastBatch, Loss, Method, Monitor, Normalisation, Optimizer,
    Recipe, Schedule, layers, limits,
};

/// The recipe that the whole text is.
///
/// # Errors
/// The first thing that is wrong: at which key, what was expected and what was found.
pub(super) fn read(mut root: Section) -> Result<Recipe, Problem> {
    let description = root.text("description")?.unwrap_or_default();
    let seed = root.whole("seed", &limits::SEED)?.unwrap_or(1);
    let epochs = root.whole("epochs", &limits::COUNT)?;
    let epochs = root.need("epochs", epochs, "how often all training images are passed")?;
    let batch = root.whole("batch", &limits::COUNT)?;
    let batch = root.need("batch", batch, "the number of images of a step")? as usize;
    let choices = [
        ("keep", LastBatch::Keep),
        ("drop", LastBatch::Drop),
        ("spread", LastBatch::Spread),
    ];
    let last_batch = root.choice("last_batch", &choices)?.unwrap_or_default();
    let choices = [("loss", Monitor::Loss), ("accuracy", Monitor::Accuracy)];
    let monitor = root.choice("monitor", &choices)?.unwrap_or_default();

    let data = data(root.section("data")?.unwrap_or(Section::empty("data")))?;
    let augmentation = root
        .section("augmentation")?
        .map(augmentation)
        .transpose()?;

    let network = root.section("network")?;
    let mut network = root.need("network", network, "a table with layers")?;
    let value = network.take("layers");
    let value = network.need("layers", value, "an array of layers")?;
    let layers = layers::read(&network.path("layers"), value)?;
    network.finish()?;

    let loss = match root.section("loss")? {
        Some(section) => loss(section)?,
        None => Loss::CrossEntropy { smoothing: 0.0 },
    };
    let optimizer = root.section("optimizer")?;
    let optimizer = root.need("optimizer", optimizer, "a table with a type and a rate")?;
    let optimizer = self::optimizer(optimizer)?;
    let schedule = root.section("schedule")?.map(self::schedule).transpose()?;
    let patience = match root.section("stop")? {
        None => None,
        Some(mut stop) => {
            let patience = stop.whole("patience", &limits::COUNT)?;
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
        last_batch,
        monitor,
        data,
        augmentation,
        layers,
        loss,
        optimizer,
        schedule: schedule.unwrap_or(Schedule::Constant),
        patience,
    })
}

fn data(mut section: Section) -> Result<Data, Problem> {
    let names = mnist_data::catalog::ALL.map(|entry| (entry.name, entry.name));
    let dataset = section.choice("dataset", &names)?.unwrap_or("mnist");
    let train_images = section.whole("train_images", &limits::TRAIN_IMAGES)?;
    let validation = section.whole("validation", &limits::VALIDATION)?;
    let choices = [
        ("by_255", Normalisation::By255),
        ("mean_deviation", Normalisation::MeanDeviation),
    ];
    let normalisation = section.choice("normalisation", &choices)?;
    section.finish()?;
    Ok(Data {
        dataset: dataset.to_owned(),
        train_images: train_images.map(|images| images as usize),
        validation: validation.unwrap_or(0) as usize,
        normalisation: normalisation.unwrap_or(Normalisation::By255),
    })
}

fn augmentation(mut section: Section) -> Result<Augmentation, Problem> {
    let first = section.number("probability", &limits::SHARE)?;
    let last = section.number("last_probability", &limits::SHARE)?;
    let shift = section.number("shift", &limits::SHIFT)?;
    let rotation = section.number("rotation", &limits::ROTATION)?;
    let scale = section.number("scale", &limits::SCALE)?;
    let shear = section.number("shear", &limits::SHEAR)?;
    let elastic = match section.section("elastic")? {
        None => None,
        Some(mut elastic) => {
            let alpha = elastic.number("alpha", &limits::ELASTIC_ALPHA)?;
            let sigma = elastic.number("sigma", &limits::ELASTIC_SIGMA)?;
            let alpha = elastic.need("alpha", alpha, "its strength, such as 34")?;
            let sigma = elastic.need("sigma", sigma, "its smoothness in pixels, such as 4")?;
            elastic.finish()?;
            Some(Elastic { alpha, sigma })
        }
    };
    section.finish()?;
    Ok(Augmentation {
        probability: first.unwrap_or(1.0),
        last_probability: last,
        shift: shift.unwrap_or(0.0),
        rotation: rotation.unwrap_or(0.0),
        scale: scale.unwrap_or(0.0),
        shear: shear.unwrap_or(0.0),
        elastic,
    })
}

fn loss(mut section: Section) -> Result<Loss, Problem> {
    let choices = [("cross_entropy", true), ("mean_squared_error", false)];
    let entropy = section.choice("type", &choices)?;
    let entropy = section.need(
        "type",
        entropy,
        "\"cross_entropy\" or \"mean_squared_error\"",
    )?;
    let loss = if entropy {
        let smoothing = section.number("smoothing", &limits::SHARE)?;
        Loss::CrossEntropy {
            smoothing: smoothing.unwrap_or(0.0),
        }
    } else {
        Loss::MeanSquaredError
    };
    section.finish()?;
    Ok(loss)
}

fn optimizer(mut section: Section) -> Result<Optimizer, Problem> {
    let kinds = [
        ("sgd", Method::Sgd),
        ("momentum", Method::Momentum(0.9)),
        ("nesterov", Method::Nesterov(0.9)),
        ("adamw", Method::AdamW),
    ];
    let kind = section.choice("type", &kinds)?;
    let kind = section.need(
        "type",
        kind,
        "\"sgd\", \"momentum\", \"nesterov\" or \"adamw\"",
    )?;
    let rate = section.number("rate", &limits::RATE)?;
    let rate = section.need("rate", rate, "the learning rate, above 0")?;
    let kind = match kind {
        Method::Momentum(_) | Method::Nesterov(_) => {
            let momentum = section.number("momentum", &limits::DECAY)?;
            let momentum = momentum.unwrap_or(0.9);
            match kind {
                Method::Momentum(_) => Method::Momentum(momentum),
                _ => Method::Nesterov(momentum),
            }
        }
        other => other,
    };
    let decay = section.number("weight_decay", &limits::WEIGHT_DECAY)?;
    let clip = section.number("clip", &limits::CLIP)?;
    let average = section.number("average", &limits::DECAY)?;
    section.finish()?;
    Ok(Optimizer {
        method: kind,
        rate,
        weight_decay: decay.unwrap_or(0.0),
        clip,
        average,
    })
}

fn schedule(mut section: Section) -> Result<Schedule, Problem> {
    let step = Schedule::Step {
        every: 0,
        factor: 0.0,
    };
    let choices = [
        ("constant", Schedule::Constant),
        ("step", step),
        ("cosine", Schedule::Cosine),
        ("one_cycle", Schedule::OneCycle),
    ];
    let schedule = section.choice("type", &choices)?;
    let expected = "\"constant\", \"step\", \"cosine\" or \"one_cycle\"";
    let mut schedule = section.need("type", schedule, expected)?;
    if let Schedule::Step { every, factor } = &mut schedule {
        let epochs = section.whole("every", &limits::COUNT)?;
        *every = section.need("every", epochs, "a number of epochs")?;
        let part = section.number("factor", &limits::SHARE)?;
        *factor = section.need("factor", part, "what the rate is multiplied by")?;
    }
    section.finish()?;
    Ok(schedule)
}
