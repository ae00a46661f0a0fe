//! Which classes were taken for which, and how well each was found.

use maud::{Markup, html};

use super::numbers;
use crate::evaluation::Evaluation;

/// Classes up to which the whole matrix is shown: beyond, nobody could read it.
const CLASSES: usize = 30;
/// Confusions that are told in words.
const TOLD: usize = 5;
/// Steps of colour of a cell.
const SHADES: usize = 8;

/// How often the two classes that are confused most were confused.
pub(crate) fn most(evaluation: &Evaluation) -> usize {
    mistakes(evaluation)
        .map(|(count, ..)| count)
        .max()
        .unwrap_or(0)
}

/// The matrix: a row a class, a column for what its images were taken for. Colour is for mistakes alone, full at
/// `most` of them.
pub(crate) fn matrix(evaluation: &Evaluation, most: usize) -> Markup {
    let confusion = &evaluation.confusion;
    let classes = &evaluation.classes;
    if classes.len() > CLASSES {
        return html! {
            p { "The matrix of " (classes.len()) " classes is too large to read; these are its greatest confusions." }
            (greatest(evaluation))
        };
    }
    let shade = |count: usize| match count {
        0 => "none".to_owned(),
        // The square root shows few mistakes beside many.
        _ => format!(
            "shade{}",
            ((count as f64 / most.max(1) as f64).sqrt() * SHADES as f64)
                .ceil()
                .clamp(1.0, SHADES as f64)
        ),
    };
    html! {
        p.aside { "A row is what an image is, a column what was found." }
        div.scroll tabindex="0" role="region" aria-label="Confusion matrix" {
            table.confusion {
                thead {
                    tr { th scope="col" { span.hidden { "class" } } @for class in classes { th scope="col" { (class.name) } } }
                }
                tbody {
                    @for (label, (class, row)) in classes.iter().zip(confusion).enumerate() {
                        tr {
                            th scope="row" { (class.name) }
                            @for (found, &count) in row.iter().enumerate() {
                                @if label == found {
                                    td.right { (count) }
                                } @else {
                                    td class=(shade(count)) title=(format!("{} taken for {}: {count}", class.name, classes[found].name)) {
                                        @if count == 0 { "·" } @else { (count) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        (greatest(evaluation))
    }
}

/// The greatest confusions in words.
fn greatest(evaluation: &Evaluation) -> Markup {
    let mut all: Vec<_> = mistakes(evaluation)
        .filter(|&(count, ..)| count > 0)
        .collect();
    all.sort_by_key(|&(count, label, found)| (std::cmp::Reverse(count), label, found));
    let name = |class: usize| &evaluation.classes[class].name;
    html! {
        @if !all.is_empty() {
            p.aside {
                "Most often: "
                @for (at, &(count, label, found)) in all.iter().take(TOLD).enumerate() {
                    @if at > 0 { ", " }
                    (name(label)) " as " (name(found)) " (" (count) ")"
                }
                "."
            }
        }
    }
}

/// (count, label, found) for every pair of two classes.
fn mistakes(evaluation: &Evaluation) -> impl Iterator<Item = (usize, usize, usize)> {
    let rows = evaluation.confusion.iter().enumerate();
    let cells = rows.flat_map(|(label, row)| {
        let cells = row.iter().enumerate();
        cells.map(move |(found, &count)| (count, label, found))
    });
    cells.filter(|(_, label, found)| label != found)
}

/// A row a class: how many of its images were found, and how many of those taken for it are of it.
pub(crate) fn classes(evaluation: &Evaluation) -> Markup {
    let share = |share: Option<f64>| share.map_or("—".into(), numbers::percent);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Class by class" {
            table.figures {
                thead {
                    tr {
                        th scope="col" { "class" }
                        th.number scope="col" { "images" }
                        th.number scope="col" { "mistakes" }
                        th.number scope="col" { "recall" }
                        th.number scope="col" { "precision" }
                    }
                }
                tbody {
                    @for (at, class) in evaluation.classes.iter().enumerate() {
                        tr {
                            th scope="row" { (class.name) }
                            td.number { (numbers::count(class.images as u64)) }
                            td.number { (class.images - evaluation.confusion[at][at]) }
                            td.number { (share(class.recall)) }
                            td.number { (share(class.precision)) }
                        }
                    }
                }
            }
        }
        p.aside {
            "Recall: the part of a class's images that was found. Precision: the part of the images taken for a \
             class that are of it."
        }
    }
}
