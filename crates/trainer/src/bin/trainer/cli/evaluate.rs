//! `trainer evaluate`: how good a model is.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use trainer::evaluation::{Evaluation, Verdict};
use trainer::images;
use trainer::model::Model;

use super::args::{DataArgs, ThreadArgs, path};
use crate::failure::Failure;
use crate::terminal::output::print;

/// Mistakes that are told.
const WORST: usize = 10;
/// The most classes of a confusion matrix that fits on a terminal; of more, the most frequent confusions are told.
const WIDEST: usize = 16;
/// How many those are.
const FREQUENT: usize = 20;

#[derive(Args)]
#[command(after_help = "Examples:
  trainer evaluate runs/stacked                    on the run's test images
  trainer evaluate model.safetensors --data DIR    on those of a folder
  trainer evaluate model.safetensors --json | jq .accuracy")]
pub(crate) struct EvaluateArgs {
    /// File of a model, or folder of a run
    #[arg(value_parser = path())]
    model: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Print JSON (its `found` is an old name of `predicted`)
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    dataset: &'a str,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    worst: Vec<Verdict>,
}

impl EvaluateArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        self.threads.install(|| self.evaluate())
    }

    fn evaluate(&self) -> Result<(), Failure> {
        let model = Model::read(&self.model)?;
        let dataset = self.data.dataset(&model);
        let folder = self.data.folder(&self.model, &model)?;
        let found = images::find(dataset, folder.as_deref(), None)?;
        let classes = found.entry.classes;
        if dataset != model.dataset && classes != model.classes {
            return Err(Failure::Error(format!(
                "the classes of {dataset} are {}, expected those of the model: {}; it was trained on {}",
                classes.join(", "),
                model.classes.join(", "),
                model.dataset
            )));
        }
        let evaluation = Evaluation::of(&model, &found.splits.test)?;
        let text = if self.json {
            let report = Report {
                dataset,
                evaluation: &evaluation,
                worst: evaluation.worst(WORST),
            };
            let mut json = serde_json::to_value(&report)
                .map_err(|error| Failure::Error(format!("cannot write JSON: {error}")))?;
            add_old_keys(&mut json);
            format!("{json}\n")
        } else {
            text(dataset, &evaluation)
        };
        print(&text)
    }
}

/// Adds `found` beside each `predicted`: its name before 0.1, kept until 0.2.
fn add_old_keys(json: &mut Value) {
    match json {
        Value::Object(object) => {
            if let Some(predicted) = object.get("predicted").cloned() {
                object.insert("found".to_owned(), predicted);
            }
            object.values_mut().for_each(add_old_keys);
        }
        Value::Array(values) => values.iter_mut().for_each(add_old_keys),
        _ => {}
    }
}

/// The report for people.
fn text(dataset: &str, evaluation: &Evaluation) -> String {
    let mut text = format!(
        "{} test images of {dataset}\naccuracy {:.4}\nloss     {:.4}\n",
        evaluation.images, evaluation.accuracy, evaluation.loss
    );
    // Writing to a String cannot fail.
    let _ = class_by_class(&mut text, evaluation)
        .and_then(|()| confusion(&mut text, evaluation))
        .and_then(|()| calibration(&mut text, evaluation))
        .and_then(|()| mistakes(&mut text, evaluation));
    text
}

fn class_by_class(text: &mut String, evaluation: &Evaluation) -> std::fmt::Result {
    let width = name_width(evaluation);
    writeln!(
        text,
        "\n{:<width$} {:>7} {:>9} {:>9} {:>9}",
        "class", "images", "predicted", "precision", "recall"
    )?;
    for class in &evaluation.classes {
        let (precision, recall) = (share(class.precision), share(class.recall));
        writeln!(
            text,
            "{:<width$} {:>7} {:>9} {precision:>9} {recall:>9}",
            class.name, class.images, class.predicted
        )?;
    }
    Ok(())
}

