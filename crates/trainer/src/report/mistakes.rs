//! Images with what was found in them.

use maud::{Markup, html};
use mnist_data::Dataset;
use ndarray::Axis;

use super::kernels::{Picture, ink};
use super::numbers;
use crate::error::Error;
use crate::evaluation::{Evaluation, Verdict};

/// Mistakes that are shown, at most.
pub(crate) const SHOWN: usize = 40;

/// The worst mistakes, each with its image, what was found, and what it is.
///
/// # Errors
/// If the evaluation is of other images than the data set's.
pub(crate) fn worst(evaluation: &Evaluation, images: &Dataset) -> Result<Markup, Error> {
    let mistakes = evaluation
        .verdicts
        .iter()
        .filter(|one| one.predicted != one.label)
        .count();
    let worst = evaluation.worst(SHOWN);
    let cards: Vec<Markup> = worst
        .iter()
        .map(|verdict| {
            let words = html! {
                span.verdict { (name(evaluation, verdict.predicted)) " " small { (numbers::percent(verdict.probability)) } }
                span.truth { "is " (name(evaluation, verdict.label)) }
            };
            card(evaluation, images, verdict, &words)
        })
        .collect::<Result<_, _>>()?;
    Ok(html! {
        @if mistakes == 0 {
            p { "No mistakes." }
        } @else {
            p {
                @if mistakes > worst.len() { "The worst " (worst.len()) " of " (numbers::count(mistakes as u64)) " mistakes" }
                @else { "All " (mistakes) " mistakes" }
                ", sorted by loss, highest first: the predicted class with its probability, and the true class."
            }
            ol.cards { @for card in &cards { (card) } }
        }
    })
}

/// An image that was found in one way by one network and in another by the other.
pub(crate) fn card(
    evaluation: &Evaluation,
    images: &Dataset,
    verdict: &Verdict,
    words: &Markup,
) -> Result<Markup, Error> {
    let Verdict { index, label, .. } = *verdict;
    if index >= images.len() {
        return Err(Error::Failed(format!(
            "image {index} of {} was evaluated",
            images.len()
        )));
    }
    let image = images.images().index_axis_move(Axis(0), index);
    let alt = format!("test image {index}, {}", name(evaluation, label));
    let picture = Picture::of_digit(image, alt)?;
    Ok(html! {
        li title=(format!("test image {index}")) { (ink(&picture)) (words) }
    })
}

/// The name of a class.
pub(crate) fn name(evaluation: &Evaluation, class: usize) -> &str {
    &evaluation.classes[class].name
}
