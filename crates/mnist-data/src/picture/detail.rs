//! A figure in all of a picture's pixels, where it was found among means of blocks of them.
//!
//! Blocks at the edges of a stroke hold ink and background, so that its ends are known to a block's width only. Where the
//! picture has no noise that the means would have taken away, each pixel tells by itself how much ink it is.

use ndarray::{Array2, ArrayView2, ArrayView3, Axis};

use super::area::Area;
use super::figure::{Figure, Found};
use super::ink::Measure;
use super::plane::{MainAxis, dilated};

/// Noise, of 255 levels, from which on the means of blocks are more exact than their pixels.
const NOISY: f64 = 1.0;

/// Replaces the figures, found in the means of blocks of `factor` × `factor` of the pixels, by the same in the pixels
/// themselves, where there is no noise. False if they stay as they are.
pub(super) fn sharpen(
    found: &mut Found,
    pixels: ArrayView3<'_, u8>,
    axis: &MainAxis,
    factor: usize,
) -> bool {
    if factor == 1 || found.measure.noise >= NOISY {
        return false;
    }
    let figures = found.figures.iter();
    let sharper = figures.map(|figure| sharper(figure, &found.measure, pixels, axis, factor));
    let Some(figures) = sharper.collect() else {
        return false;
    };
    found.figures = figures;
    let (height, width, _) = pixels.dim();
    for area in &mut found.left_out {
        *area = area.scaled(factor, (height, width));
    }
    true
}

/// None if no pixel is ink.
fn sharper(
    figure: &Figure,
    measure: &Measure,
    pixels: ArrayView3<'_, u8>,
    axis: &MainAxis,
    factor: usize,
) -> Option<Figure> {
    let (height, width, _) = pixels.dim();
    // With the blocks around it, in which too little ink was to count.
    let (area, near) = with_neighbours(figure, measure.background.dim());
    let own = area.scaled(factor, (height, width));
    let mut ink = Array2::zeros((own.height(), own.width()));
    let mut inked: Option<Area> = None;
    for ((y, x), ink) in ink.indexed_iter_mut() {
        let block = (y / factor, x / factor);
        if !near[block] {
            continue;
        }
        let row = pixels.index_axis(Axis(0), own.top + y);
        let level = axis.level(row.index_axis(Axis(0), own.left + x));
        let background = measure.background[[area.top + block.0, area.left + block.1]];
        let level = measure.level(level, background);
        if level > measure.low {
            *ink = measure.strength(level);
            let pixel = Area::new(y..y + 1, x..x + 1);
            inked = Some(inked.map_or(pixel, |area| area.union(pixel)));
        }
    }
    let inked = inked?;
    Some(Figure {
        ink: ink.slice_each_axis(inked.window()).to_owned(),
        area: Area {
            top: own.top + inked.top,
            bottom: own.top + inked.bottom,
            left: own.left + inked.left,
            right: own.left + inked.right,
        },
    })
}

/// The area of a figure with one pixel more around it, and which of its pixels are ink or beside ink.
fn with_neighbours(figure: &Figure, (rows, columns): (usize, usize)) -> (Area, Array2<bool>) {
    let Area {
        top,
        bottom,
        left,
        right,
    } = figure.area;
    let area = Area {
        top: top.saturating_sub(1),
        bottom: (bottom + 1).min(rows),
        left: left.saturating_sub(1),
        right: (right + 1).min(columns),
    };
    let mut ink = Array2::zeros((area.height(), area.width()));
    let inner = Area::new(
        top - area.top..bottom - area.top,
        left - area.left..right - area.left,
    );
    ink.slice_each_axis_mut(inner.window()).assign(&figure.ink);
    let near = |ink: ArrayView2<'_, u8>| dilated(ink, 1).mapv(|level| level > 0);
    (area, near(ink.view()))
}
