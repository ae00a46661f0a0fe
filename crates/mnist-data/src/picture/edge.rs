//! The outermost pixels of a plane, as one line around it.

use ndarray::Array2;

use super::plane::quantile;

/// How far a stroke that crosses the edge may run along it, as a part of the longer side.
const LONGEST_RUN: f64 = 0.8;
/// Pixels in which the side of a stroke becomes dark, where a shadow takes longer.
const SIDE_OF_STROKE: usize = 3;

/// The plane with the strokes that cross its edge as light there as what is on both sides of them.
pub(super) fn without_strokes(plane: &Array2<u8>) -> Array2<u8> {
    let mut result = plane.clone();
    let places = places(plane.dim());
    let levels: Vec<u8> = places.iter().map(|&place| plane[place]).collect();
    let spread = quantile(plane.iter().copied().collect(), 0.98)
        .saturating_sub(quantile(plane.iter().copied().collect(), 0.02));
    let least = (spread / 6).max(8);
    let (height, width) = plane.dim();
    let radius = (LONGEST_RUN / 2.0 * height.max(width) as f64) as usize;
    let around = closed_line(&levels, radius.min(levels.len() / 3));
    for run in runs(&levels, &around, least) {
        if is_stroke(&levels, &around, &run) {
            for &at in &run {
                result[places[at]] = around[at];
            }
        }
    }
    result
}

/// The outermost pixels, from the top left clockwise.
fn places((height, width): (usize, usize)) -> Vec<(usize, usize)> {
    let top = (0..width).map(|x| (0, x));
    let right = (1..height).map(|y| (y, width - 1));
    let bottom = (0..width.saturating_sub(1)).rev().map(|x| (height - 1, x));
    let left = (1..height.saturating_sub(1)).rev().map(|y| (y, 0));
    let mut places: Vec<_> = top.chain(right).collect();
    if height > 1 {
        places.extend(bottom);
    }
    if width > 1 {
        places.extend(left);
    }
    places
}

/// A morphological closing of a line whose ends meet.
fn closed_line(levels: &[u8], radius: usize) -> Vec<u8> {
    let count = levels.len();
    let window = |of: &[u8], at: usize, pick: fn(u8, u8) -> u8| {
        let places = (0..=2 * radius).map(|by| of[(at + count + by - radius) % count]);
        places.fold(of[at], pick)
    };
    let dilated: Vec<u8> = (0..count).map(|at| window(levels, at, u8::max)).collect();
    (0..count).map(|at| window(&dilated, at, u8::min)).collect()
}

/// Places one after the other that are darker than their surroundings by more than `least`.
fn runs(levels: &[u8], around: &[u8], least: u8) -> Vec<Vec<usize>> {
    let dark = |at: usize| around[at] - levels[at] > least;
    let count = levels.len();
    let Some(start) = (0..count).find(|&at| !dark(at)) else {
        return Vec::new();
    };
    let mut runs: Vec<Vec<usize>> = Vec::new();
    let mut open = false;
    for at in (start..start + count).map(|at| at % count) {
        match (dark(at), open) {
            (true, true) => runs.last_mut().into_iter().for_each(|run| run.push(at)),
            (true, false) => runs.push(vec![at]),
            (false, _) => {}
        }
        open = dark(at);
    }
    runs
}

/// Whether both ends of a run are as sharp as a stroke's.
fn is_stroke(levels: &[u8], around: &[u8], run: &[usize]) -> bool {
    let depth = |at: usize| around[at] - levels[at];
    let deepest = run.iter().map(|&at| depth(at)).max().unwrap_or(0);
    let deep = |at: &usize| depth(*at) >= deepest / 2;
    run.iter().take(SIDE_OF_STROKE).any(deep) && run.iter().rev().take(SIDE_OF_STROKE).any(deep)
}
