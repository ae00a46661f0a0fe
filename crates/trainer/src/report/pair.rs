//! The page of two runs side by side.

use maud::{Markup, html};

use super::chart::{Curve, Unit, chart};
use super::page::{CLASSES, LETTERS, Section, page, tag};
use super::subject::{Seen, Subject};
use super::{agreement, calibration, confusion, difference, network, numbers, single};
use crate::error::Error;
use crate::run::records::Epoch;

/// The page of two runs.
///
/// # Errors
/// If a picture cannot be made.
pub fn report(runs: &[Subject; 2]) -> Result<String, Error> {
    let both = |show: &dyn Fn(&Subject) -> Markup| -> Markup {
        html! {
            div.beside {
                @for at in [0, 1] { div.narrow { h3 { (tag(at)) " " (runs[at].folder.name) } (show(&runs[at])) } }
            }
        }
    };
    let of_seen = |show: &dyn Fn(&Seen) -> Markup| {
        both(&|run| match &run.seen {
            Some(seen) => show(seen),
            None => html! { p.aside { "Nothing to show." } },
        })
    };
    let any_seen = runs.iter().any(|run| run.seen.is_some());
    let any_epochs = runs.iter().any(|run| !run.folder.epochs.is_empty());
    let mut sections = vec![Section::new("results", "Results", results(runs))];
    if any_epochs {
        sections.push(Section::new("curves", "Curves", curves(runs)));
    }
    sections.push(Section::new("recipes", "Recipes", recipes(runs)));
    if any_seen {
        sections.push(Section::new(
            "network",
            "Networks",
            of_seen(&|seen| network::table(&seen.model.network)),
        ));
        let kernels = of_seen(&|seen| match &seen.sight {
            Some(sight) => sight.show(),
            None => html! { p.aside { "This network has no convolution." } },
        });
        sections.push(Section::new("kernels", "Kernels", kernels));
        let evaluations = runs.iter().filter_map(|run| run.seen.as_ref());
        let most = evaluations
            .map(|seen| confusion::most(&seen.evaluation))
            .max();
        let most = most.unwrap_or(0);
        let classes = of_seen(&|seen| {
            html! { (confusion::matrix(&seen.evaluation, most)) (confusion::classes(&seen.evaluation)) }
        });
        sections.push(Section::new("classes", "Classes", classes));
    }
    if let [Some(first), Some(second)] = runs.each_ref().map(|run| run.seen.as_ref()) {
        let images = agreement::images([first, second])?;
        sections.push(Section::new("images", "Read by one alone", images));
    }
    if any_seen {
        let diagrams = of_seen(&|seen| calibration::diagram(&seen.evaluation.calibration));
        sections.push(Section::new("calibration", "Calibration", diagrams));
    }
    if any_epochs {
        sections.push(Section::new(
            "time",
            "Time",
            both(&|run| single::time(&run.folder)),
        ));
    }
    sections.push(Section::new(
        "again",
        "Reproduce these runs",
        both(&|run| single::again(&run.folder)),
    ));
    let notes = [0, 1].into_iter().flat_map(|at| {
        let notes = runs[at].folder.notes.iter();
        notes.map(move |note| format!("{}: {note}", LETTERS[at]))
    });
    let notes: Vec<String> = notes.collect();
    let title = format!(
        "{} and {} – trainer",
        runs[0].folder.name, runs[1].folder.name
    );
    Ok(page(&title, &head(runs), &notes, &sections))
}

fn head(runs: &[Subject; 2]) -> Markup {
    html! {
        p.kicker { "two runs" }
        h1 { (runs[0].folder.name) " and " (runs[1].folder.name) }
        dl.key {
            @for (at, run) in runs.iter().enumerate() {
                dt {
                    (tag(at))
                    svg.swatch viewBox="0 0 34 8" aria-hidden="true" { path class=(format!("curve {}", CLASSES[at])) d="M0 4L34 4" {} }
                }
                dd {
                    strong { (run.folder.name) }
                    @if let Some(description) = run.folder.description() { " " (description) }
                    span.aside { " " (single::state(&run.folder)) }
                }
            }
        }
    }
}

/// A figure of both runs.
struct Row {
    name: &'static str,
    kind: Kind,
    values: [Option<f64>; 2],
    better: Better,
}

/// What a figure is, and so how it and a difference of two are shown.
#[derive(Clone, Copy)]
enum Kind {
    Share,
    Exact,
    Whole,
    Seconds,
}

/// Which of two figures is the better one.
#[derive(Clone, Copy, PartialEq)]
enum Better {
    Larger,
    Smaller,
    Neither,
}

impl Kind {
    fn show(self, number: f64) -> String {
        match self {
            Self::Share => numbers::percent(number),
            Self::Exact => numbers::decimals(number, 4),
            Self::Whole => numbers::count(number as u64),
            Self::Seconds => numbers::duration(number),
        }
    }

