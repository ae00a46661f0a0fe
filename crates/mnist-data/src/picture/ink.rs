//! Ink: what is darker, or lighter, than the background around it.

use ndarray::{Array2, ArrayView2, Axis, Zip};

use super::background::{AtEdges, behind_dark_ink};
use super::components::{Component, Labels, components};
use super::plane::{dilated, histogram, otsu, quantile};

/// Levels between background and ink, of 255, below which a picture counts as blank.
pub(super) const LEAST_CONTRAST: u8 = 32;
/// How far each pixel differs from its background to one side, and what of it is ink.
pub(super) struct Ink {
    /// Whether it is darker than the background.
    pub(super) darker: bool,
    /// 0 none to 255 as the strongest, of all pixels.
    pub(super) strength: Array2<u8>,
    pub(super) labels: Labels,
    /// Those that have strong pixels, or no pixels.
    pub(super) components: Vec<Component>,
    /// The difference between ink and background, of 255 levels.
    pub(super) contrast: u8,
    pub(super) measure: Measure,
}

/// How levels become ink.
#[derive(Clone)]
pub(super) struct Measure {
    darker: bool,
    /// Standard deviation of the picture's noise, of 255 levels of the difference to the background.
    pub(super) noise: f64,
    /// As [`Difference::background`].
    pub(super) background: Array2<u8>,
    /// By how much all differences are too large.
    bias: u8,
    /// The difference up to which a pixel is no ink.
    pub(super) low: u8,
    /// The difference of the strongest ink.
    strongest: u8,
}

impl Measure {
    /// How far a level of the plane differs from a level of `background`, to the side of the ink.
    pub(super) fn level(&self, own: u8, background: u8) -> u8 {
        let level = match self.darker {
            true => relative(background, own),
            false => background.saturating_sub(255 - own),
        };
        level.saturating_sub(self.bias)
    }

    /// The strength of a difference: 0 none to 255 as the strongest.
    pub(super) fn strength(&self, level: u8) -> u8 {
        let scale = 255.0 / f32::from(self.strongest.max(1));
        (f32::from(level) * scale).round() as u8
    }
}

/// By how much a level is darker than its background, in parts of 255 of the background.
fn relative(background: u8, own: u8) -> u8 {
    let of = u32::from(background).max(1);
    ((u32::from(background.saturating_sub(own)) * 255 + of / 2) / of) as u8
}

/// A picture's noise, and the picture with less of it, if there is much and the pixels are enough.
pub(super) fn quieter(plane: ArrayView2<'_, u8>) -> (Array2<u8>, f64) {
    let (height, width) = plane.dim();
    let noise = noise(plane);
    match noise > 3.0 && height.max(width) >= 56 {
        true => (smoothed(plane), noise),
        false => (plane.to_owned(), noise),
    }
}

/// Levels by which pixels differ from their background to one side.
struct Difference {
    /// Of the plane where ink is dark, of its inverse where it is light.
    background: Array2<u8>,
    /// Of dark ink, in parts of 255 of the background: shadows take the same part of both.
    levels: Array2<u8>,
}

impl Difference {
    fn of(plane: &Array2<u8>, darker: bool, at_edges: AtEdges) -> Self {
        if darker {
            let background = behind_dark_ink(plane.view(), at_edges);
            let mut levels = background.clone();
            levels.zip_mut_with(plane, |level, &own| *level = relative(*level, own));
            return Self { background, levels };
        }
        let inverse = plane.mapv(|level| 255 - level);
        let background = behind_dark_ink(inverse.view(), at_edges);
        let mut levels = background.clone();
        levels.zip_mut_with(&inverse, |level, &own| *level = level.saturating_sub(own));
        Self { background, levels }
    }
}

