//! The images that one of two networks reads and the other does not.

use maud::{Markup, html};

use super::subject::Seen;
use super::{mistakes, numbers, page};
use crate::error::Error;
use crate::evaluation::Verdict;

/// Images shown of each kind, at most.
const SHOWN: usize = 24;

/// How often both, either and neither are right, and the images of the second kind.
///
/// # Errors
/// If a picture cannot be made.
pub(crate) fn images(seen: [&Seen; 2]) -> Result<Markup, Error> {
    let [first, second] = seen;
    if first.images != second.images || first.model.classes != second.model.classes {
        return Ok(
            html! { p { "The two runs have other test images or classes, so there is nothing to compare image by image." } },
        );
    }
    let verdicts = first
        .evaluation
        .verdicts
        .iter()
        .zip(&second.evaluation.verdicts);
    let (mut both, mut neither) = (0_u64, 0_u64);
    // Of the first kind the mistakes of the second network, and the other way round.
    let mut alone: [Vec<Verdict>; 2] = [Vec::new(), Vec::new()];
    for (a, b) in verdicts {
        match (a.predicted == a.label, b.predicted == b.label) {
            (true, true) => both += 1,
            (false, false) => neither += 1,
            (true, false) => alone[0].push(*b),
            (false, true) => alone[1].push(*a),
        }
    }
    let [a, b] = alone.each_ref().map(|mistakes| mistakes.len() as u64);
    let mut galleries = Vec::new();
    for (right, mut wrong) in alone.into_iter().enumerate() {
        wrong.sort_by(|a, b| b.loss.total_cmp(&a.loss));
        galleries.push(gallery(seen[1 - right], right, &wrong)?);
    }
    Ok(html! {
        p {
            "Both read " (numbers::count(both)) " images, neither " (numbers::count(neither)) ", "
            (page::tag(0)) " alone " (numbers::count(a)) ", and " (page::tag(1)) " alone " (numbers::count(b)) "."
            @if a + b > 0 {
                " If they read equally well, two numbers so far apart or farther would come about by chance with a \
                 probability of " (chance_in_words(a, b)) " (an exact sign test, on these images and this one run of each)."
            }
        }
        @for gallery in &galleries { (gallery) }
    })
}

/// Images that the run `right` reads and the other one, whose `wrong` verdicts these are, does not.
fn gallery(other: &Seen, right: usize, wrong: &[Verdict]) -> Result<Markup, Error> {
    let cards = wrong.iter().take(SHOWN).map(|verdict| {
        let name = |class| mistakes::name(&other.evaluation, class);
        let words = html! {
            span.verdict { (name(verdict.predicted)) " " small { (numbers::percent(verdict.probability)) } }
            span.truth { "is " (name(verdict.label)) }
        };
        mistakes::card(&other.evaluation, &other.images, verdict, &words)
    });
    let cards = cards.collect::<Result<Vec<_>, _>>()?;
    Ok(html! {
        @if !cards.is_empty() {
            h3 { (page::tag(right)) " is right, " (page::tag(1 - right)) " is not" }
            p.aside {
                @if wrong.len() > cards.len() { "The worst " (cards.len()) " of " (numbers::count(wrong.len() as u64)) ": what " }
                @else { "What " }
                (page::tag(1 - right)) " found, and what the image is."
            }
            ol.cards { @for card in &cards { (card) } }
        }
    })
}

/// The probability that of `a + b` fair coins so many, or more, fall on the same side.
fn chance(a: u64, b: u64) -> f64 {
    let (n, few) = ((a + b) as f64, a.min(b));
    let mut term = -n * std::f64::consts::LN_2;
    let mut sum = term.exp();
    for k in 1..=few {
        term += ((n - k as f64 + 1.0) / k as f64).ln();
        sum += term.exp();
    }
    (2.0 * sum).min(1.0)
}

fn chance_in_words(a: u64, b: u64) -> String {
    match chance(a, b) {
        chance if chance < 1e-6 => "less than a millionth".into(),
        chance => numbers::short(chance),
    }
}

#[cfg(test)]
mod tests {
    use super::{chance, chance_in_words};

    #[test]
    fn chances_are_those_of_fair_coins() {
        // Of two coins, both on one side: 1/2. Of ten, nine or more: 2 · 11 / 1024.
        assert!((chance(0, 2) - 0.5).abs() < 1e-12);
        assert!((chance(9, 1) - 22.0 / 1024.0).abs() < 1e-12);
        assert_eq!(chance(5, 5), 1.0);
        assert_eq!(chance_in_words(30_000, 20_000), "less than a millionth");
    }
}
