//! `--dry-run`: what a recipe would do.

use std::time::Instant;

use conv_core::network::{Network, Targets, Workspace};

use super::batch_norm::small_batches;
use crate::course::Course;
use crate::error::Error;
use crate::images::Images;
use crate::recipe::{LastBatch, Named};

/// Bytes of a parameter as such; the gradient and what the optimizer keeps come on top.
const F32: usize = size_of::<f32>();

/// Shapes, memory, and one step, as a text for people.
///
/// # Errors
/// If the network does not fit the images, or the step fails.
pub fn trial(named: &Named, images: &Images) -> Result<String, Error> {
    let recipe = &named.recipe;
    let spec = named.spec(images.train.image_size(), images.entry.classes.len())?;
    let mut network = Network::new(&spec, recipe.seed)?;
    let course = Course::new(recipe, images)?;
    let warning = small_batches(named, &network.summary(), &course)?;
    let mut optimizer = recipe.fresh_optimizer(course.steps());
    let start = Instant::now();
    let batch = course
        .batches_here(0)
        .next()
        .ok_or_else(|| Error::Failed("there is no first batch".to_owned()))?;
    let made = start.elapsed();
    let labels: Vec<usize> = batch
        .labels
        .iter()
        .map(|&label| usize::from(label))
        .collect();
    let mut workspace = Workspace::new();
    let mut step = || {
        let start = Instant::now();
        let (input, targets) = (batch.images.view(), Targets::Labels(&labels));
        let loss = recipe.network_loss();
        let report = network.train_step(input, targets, loss, &mut optimizer, &mut workspace)?;
        Ok::<_, Error>((report, start.elapsed()))
    };
    let (report, _) = step()?;
    // The first one makes the buffers.
    let (_, took) = step()?;
    let state = optimizer.state();
    let kept = state.first.len() + state.second.len() + state.averaged.len();
    let parameters = network.values().len();
    let validation = images
        .validation
        .as_ref()
        .map_or(0, mnist_data::Dataset::len);
    let mebibytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let pixels = images.train.images().len() + images.test.images().len();
    let memory = [
        ("images", pixels),
        ("parameters", parameters * F32),
        ("optimizer", kept * F32),
        ("a step", workspace.bytes()),
    ];
    let mut text = network.summary().to_string();
    text += &format!(
        "\n{} images to learn from, {validation} to validate with, {} to be judged by\n\
         {} epochs of {} steps of {}: {} steps\n\nmemory in MiB\n",
        images.train.len(),
        images.test.len(),
        recipe.epochs,
        course.steps(),
        sizes(&course),
        recipe.epochs * course.steps()
    );
    for (what, bytes) in memory {
        text += &format!("{what:<12} {:>8.1}\n", mebibytes(bytes));
    }
    let step_seconds = took.as_secs_f64();
    text += &format!(
        "\none step: loss {:.4}, {} of {} right; {:.1} ms, about {:.0} s for all steps; the batch was made in {:.1} ms\n",
        report.loss,
        report.correct,
        batch.labels.len(),
        1e3 * step_seconds,
        step_seconds * (recipe.epochs * course.steps()) as f64,
        1e3 * made.as_secs_f64()
    );
    if let Some(warning) = warning {
        text += &format!("\nwarning: {warning}\n\n");
    }
    Ok(text + "nothing was written\n")
}

/// The images of a step: `50 images`, `50 images, the last of 2`, `50 or 51 images`.
fn sizes(course: &Course) -> String {
    match (course.last_batch, course.sizes()) {
        (_, (first, last)) if first == last => format!("{first} images"),
        (LastBatch::Spread, (first, last)) => format!("{last} or {first} images"),
        (_, (first, last)) => format!("{first} images, the last of {last}"),
    }
}
