//! Images deformed at random, one after the other in the same memory.

use ndarray::{ArrayRef2, ArrayViewMut2};

use super::Augmentation;
use super::blocks::{NARROW, WIDE, in_blocks, padded};
use super::smoothing::Smoothing;
use crate::random::Random;

/// Deforms images of one size.
///
/// For every pixel of the result it is computed where it comes from: the inverse of the deformation, applied around the
/// centre, with bilinear interpolation. `reference.rs` has it pixel by pixel. Here blocks of pixels go through the same
/// arithmetic without a branch, of which the compiler makes vector instructions.
#[derive(Debug)]
pub(crate) struct Deformer<'a> {
    augmentation: &'a Augmentation,
    smoothing: Option<Smoothing>,
    height: usize,
    width: usize,
    /// Displacements down and to the right, (height, padded width); zeros without an elastic distortion.
    fields: [Vec<f32>; 2],
    /// The distance of each column from the middle.
    columns: Vec<f32>,
    /// The image with a frame of background, one pixel wide: (height + 2, width + 2).
    framed: Vec<u8>,
    /// (height + 1, width + 1): a pixel of the frame and those to the right, below, and below to the right, from the lowest
    /// byte on.
    corners: Vec<u32>,
    /// (height, padded width)
    deformed: Vec<f32>,
}

/// An affine deformation.
struct Affine {
    sin: f32,
    cos: f32,
    tall: f32,
    wide: f32,
    shear: f32,
    down: f32,
    right: f32,
}

impl<'a> Deformer<'a> {
    /// For images (height, width).
    pub(crate) fn new(augmentation: &'a Augmentation, height: usize, width: usize) -> Self {
        let elastic = augmentation.elastic.as_ref();
        let values = height * padded(width);
        Self {
            augmentation,
            smoothing: elastic.map(|elastic| Smoothing::new(elastic, height, width)),
            height,
            width,
            fields: [0; 2].map(|_| vec![0.0; values]),
            columns: (0..padded(width))
                .map(|x| x as f32 - middle(width))
                .collect(),
            framed: vec![0; (height + 2) * (width + 2)],
            corners: vec![0; (height + 1) * (width + 1)],
            deformed: vec![0.0; values],
        }
    }

    /// Deforms an image of pixels 0 to 255 by the random numbers given, and hands each pixel of the result on by `apply`.
    pub(crate) fn deform(
        &mut self,
        from: &ArrayRef2<u8>,
        mut random: Random,
        to: &mut ArrayViewMut2<'_, f32>,
        apply: impl Fn(f32) -> f32,
    ) {
        self.frame(from);
        // These six are drawn whether they are needed or not, so that no part's setting changes
        // what another part does. One more is drawn where `probability` is below 1, before those of
        // the elastic field, which is therefore another one there.
        let [down, right, angle, tall, wide, shear] = [0; 6].map(|_| random.signed());
        let settings = self.augmentation;
        if settings.probability < 1.0 && (random.signed() + 1.0) / 2.0 >= settings.probability {
            self.shift([down, right].map(|part| settings.whole(part)));
        } else {
            let (sin, cos) = libm::sincosf((angle * settings.rotation).to_radians());
            let affine = Affine {
                sin,
                cos,
                tall: 1.0 / size(tall * settings.scale),
                wide: 1.0 / size(wide * settings.scale),
                shear: shear * settings.shear,
                down: down * settings.shift,
                right: right * settings.shift,
            };
            if let Some(smoothing) = &mut self.smoothing {
                for field in &mut self.fields {
                    smoothing.fill(field, &mut random);
                }
            }
            self.interpolate(&affine);
        }
        let rows = self.deformed.chunks_exact(padded(self.width));
        for (mut to, row) in to.rows_mut().into_iter().zip(rows) {
            for (to, &pixel) in to.iter_mut().zip(row) {
                *to = apply(pixel);
            }
        }
    }

    /// Takes an image into the frame.
    fn frame(&mut self, image: &ArrayRef2<u8>) {
        let rows = self.framed.chunks_exact_mut(self.width + 2).skip(1);
        for (framed, row) in rows.zip(image.rows()) {
            for (framed, &pixel) in framed[1..].iter_mut().zip(row) {
                *framed = pixel;
            }
        }
    }

    /// The image down and to the right.
    fn shift(&mut self, [down, right]: [isize; 2]) {
        let far = right.unsigned_abs().min(self.width);
        let (from, to) = if right > 0 { (0, far) } else { (far, 0) };
        let columns = self.width - far;
        let rows = self.deformed.chunks_exact_mut(padded(self.width));
        for (y, row) in rows.enumerate() {
            row.fill(0.0);
            let Some(above) = y.checked_add_signed(down.saturating_neg()) else {
                continue;
            };
            if above >= self.height {
                continue;
            }
            let pixels = &self.framed[(above + 1) * (self.width + 2) + 1..][from..from + columns];
            for (to, &pixel) in row[to..].iter_mut().zip(pixels) {
                *to = f32::from(pixel);
            }
        }
    }