/// The plane with frames, bars and the like along its edges as light or dark as the background there, and where they were.
///
/// Nothing is taken away if nothing else remained.
pub(super) fn without_edges(plane: Array2<u8>, noise: f64) -> (Array2<u8>, Array2<bool>) {
    let (height, width) = plane.dim();
    let mut all = Array2::from_elem((height, width), false);
    let mut result = plane.clone();
    for darker in [true, false] {
        let difference = Difference::of(&plane, darker, AtEdges::Ink);
        let largest = difference.levels.iter().copied().max().unwrap_or(0);
        let least = f64::from(LEAST_CONTRAST / 2)
            .max(5.0 * noise)
            .max(f64::from(largest) / 4.0);
        let mask = difference.levels.mapv(|level| f64::from(level) > least);
        let (labels, parts) = components(&mask, true);
        let along: Vec<bool> = (1..)
            .zip(&parts)
            .map(|(label, part)| runs_along_an_edge(&labels, label, part))
            .collect();
        let others = parts.iter().zip(&along).any(|(part, along)| {
            !along && part.touches_edges() == 0 && 8 * part.area.longer() >= height.min(width)
        });
        if !others || !along.contains(&true) {
            continue;
        }
        let taken = labels.mapv(|label| label != 0 && along[label as usize - 1]);
        // With the pixels between, which are partly of the background.
        let wider = dilated(taken.mapv(u8::from).view(), 1);
        Zip::from(&mut result)
            .and(&wider)
            .and(&difference.background)
            .for_each(|level, &taken, &behind| match (taken, darker) {
                (0, _) => {}
                (_, true) => *level = behind,
                (_, false) => *level = 255 - behind,
            });
        all.zip_mut_with(&taken, |all, &taken| *all |= taken);
    }
    (result, all)
}

/// Frames, bars, a page around a canvas: all of an edge, as deep everywhere, not deep, and nothing else. Paper between a
/// figure and the edges is more than the strips of it along these.
fn runs_along_an_edge(labels: &Labels, label: u32, part: &Component) -> bool {
    let (mut down, mut right) = (labels.view(), labels.t());
    let mut strips = 0;
    let mut measure = |edge: usize, view: ArrayView2<'_, u32>| {
        let length = view.ncols();
        if 20 * part.on_edges[edge] >= 19 * length {
            strips += strip_depth(view, label).unwrap_or(0) * length;
        }
    };
    measure(0, down);
    measure(2, right);
    down.invert_axis(Axis(0));
    right.invert_axis(Axis(0));
    measure(1, down);
    measure(3, right);
    strips > 0 && 10 * part.count <= 11 * strips
}

/// How deep a part is from the first row, if it is about as deep everywhere and not deep.
fn strip_depth(labels: ArrayView2<'_, u32>, label: u32) -> Option<usize> {
    let mut depths: Vec<usize> = labels
        .columns()
        .into_iter()
        .map(|column| column.iter().take_while(|&&own| own == label).count())
        .collect();
    let middle = depths.len() / 2;
    let usual = *depths.select_nth_unstable(middle).1;
    let near = depths
        .iter()
        .filter(|&&depth| depth.abs_diff(usual) <= 1 + usual / 5)
        .count();
    (4 * usual <= labels.nrows() && 10 * near >= 7 * depths.len()).then_some(usual)
}