    /// Of a difference, with its sign.
    fn signed(self, difference: f64) -> String {
        let size = match self {
            // Hundredths of the whole, not of the other run's figure.
            Self::Share => numbers::decimals(100.0 * difference.abs(), 2) + " points",
            _ => self.show(difference.abs()),
        };
        let sign = match () {
            () if difference > 0.0 => "+",
            () if difference < 0.0 => "−",
            () => "",
        };
        format!("{sign}{size}")
    }
}

fn results(runs: &[Subject; 2]) -> Markup {
    let row = |name, kind, better, value: &dyn Fn(&Subject) -> Option<f64>| Row {
        name,
        kind,
        values: runs.each_ref().map(value),
        better,
    };
    let number = |number: Option<u64>| number.map(|number| number as f64);
    let seen = |run: &Subject, value: &dyn Fn(&Seen) -> f64| run.seen.as_ref().map(value);
    let rows = [
        row(
            "test accuracy",
            Kind::Share,
            Better::Larger,
            &Subject::accuracy,
        ),
        row("mistakes", Kind::Whole, Better::Smaller, &|run| {
            seen(run, &|seen| seen.evaluation.mistakes() as f64)
        }),
        row("test loss", Kind::Exact, Better::Smaller, &Subject::loss),
        row("calibration error", Kind::Share, Better::Smaller, &|run| {
            seen(run, &|seen| seen.evaluation.calibration.error)
        }),
        row("parameters", Kind::Whole, Better::Neither, &|run| {
            number(run.parameters())
        }),
        row(
            "multiply-adds an image",
            Kind::Whole,
            Better::Neither,
            &|run| {
                seen(run, &|seen| {
                    seen.model.network.summary().multiply_adds() as f64
                })
            },
        ),
        row("epochs", Kind::Whole, Better::Neither, &|run| {
            number(run.epochs())
        }),
        row("steps", Kind::Whole, Better::Neither, &|run| {
            number(run.folder.result.as_ref().map(|result| result.steps))
        }),
        row("time", Kind::Seconds, Better::Neither, &|run| {
            run.folder.seconds()
        }),
    ];
    html! {
        div.scroll tabindex="0" role="region" aria-label="Results" {
            table.figures.results {
                thead {
                    tr {
                        th scope="col" { span.hidden { "figure" } }
                        @for (at, run) in runs.iter().enumerate() { th.number scope="col" title=(run.folder.name) { (tag(at)) } }
                        th.number scope="col" { "B − A" }
                    }
                }
                tbody { @for row in &rows { (row.show()) } }
            }
        }
        p.aside { "Of accuracy, mistakes, loss and calibration the better one is bold." }
    }
}

impl Row {
    fn show(&self) -> Markup {
        let [a, b] = self.values;
        let difference = a
            .zip(b)
            .map(|(a, b)| b - a)
            .filter(|difference| difference.is_finite());
        let best = |at: usize| {
            let first = match self.better {
                Better::Larger => difference.is_some_and(|difference| difference < 0.0),
                Better::Smaller => difference.is_some_and(|difference| difference > 0.0),
                Better::Neither => return false,
            };
            difference.is_some_and(|difference| difference != 0.0) && first == (at == 0)
        };
        html! {
            tr {
                th scope="row" { (self.name) }
                @for (at, value) in self.values.iter().enumerate() {
                    td.number.better[best(at)] { (value.map_or("—".into(), |value| self.kind.show(value))) }
                }
                td.number { (difference.map_or("—".into(), |difference| self.kind.signed(difference))) }
            }
        }
    }
}

fn curves(runs: &[Subject; 2]) -> Markup {
    let curves = |value: fn(&Epoch) -> Option<f64>| {
        [0, 1].map(|at| {
            let epochs = runs[at].folder.epochs.iter();
            Curve::new(
                LETTERS[at],
                CLASSES[at],
                epochs.map(|epoch| (epoch.epoch, value(epoch))),
            )
        })
    };
    html! {
        div.charts {
            (chart("Training loss", Unit::Positive, &curves(|epoch| Some(epoch.loss))))
            (chart("Training accuracy", Unit::Share, &curves(|epoch| Some(epoch.accuracy))))
            (chart("Learning rate", Unit::FromZero, &curves(|epoch| Some(epoch.rate))))
            (chart("Validation loss", Unit::Positive, &curves(|epoch| epoch.validation_loss)))
            (chart("Validation accuracy", Unit::Share, &curves(|epoch| epoch.validation_accuracy)))
        }
    }
}

fn recipes(runs: &[Subject; 2]) -> Markup {
    match runs.each_ref().map(|run| run.folder.recipe.as_deref()) {
        [Some(first), Some(second)] => html! {
            p { "The lines in which they differ; what is not here is the same in both." }
            (difference::differing(first, second))
        },
        _ => html! { p { "There are not two recipes to compare." } },
    }
}