    /// The image deformed.
    fn interpolate(&mut self, affine: &Affine) {
        let rows = self
            .framed
            .windows(2 * (self.width + 2))
            .step_by(self.width + 2);
        for (corners, rows) in self.corners.chunks_exact_mut(self.width + 1).zip(rows) {
            let (top, bottom) = rows.split_at(self.width + 2);
            let top = top.iter().zip(&top[1..]);
            let pixels = top.zip(bottom.iter().zip(&bottom[1..]));
            for (corners, ((&a, &b), (&c, &d))) in corners.iter_mut().zip(pixels) {
                *corners = u32::from_le_bytes([a, b, c, d]);
            }
        }
        let [downward, rightward] = &self.fields;
        let row = padded(self.width);
        let fields = downward.chunks_exact(row).zip(rightward.chunks_exact(row));
        let rows = self.deformed.chunks_exact_mut(row).zip(fields);
        let image = Image {
            corners: &self.corners,
            row: (self.width + 1) as f64,
            rows: Axis::new(self.height),
            columns: Axis::new(self.width),
        };
        for (y, (to, fields)) in rows.enumerate() {
            let dy = y as f32 - image.rows.middle - affine.down;
            let columns = &self.columns;
            in_blocks(
                to,
                |x, to| image.interpolate::<WIDE>(to, x, affine, dy, columns, fields),
                |x, to| image.interpolate::<NARROW>(to, x, affine, dy, columns, fields),
            );
        }
    }
}

/// An image by its corners, as in [`Deformer`].
struct Image<'a> {
    corners: &'a [u32],
    /// How many of them a row has.
    row: f64,
    rows: Axis,
    columns: Axis,
}

impl Image<'_> {
    /// The pixels of a block of a row, from column `x` on.
    #[inline(always)]
    fn interpolate<const N: usize>(
        &self,
        to: &mut [f32; N],
        x: usize,
        affine: &Affine,
        dy: f32,
        columns: &[f32],
        (downward, rightward): (&[f32], &[f32]),
    ) {
        let (columns, downward, rightward) = (
            &columns[x..][..N],
            &downward[x..][..N],
            &rightward[x..][..N],
        );
        let [mut top, mut left, mut down, mut right] = [[0.0; N]; 4];
        for i in 0..N {
            let dx = columns[i] - affine.right;
            let (dy, dx) = (
                affine.cos * dy - affine.sin * dx,
                affine.sin * dy + affine.cos * dx,
            );
            let y = dy * affine.tall + downward[i];
            let x = (dx + affine.shear * dy) * affine.wide + rightward[i];
            (top[i], down[i]) = self.rows.split(y);
            (left[i], right[i]) = self.columns.split(x);
        }
        let mut places = [0; N];
        for i in 0..N {
            places[i] = whole_number(f64::from(top[i]) * self.row + f64::from(left[i]));
        }
        let mut corners = [0_u32; N];
        for i in 0..N {
            corners[i] = self.corners[places[i] as usize];
        }
        for i in 0..N {
            let [a, b, c, d] = [0, 8, 16, 24].map(|bits| (corners[i] >> bits & 255) as f32);
            let row = |left: f32, next: f32| left * (1.0 - right[i]) + next * right[i];
            to[i] = row(a, b) * (1.0 - down[i]) + row(c, d) * down[i];
        }
    }
}

/// The rows or the columns of an image.
struct Axis {
    middle: f32,
    /// Where the frame ends.
    end: f32,
}

impl Axis {
    fn new(length: usize) -> Self {
        Self {
            middle: middle(length),
            end: (length + 1) as f32,
        }
    }

    /// A place, counted from the middle, as the number of the row or column of the frame before it, and how far behind that it
    /// is, 0 to 1. Outside, and for NaN, it is the frame's edge, where all is background.
    #[inline(always)]
    fn split(&self, place: f32) -> (f32, f32) {
        let place = place + self.middle + 1.0;
        let inside = place >= 0.0 && place < self.end;
        let place = if inside { place } else { 0.0 };
        // From here on an f32 has whole numbers alone, so that a sum is rounded to one.
        let whole_from = (1 << 23) as f32;
        let near = if place < whole_from {
            place + whole_from - whole_from
        } else {
            place
        };
        let whole = if near > place { near - 1.0 } else { near };
        (whole, place - whole)
    }
}

/// A whole number from 0 to 2^52 − 1 as an integer: the last bits of 2^52 and it. Other than a conversion it is a vector
/// instruction of SSE2.
#[inline(always)]
fn whole_number(number: f64) -> u64 {
    let all = (1_u64 << 52) as f64;
    (number + all).to_bits() - all.to_bits()
}

/// The middle of so many rows or columns.
fn middle(length: usize) -> f32 {
    (length as f32 - 1.0) / 2.0
}

/// The factor of a change in size, never zero or turned over.
fn size(change: f32) -> f32 {
    (1.0 + change).max(0.01)
}
