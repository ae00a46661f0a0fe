//! The figure of a picture: which of its ink is the digit or letter.

use ndarray::{Array2, ArrayView2};

use super::area::Area;
use super::background::darker_and_lighter;
use super::components::Component;
use super::error::Error;
use super::ink::{self, Ink, LEAST_CONTRAST, Measure};
use super::warning::Warning;

/// Times that darker parts differ more than lighter ones, or the other way round, so that which of them is ink is clear.
const CLEAR: f64 = 6.0;

/// What was found in a plane of levels.
pub(super) struct Found {
    /// From left to right; at least one.
    pub(super) figures: Vec<Figure>,
    /// The one that is largest.
    pub(super) largest: usize,
    pub(super) warnings: Vec<Warning>,
    pub(super) darker: bool,
    /// Areas that were left out, the largest first.
    pub(super) left_out: Vec<Area>,
    /// How levels became ink.
    pub(super) measure: Measure,
}

/// Ink that belongs together.
pub(super) struct Figure {
    pub(super) area: Area,
    /// 0 none to 255 full, of the area.
    pub(super) ink: Array2<u8>,
}

/// Parts of a figure by their numbers in `components`, with what encloses them.
struct Parts {
    members: Vec<usize>,
    area: Area,
    count: usize,
}

/// Ink sorted into figures and what is none.
struct Sorted {
    /// The largest first.
    figures: Vec<Parts>,
    left_out: Vec<Area>,
}

/// The figures of a plane.
///
/// # Errors
/// If ink and background hardly differ, or nothing can be a figure.
pub(super) fn find(plane: ArrayView2<'_, u8>) -> Result<Found, Error> {
    let (plane, noise) = ink::quieter(plane);
    let (plane, removed) = ink::without_edges(plane, noise);
    let Chosen {
        ink,
        sorted,
        doubtful,
    } = choose(&plane, noise, &removed)?;
    let mut warnings = Vec::new();
    if doubtful {
        warnings.push(Warning::TwoBackgrounds);
    }
    let (ink, sorted) = (&ink, &sorted);
    let main = &sorted.figures[0];
    let mut order: Vec<usize> = (0..sorted.figures.len()).collect();
    order.sort_by_key(|&at| sorted.figures[at].area.left + sorted.figures[at].area.right);
    warnings.extend(doubts(ink, main, plane.dim()));
    if order.len() > 1 {
        warnings.push(Warning::SeveralFigures(order.len()));
    }
    Ok(Found {
        largest: order.iter().position(|&at| at == 0).unwrap_or(0),
        figures: order
            .iter()
            .map(|&at| cut(ink, &sorted.figures[at]))
            .collect(),
        warnings,
        darker: ink.darker,
        left_out: sorted.left_out.clone(),
        measure: ink.measure.clone(),
    })
}

/// Ink of one of the two kinds.
struct Chosen {
    ink: Ink,
    sorted: Sorted,
    /// Whether it could as well be the other one.
    doubtful: bool,
}

/// Decides whether the ink is darker or lighter than its background.
///
/// It is what differs more from the usual level around it; where that is close, it is what goes around the other: the
/// counters of a figure lie within it.
///
/// # Errors
/// If there is neither.
fn choose(plane: &Array2<u8>, noise: f64, removed: &Array2<bool>) -> Result<Chosen, Error> {
    let (darker, lighter) = darker_and_lighter(plane.view());
    let first_is_darker = darker > lighter;
    let ratio = darker.max(lighter) / darker.min(lighter).max(1.0);
    let of = |is_darker: bool| {
        let ink = Ink::of(plane, is_darker, noise, removed);
        let sorted = sort(&ink);
        (ink, sorted)
    };
    let (first, second);
    first = of(first_is_darker);
    if ratio > CLEAR && !first.1.figures.is_empty() {
        return Ok(Chosen {
            ink: first.0,
            sorted: first.1,
            doubtful: false,
        });
    }
    second = of(!first_is_darker);
    let contrast = first.0.contrast.max(second.0.contrast);
    let (take_first, doubtful) = match (first.1.figures.first(), second.1.figures.first()) {
        (None, None) if contrast < LEAST_CONTRAST => {
            return Err(Error::Blank {
                contrast,
                least: LEAST_CONTRAST,
            });
        }
        (None, None) => return Err(Error::NoFigure),
        (Some(_), None) => (true, false),
        (None, Some(_)) => (false, false),
        (Some(a), Some(b)) => match (within(&b.area, &a.area), within(&a.area, &b.area)) {
            (true, false) => (true, false),
            (false, true) => (false, ratio > 2.0),
            _ => (true, ratio < 2.0),
        },
    };
    let (ink, sorted) = if take_first { first } else { second };
    Ok(Chosen {
        ink,
        sorted,
        doubtful,
    })
}

/// Whether an area lies in another one, or only just outside.
fn within(inner: &Area, outer: &Area) -> bool {
    let slack = outer.longer() / 16;
    inner.top + slack >= outer.top
        && inner.left + slack >= outer.left
        && inner.bottom <= outer.bottom + slack
        && inner.right <= outer.right + slack
}