fn confusion(text: &mut String, evaluation: &Evaluation) -> std::fmt::Result {
    let name = |class: usize| evaluation.classes[class].name.as_str();
    if evaluation.classes.len() > WIDEST {
        let mut pairs = Vec::new();
        for (label, row) in evaluation.confusion.iter().enumerate() {
            for (predicted, &images) in row.iter().enumerate() {
                if label != predicted && images > 0 {
                    pairs.push((images, label, predicted));
                }
            }
        }
        pairs.sort_by_key(|&(images, label, predicted)| (usize::MAX - images, label, predicted));
        writeln!(text, "\nthe most frequent confusions")?;
        for &(images, label, predicted) in pairs.iter().take(FREQUENT) {
            writeln!(
                text,
                "{images:>6} × {} taken for {}",
                name(label),
                name(predicted)
            )?;
        }
        return Ok(());
    }
    let width = name_width(evaluation);
    write!(
        text,
        "\nconfusion: rows are the true classes, columns the predicted ones\n{:width$}",
        ""
    )?;
    let largest = evaluation
        .confusion
        .iter()
        .flatten()
        .max()
        .copied()
        .unwrap_or(0);
    let names = evaluation
        .classes
        .iter()
        .map(|class| class.name.chars().count());
    // Names stand above their columns where all are short; else their numbers do.
    let short = names.max().unwrap_or(0) <= 4;
    let column = largest.to_string().len().max(if short { 4 } else { 2 }) + 1;
    for class in 0..evaluation.classes.len() {
        match short {
            true => write!(text, "{:>column$}", name(class))?,
            false => write!(text, "{class:>column$}")?,
        }
    }
    writeln!(text)?;
    for (label, row) in evaluation.confusion.iter().enumerate() {
        write!(text, "{:<width$}", name(label))?;
        for &images in row {
            match images {
                0 => write!(text, "{:>column$}", "·")?,
                _ => write!(text, "{images:>column$}")?,
            }
        }
        writeln!(text)?;
    }
    Ok(())
}

fn calibration(text: &mut String, evaluation: &Evaluation) -> std::fmt::Result {
    let calibration = &evaluation.calibration;
    writeln!(
        text,
        "\ncalibration: expected error {:.4}\n{:<13} {:>7} {:>10} {:>9}",
        calibration.error, "probability", "images", "mean", "accuracy"
    )?;
    for bin in calibration.bins.iter().filter(|bin| bin.images > 0) {
        let (confidence, accuracy) = (share(bin.confidence), share(bin.accuracy));
        let range = format!("{:.3}–{:.3}", bin.from, bin.to);
        writeln!(
            text,
            "{range:<13} {:>7} {confidence:>10} {accuracy:>9}",
            bin.images
        )?;
    }
    Ok(())
}

fn mistakes(text: &mut String, evaluation: &Evaluation) -> std::fmt::Result {
    let worst = evaluation.worst(WORST);
    if worst.is_empty() {
        return writeln!(text, "\nno mistakes");
    }
    writeln!(text, "\nthe worst mistakes")?;
    for Verdict {
        index,
        label,
        predicted,
        probability,
        loss,
    } in worst
    {
        let name = |class: usize| evaluation.classes[class].name.as_str();
        writeln!(
            text,
            "{:<12} {} taken for {} with probability {probability:.4}, loss {loss:.3}",
            format!("test:{index}"),
            name(label),
            name(predicted)
        )?;
    }
    Ok(())
}

fn name_width(evaluation: &Evaluation) -> usize {
    let names = evaluation
        .classes
        .iter()
        .map(|class| class.name.chars().count());
    names.max().unwrap_or(0).max("class".len())
}

/// Four digits, or a dash where there is nothing to divide by.
fn share(part: Option<f64>) -> String {
    part.map_or("–".to_owned(), |part| format!("{part:.4}"))
}