impl Ink {
    /// The ink of a plane if it is darker, or lighter, than its background; `removed` counts for neither.
    pub(super) fn of(plane: &Array2<u8>, darker: bool, noise: f64, removed: &Array2<bool>) -> Self {
        let Difference { background, levels } = Difference::of(plane, darker, AtEdges::Background);
        let noise = match darker {
            true => noise * 255.0 / mean(&background).max(1.0),
            false => noise,
        };
        let mut measure = Measure {
            darker,
            noise,
            background,
            bias: 0,
            low: 0,
            strongest: 255,
        };
        let dim = levels.dim();
        let none = |contrast, measure| Self {
            darker,
            strength: Array2::zeros(dim),
            labels: Array2::zeros(dim),
            components: Vec::new(),
            contrast,
            measure,
        };
        // Closing takes the lightest of many pixels as background, so all others differ a little.
        let usual = quantile(levels.iter().copied().collect(), 0.4);
        let bias = f64::from(usual).min(4.0 * noise) as u8;
        let levels = levels.mapv_into(|level| level.saturating_sub(bias));
        let largest = levels.iter().copied().max().unwrap_or(0);
        if largest < LEAST_CONTRAST {
            return none(largest, measure);
        }
        let faintest = (4.0 * noise).max(f64::from(largest / 16)).min(254.0) as u8;
        let beyond: Vec<u8> = levels
            .iter()
            .copied()
            .filter(|&level| level > faintest)
            .collect();
        if beyond.is_empty() {
            return none(largest, measure);
        }
        let parted = otsu(&histogram(&beyond));
        let upper: Vec<u8> = beyond
            .iter()
            .copied()
            .filter(|&level| level > parted)
            .collect();
        let full = if upper.is_empty() {
            largest
        } else {
            quantile(upper, 0.5)
        };
        let strong = (full / 2).max(1);
        let low = faintest
            .max(around(&levels, strong, removed))
            .min(strong.saturating_sub(1));
        let mask = levels.mapv(|level| level > low);
        let (labels, mut parts) = components(&mask, true);
        let mut has_strong = vec![false; parts.len()];
        for (&label, &level) in labels.iter().zip(&levels) {
            if label != 0 && level >= strong {
                has_strong[label as usize - 1] = true;
            }
        }
        for (part, has_strong) in parts.iter_mut().zip(has_strong) {
            if !has_strong {
                part.count = 0;
            }
        }
        // Without noise the strongest level is the pen's.
        let part = if noise < 1.0 { 1.0 } else { 0.99 };
        let strongest = quantile(
            levels.iter().copied().filter(|&l| l >= strong).collect(),
            part,
        );
        (measure.bias, measure.low, measure.strongest) = (bias, low, strongest);
        let strength = levels.mapv(|level| measure.strength(level));
        Self {
            darker,
            strength,
            labels,
            components: parts,
            contrast: full,
            measure,
        }
    }
}

/// What the background itself varies by, away from the strokes: grain, shadows.
fn around(levels: &Array2<u8>, strong: u8, removed: &Array2<bool>) -> u8 {
    let (height, width) = levels.dim();
    let strokes = levels.mapv(|level| if level >= strong { 255 } else { 0 });
    let near = dilated(strokes.view(), (height.max(width) / 40).max(1));
    let mut outside = Vec::with_capacity(levels.len());
    Zip::from(levels)
        .and(&near)
        .and(removed)
        .for_each(|&level, &near, &removed| {
            if near == 0 && !removed {
                outside.push(level);
            }
        });
    let usual = quantile(outside, 0.98);
    usual.saturating_add(usual / 4)
}

fn mean(levels: &Array2<u8>) -> f64 {
    let sum: u64 = levels.iter().map(|&level| u64::from(level)).sum();
    sum as f64 / levels.len().max(1) as f64
}

/// Standard deviation of noise that is independent from pixel to pixel, robustly: from the median of second differences.
///
/// Of independent pixels, the second difference v(x−1) − 2 v(x) + v(x+1) has √6 times their deviation, and the median of
/// its absolute value is 0.6745 of that.
pub(super) fn noise(plane: ArrayView2<'_, u8>) -> f64 {
    let mut counts = [0_u64; 511];
    for row in plane.rows() {
        for ((&before, &own), &after) in row.iter().zip(row.iter().skip(1)).zip(row.iter().skip(2))
        {
            let second = (i32::from(before) - 2 * i32::from(own) + i32::from(after)).unsigned_abs();
            counts[second as usize] += 1;
        }
    }
    let half = counts.iter().sum::<u64>().div_ceil(2);
    let mut sum = 0;
    let median = counts.iter().position(|count| {
        sum += count;
        sum >= half
    });
    median.unwrap_or(0) as f64 / (0.6745 * 6_f64.sqrt())
}

/// Weighted means of 3 × 3 pixels, as 1, 2, 1 in both directions.
fn smoothed(plane: ArrayView2<'_, u8>) -> Array2<u8> {
    let (height, width) = plane.dim();
    let clamped = |at: usize, by: usize, length: usize| (at + by).saturating_sub(1).min(length - 1);
    let rows = Array2::from_shape_fn((height, width), |(y, x)| {
        let at = |by| u16::from(plane[[y, clamped(x, by, width)]]);
        at(0) + 2 * at(1) + at(2)
    });
    Array2::from_shape_fn((height, width), |(y, x)| {
        let at = |by| rows[[clamped(y, by, height), x]];
        ((at(0) + 2 * at(1) + at(2) + 8) / 16) as u8
    })
}