fn doubts(ink: &Ink, main: &Parts, (height, width): (usize, usize)) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let area = &main.area;
    let filled = main.count as f64 / (area.height() * area.width()) as f64;
    let slender = 5 * area.width() < 2 * area.height();
    if filled > 0.8 && !slender {
        warnings.push(Warning::FillsItsBox(filled));
    }
    if 10 * area.width() > 14 * area.height() {
        warnings.push(Warning::Wide);
    }
    if f64::from(ink.contrast) < 5.0 * ink.measure.noise || ink.contrast < LEAST_CONTRAST + 8 {
        warnings.push(Warning::Faint);
    }
    let on_edges = main.members.iter().map(|&at| ink.components[at].on_edges);
    let on_edges = on_edges.fold([0; 4], |sum, own| {
        std::array::from_fn(|edge| sum[edge] + own[edge])
    });
    let lengths = [width, width, height, height];
    let long = on_edges
        .iter()
        .zip(lengths)
        .filter(|&(&count, length)| 2 * count > length)
        .count();
    if long > 0 {
        warnings.push(Warning::AlongAnEdge);
    }
    if area.longer() < 8 {
        warnings.push(Warning::Tiny(area.longer()));
    }
    warnings
}

fn sort(ink: &Ink) -> Sorted {
    let components = &ink.components;
    let mut rest: Vec<usize> = (0..components.len())
        .filter(|&at| components[at].count > 0)
        .collect();
    // Stable, so that equals stay in their order.
    rest.sort_by(|&a, &b| weight(&components[b]).total_cmp(&weight(&components[a])));
    let mut figures: Vec<Parts> = Vec::new();
    let mut left_out = Vec::new();
    let inner = rest.iter().map(|&at| &components[at]);
    let inner = inner.filter(|part| part.touches_edges() == 0);
    let longest = inner.map(|part| part.area.longer()).max().unwrap_or(0);
    if 8 * longest >= ink.labels.nrows().min(ink.labels.ncols()) {
        rest.retain(|&at| {
            let kept = !hugs_an_edge(&components[at]);
            if !kept {
                left_out.push(components[at].area);
            }
            kept
        });
    }
    while !rest.is_empty() {
        let figure = grown(components, &mut rest);
        let main = figures.first();
        let like_main = main.is_none_or(|main| {
            let (own, main_area) = (&figure.area, &main.area);
            3 * own.height() >= 2 * main_area.height() && 8 * figure.count >= main.count
        });
        match like_main {
            true => figures.push(figure),
            false => left_out.push(figure.area),
        }
    }
    Sorted { figures, left_out }
}

/// Whether a part lies along an edge more than it crosses it.
fn hugs_an_edge(part: &Component) -> bool {
    let Area {
        top,
        bottom,
        left,
        right,
    } = part.area;
    let (height, width) = (bottom - top, right - left);
    let extents = [width, width, height, height];
    let mut edges = part.on_edges.iter().zip(extents);
    edges.any(|(&count, extent)| count > 0 && 5 * count >= 3 * extent)
}

/// Large and long parts first.
fn weight(part: &Component) -> f64 {
    part.count as f64 * part.area.longer() as f64
}

/// The first of the rest with what belongs to it.
fn grown(components: &[Component], rest: &mut Vec<usize>) -> Parts {
    let first = rest.remove(0);
    let mut parts = Parts {
        members: vec![first],
        area: components[first].area,
        count: components[first].count,
    };
    loop {
        let next = rest.iter().position(|&at| belongs(&components[at], &parts));
        let Some(next) = next else {
            return parts;
        };
        let next = rest.remove(next);
        parts.members.push(next);
        parts.area = parts.area.union(components[next].area);
        parts.count += components[next].count;
    }
}

/// Whether a part is a stroke of a figure, and not dust or the next figure.
fn belongs(part: &Component, figure: &Parts) -> bool {
    let size = figure.area.longer();
    let gap = part.area.gap(&figure.area);
    let beside = part.area.left >= figure.area.right || part.area.right <= figure.area.left;
    if beside && 3 * part.area.height() >= 2 * figure.area.height() {
        return false;
    }
    let large = 8 * part.count >= figure.count && 4 * gap <= size;
    let small = 30 * part.count >= figure.count && 10 * gap <= size;
    large || small
}

/// The ink of a figure.
fn cut(ink: &Ink, parts: &Parts) -> Figure {
    let mut member = vec![false; ink.components.len() + 1];
    for &at in &parts.members {
        member[at + 1] = true;
    }
    let labels = ink.labels.slice_each_axis(parts.area.window());
    let own = ink.strength.slice_each_axis(parts.area.window());
    let mut own = own.to_owned();
    own.zip_mut_with(&labels, |level, &label| {
        if !member[label as usize] {
            *level = 0;
        }
    });
    Figure {
        area: parts.area,
        ink: own,
    }
}
