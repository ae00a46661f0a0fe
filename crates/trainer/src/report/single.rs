//! The page of one run.

use maud::{Markup, html};

use super::page::{self, Section, figures, folded, page};
use super::subject::Subject;
use super::{calibration, confusion, curves, mistakes, network, numbers};
use crate::error::Error;
use crate::run::records::{Ending, Environment, RECIPE};
use crate::run::{Contents, shell};

/// The page of a run.
///
/// # Errors
/// If a picture cannot be made.
pub fn report(run: &Subject) -> Result<String, Error> {
    let folder = &run.folder;
    let mut sections = Vec::new();
    if !folder.epochs.is_empty() {
        sections.push(Section::new("curves", "Curves", curves::show(folder)));
    }
    if let Some(seen) = &run.seen {
        sections.push(Section::new(
            "network",
            "Network",
            network::table(&seen.model.network),
        ));
        if let Some(sight) = &seen.sight {
            sections.push(Section::new("kernels", "Kernels", sight.show()));
        }
        let evaluation = &seen.evaluation;
        let classes = html! {
            div.beside {
                div { (confusion::matrix(evaluation, confusion::most(evaluation))) }
                div { (confusion::classes(evaluation)) }
            }
        };
        sections.push(Section::new("classes", "Classes", classes));
        let worst = mistakes::worst(evaluation, &seen.images)?;
        sections.push(Section::new("mistakes", "Mistakes", worst));
        let diagram = calibration::diagram(&evaluation.calibration);
        sections.push(Section::new("calibration", "Calibration", diagram));
    }
    if !folder.epochs.is_empty() {
        sections.push(Section::new("time", "Time", time(folder)));
    }
    sections.push(Section::new("again", "Reproduce this run", again(folder)));
    Ok(page(
        &format!("{} – trainer", folder.name),
        &head(run),
        &folder.notes,
        &sections,
    ))
}

fn head(run: &Subject) -> Markup {
    let folder = &run.folder;
    let accuracy = run.accuracy().map_or("—".into(), numbers::percent);
    let loss = run
        .loss()
        .map(|loss| format!("loss {}", numbers::short(loss)));
    let (wrong, of) = match &run.seen {
        Some(seen) => {
            let images = seen.evaluation.images as u64;
            let wrong = seen
                .evaluation
                .verdicts
                .iter()
                .filter(|one| one.predicted != one.label)
                .count();
            (
                numbers::count(wrong as u64),
                format!("of {}", numbers::count(images)),
            )
        }
        None => ("—".into(), String::new()),
    };
    let epochs = run.epochs().map(|epochs| match epochs {
        1 => "1 epoch".to_owned(),
        _ => format!("{} epochs", numbers::count(epochs)),
    });
    html! {
        p.kicker { "run" }
        h1 { (folder.name) }
        @if let Some(description) = folder.description() { p.lede { (description) } }
        (figures(&[
            ("test accuracy", accuracy, loss.unwrap_or_default()),
            ("mistakes", wrong, of),
            ("parameters", page::count(run.parameters()), String::new()),
            ("time", folder.seconds().map_or("—".into(), numbers::duration), epochs.unwrap_or_default()),
        ]))
        p.aside { (state(folder)) }
    }
}

/// How the run ended, or how far it came.
pub(crate) fn state(folder: &Contents) -> String {
    let last = folder.epochs.last().map_or(0, |epoch| epoch.epoch);
    let planned = folder
        .planned()
        .map_or(String::new(), |planned| format!(" of {planned}"));
    match folder.result.as_ref().map(|result| result.stopped) {
        None => format!("Not finished: {last}{planned} epochs are recorded."),
        Some(Ending::Finished) => "Trained to its end.".into(),
        Some(Ending::Early) => format!("Stopped early after {last}{planned} epochs."),
    }
}

/// What the seconds were spent on.
pub(crate) fn time(folder: &Contents) -> Markup {
    let (parts, rest) = folder.time();
    let rows = [
        ("steps", "forward, backward, and the optimizer", parts.steps),
        (
            "batches",
            "images drawn, deformed, and put in order",
            parts.batches,
        ),
        (
            "validation",
            "the images kept for it, each epoch",
            parts.validation,
        ),
        (
            "checkpoint",
            "written, so that the run can go on",
            parts.checkpoint,
        ),
        ("other", "what the parts leave of the whole", rest),
    ];
    let whole: f64 = rows.iter().map(|row| row.2).sum();
    let share = |seconds: f64| if whole > 0.0 { seconds / whole } else { 0.0 };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Time per part" {
            table.figures.time {
                thead {
                    tr {
                        th scope="col" { "part" }
                        th.number scope="col" { "time" }
                        th.number scope="col" { "share" }
                        th scope="col" { span.hidden { "bar" } }
                    }
                }
                tbody {
                    @for (name, what, seconds) in rows {
                        tr {
                            th scope="row" { (name) " " span.aside { (what) } }
                            td.number { (numbers::duration(seconds)) }
                            td.number { (numbers::decimals(100.0 * share(seconds), 1)) "\u{202f}%" }
                            td.bar { span style=(format!("width:{:.1}%", 100.0 * share(seconds))) {} }
                        }
                    }
                }
                tfoot {
                    tr { th scope="row" { "all epochs" } td.number { (numbers::duration(whole)) } td {} td {} }
                }
            }
        }
    }
}

/// The command, and what it depends on.
pub(crate) fn again(folder: &Contents) -> Markup {
    let recipe = folder.path.join(RECIPE);
    let mut command = format!("trainer train {}", shell::quoted(&recipe.to_string_lossy()));
    if let Some(data) = folder.data() {
        command += &format!(" --data {}", shell::quoted(&data.to_string_lossy()));
    }
    html! {
        @if folder.recipe.is_some() {
            p { "This command trains the same network again, to the same bits:" }
            (page::command("Command", &command))
        }
        @if let Some(command) = folder.environment.as_ref().map(|environment| &environment.command) {
            p { "It was started with:" }
            (page::command("Command of the run", command))
        }
        @if let Some(digest) = folder.result.as_ref().map(|result| &result.digest) {
            p { "SHA-256 of the parameters: " code.long { (digest) } }
        }
        @if let Some(recipe) = &folder.recipe {
            (folded("Recipe", &page::text("Recipe", recipe.trim_end())))
        }
        @if let Some(environment) = &folder.environment {
            (folded("Environment", &keys(environment)))
        }
    }
}

/// What `environment.json` tells, a row a key.
fn keys(environment: &Environment) -> Markup {
    let keys = serde_json::to_value(environment).unwrap_or_default();
    html! {
        dl.environment {
            @for (key, value) in keys.as_object().into_iter().flatten() {
                dt { (key.replace('_', " ")) }
                dd { (told(value)) }
            }
        }
    }
}

/// A JSON value without its quotes, a list line by line.
fn told(value: &serde_json::Value) -> Markup {
    use serde_json::Value;
    html! {
        @match value {
            Value::String(text) => (text),
            Value::Array(values) => @for value in values { div { (told(value)) } },
            Value::Object(values) => @for (key, value) in values { div { (key) ": " (told(value)) } },
            other => (other.to_string()),
        }
    }
}
