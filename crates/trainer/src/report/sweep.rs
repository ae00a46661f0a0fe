//! The page of a sweep: its settings side by side.

use maud::{Markup, html};

use super::chart::{Curve, Unit, chart};
use super::page::{Section, page, text};
use crate::run::Contents;
use crate::run::records::Epoch;
use crate::sweep::Summary;

/// Settings whose curves are drawn, at most.
const DRAWN: usize = 24;

/// The page of a sweep.
#[must_use]
pub fn report(summary: &Summary) -> String {
    let runs: usize = summary.rows.iter().map(|row| row.runs.len()).sum();
    let title = format!("A sweep of {}", summary.recipe);
    let head = html! {
        h1 { (title) }
        p { (count(summary.rows.len(), "setting")) ", " (count(runs, "finished run")) }
        @if let Some(verdict) = summary.verdict() { p { (sentence(&verdict)) } }
    };
    let mut sections = vec![Section::new("results", "Results", results(summary))];
    if runs > 0 {
        sections.push(Section::new("curves", "Curves", curves(summary)));
        sections.push(Section::new("runs", "Runs", folders(summary)));
    }
    page(&title, &head, &notes(summary), &sections)
}

/// `1 setting`, `2 settings`
fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// The first letter large, and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

fn results(summary: &Summary) -> Markup {
    let best = summary.best().map(|row| &row.setting);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Results" {
            table {
                thead { tr { @for head in summary.heads() { th scope="col" { (head) } } } }
                tbody {
                    @for row in &summary.rows {
                        @let chosen = Some(&row.setting) == best;
                        tr {
                            @for cell in summary.cells(row) {
                                td { @if chosen { strong { (cell) } } @else { (cell) } }
                            }
                        }
                    }
                }
            }
        }
        p.aside { "Accuracies are means over the seeds, with the minimum and the maximum in brackets where they differ; seconds are means." }
    }
}

/// For each setting the curves of the run with the median accuracy on the test images.
fn curves(summary: &Summary) -> Markup {
    html! {
        p.aside { "Of each setting, the run with the median accuracy on the test images." }
        div.charts {
            @for row in summary.rows.iter().take(DRAWN) {
                @if let Some(run) = row.median() { (accuracy(&row.name(), run)) }
            }
        }
    }
}

fn accuracy(title: &str, run: &Contents) -> Markup {
    let curve = |name, class, value: fn(&Epoch) -> Option<f64>| {
        let epochs = run.epochs.iter();
        Curve::new(name, class, epochs.map(|epoch| (epoch.epoch, value(epoch))))
    };
    let curves = [
        curve("training", "a", |epoch| Some(epoch.accuracy)),
        curve("validation", "b", |epoch| epoch.validation_accuracy),
    ];
    chart(title, Unit::Share, &curves)
}

/// Where the runs are, each of which has a page of its own by `trainer report`.
fn folders(summary: &Summary) -> Markup {
    let runs = summary.rows.iter().flat_map(|row| &row.runs);
    let lines: Vec<String> = runs
        .map(|run| {
            format!(
                "trainer report {}",
                crate::run::shell::quoted(&run.path.to_string_lossy())
            )
        })
        .collect();
    html! {
        p { "Each of these commands writes the page of one run." }
        (text("Commands", &lines.join("\n")))
    }
}

fn notes(summary: &Summary) -> Vec<String> {
    let open = summary
        .rows
        .iter()
        .filter(|row| row.runs.len() < row.planned);
    let open: usize = open.map(|row| row.planned - row.runs.len()).sum();
    let mut notes = Vec::new();
    if open > 0 {
        notes.push(match open {
            1 => "1 run is not finished; the same command goes on with it.".to_owned(),
            _ => format!("{open} runs are not finished; the same command goes on with them."),
        });
    }
    notes.extend(summary.missing("this folder").map(|words| sentence(&words)));
    if summary.rows.len() > DRAWN {
        notes.push(format!(
            "The curves are those of the first {DRAWN} settings."
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use scraper::{Html, Selector};

    use super::report;
    use crate::sweep::summary::tests::summary;

    #[test]
    fn the_page_has_a_row_and_a_chart_for_each_setting() {
        let text = report(&summary(true, 4));
        let page = Html::parse_document(&text);
        assert!(page.errors.is_empty(), "{:?}", page.errors);
        let count = |selector: &str| page.select(&Selector::parse(selector).unwrap()).count();
        assert_eq!(count("tbody tr"), 2);
        assert_eq!(count("figure.chart"), 2);
        // The setting that validation chose.
        assert_eq!(count("tbody tr:nth-child(2) strong"), 5);
        assert_eq!(count("tbody tr:nth-child(1) strong"), 0);
        assert!(text.contains("Best by the mean validation accuracy: optimizer.rate=0.3."));
        assert_eq!(count("aside.notes"), 0);
    }

    #[test]
    fn what_is_not_finished_is_told() {
        let text = report(&summary(true, 3));
        assert!(text.contains("1 run is not finished"), "{text}");
        let text = report(&summary(true, 0));
        assert!(text.contains("4 runs are not finished"), "{text}");
        let mut more = summary(true, 4);
        more.others = vec!["seed=7".to_owned(), "seed=8".to_owned()];
        let text = report(&more);
        let words = "2 other finished runs in this folder, seed=7 the first, are not in the table.";
        assert!(text.contains(words), "{text}");
    }
}
