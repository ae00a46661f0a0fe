//! Strokes as pixels. The browser's canvas only shows them: browsers that resist fingerprinting give noise to those who
//! read a canvas.

use mnist_data::png::write;
use ndarray::{Array2, ArrayView2};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{exactly, words};

/// Pixels of a drawing's side, at most.
const LARGEST: usize = 1024;

/// The ink of strokes on a square of `side` pixels, row by row: 0 is none, 255 is full.
///
/// `points` are the strokes' points, x and then y of each, in pixels; a point that is not a number ends a stroke. Between
/// the points of a stroke ink runs straight, round at its ends and `radius` pixels to each side.
///
/// # Errors
/// If the side is not 1 to 1,024 pixels, or there is no y to an x.
#[wasm_bindgen]
pub fn rasterise(points: &[f32], side: usize, radius: f32) -> Result<Vec<u8>, String> {
    if side == 0 || side > LARGEST {
        return Err(format!(
            "the drawing has {side} pixels a side, expected 1 to {LARGEST}"
        ));
    }
    let (points, []) = points.as_chunks::<2>() else {
        return Err("the last point has no y".to_owned());
    };
    let mut ink = vec![0; side * side];
    let mut before = None;
    for &point in points {
        if !point.iter().all(|x| x.is_finite()) {
            before = None;
            continue;
        }
        segment(&mut ink, side, before.unwrap_or(point), point, radius);
        before = Some(point);
    }
    Ok(ink)
}

/// Adds the ink of a straight line. A pixel has as much as its middle is inside, with an edge one pixel wide.
fn segment(ink: &mut [u8], side: usize, a: [f32; 2], b: [f32; 2], radius: f32) {
    let reach = radius + 1.0;
    let range = |a: f32, b: f32| {
        // A cast of what is too small or too large gives the nearest number.
        let first = (a.min(b) - reach).floor().max(0.0) as usize;
        let end = (a.max(b) + reach).ceil().max(0.0) as usize;
        first.min(side)..end.saturating_add(1).min(side)
    };
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let squared = dx * dx + dy * dy;
    for y in range(a[1], b[1]) {
        for x in range(a[0], b[0]) {
            let (px, py) = (x as f32 + 0.5 - a[0], y as f32 + 0.5 - a[1]);
            let along = match squared > 0.0 {
                true => ((px * dx + py * dy) / squared).clamp(0.0, 1.0),
                false => 0.0,
            };
            let distance = (px - along * dx).hypot(py - along * dy);
            let part = (radius + 0.5 - distance).clamp(0.0, 1.0);
            let pixel = &mut ink[y * side + x];
            *pixel = (*pixel).max((part * 255.0).round() as u8);
        }
    }
}

/// The bytes of a PNG file of ink: black on white paper.
///
/// # Errors
/// If the ink is not that of a square of `side` pixels.
#[wasm_bindgen]
pub fn png(ink: &[u8], side: usize) -> Result<Vec<u8>, String> {
    let mut file = Vec::new();
    write(&mut file, &paper(ink, side)?).map_err(words)?;
    Ok(file)
}

/// The levels of grey of black ink on white paper.
///
/// # Errors
/// If the ink is not that of a square of `side` pixels.
pub(crate) fn paper(ink: &[u8], side: usize) -> Result<Array2<u8>, String> {
    exactly(ink, side.saturating_mul(side), "the drawing")?;
    let ink = ArrayView2::from_shape((side, side), ink).map_err(words)?;
    Ok(ink.mapv(|level| 255 - level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stroke_runs_straight_between_its_points() {
        let ink = rasterise(&[2.0, 5.0, 17.0, 5.0], 20, 2.0).unwrap();
        let at = |y: usize, x: usize| ink[y * 20 + x];
        for x in 2..17 {
            assert_eq!((at(4, x), at(5, x)), (255, 255), "{x}");
            assert_eq!((at(0, x), at(9, x)), (0, 0), "{x}");
        }
        // Round ends: no corner.
        assert!(at(3, 0) < 128 && at(6, 19) < 128);
        assert_eq!((at(2, 0), at(7, 19)), (0, 0));
    }

    #[test]
    fn what_is_not_a_number_ends_a_stroke() {
        let gap = [2.0, 2.0, f32::NAN, 0.0, 17.0, 17.0];
        let ink = rasterise(&gap, 20, 1.5).unwrap();
        assert_eq!(ink[10 * 20 + 10], 0);
        assert!(ink[2 * 20 + 2] > 0 && ink[17 * 20 + 17] > 0);
        let line = rasterise(&[2.0, 2.0, 17.0, 17.0], 20, 1.5).unwrap();
        assert_eq!(line[10 * 20 + 10], 255);
    }

    #[test]
    fn nothing_that_is_passed_in_does_harm() {
        let far = [
            f32::MAX,
            -f32::MAX,
            1e9,
            3.0,
            -1e30,
            4.0,
            f32::INFINITY,
            1.0,
        ];
        for radius in [0.0, 3.0, -5.0, f32::NAN, f32::INFINITY, f32::MAX] {
            assert_eq!(rasterise(&far, 16, radius).unwrap().len(), 256);
        }
        assert!(rasterise(&[1.0], 16, 1.0).is_err());
        assert!(rasterise(&[], 0, 1.0).is_err());
        assert!(rasterise(&[], LARGEST + 1, 1.0).is_err());
        assert!(rasterise(&[], 3, 1.0).unwrap().iter().all(|&ink| ink == 0));
        assert!(png(&[0; 5], 2).is_err());
        assert!(png(&[0; 4], 2).unwrap().starts_with(b"\x89PNG"));
    }
}
