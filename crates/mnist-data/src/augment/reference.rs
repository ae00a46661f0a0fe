//! The deformation of an image in plain loops, pixel by pixel: what [`Deformer`](super::Deformer) computes, to the bit. It is
//! never optimised.

use ndarray::{Array2, ArrayRef2};

use super::{Augmentation, Elastic};
use crate::random::Random;

/// An image of pixels 0 to 255, deformed by the random numbers given.
pub(super) fn deform(
    augmentation: &Augmentation,
    from: &ArrayRef2<u8>,
    mut random: Random,
) -> Array2<f32> {
    let (height, width) = from.dim();
    let [down, right, angle, tall, wide, shear] = [0; 6].map(|_| random.signed());
    if augmentation.probability < 1.0 && (random.signed() + 1.0) / 2.0 >= augmentation.probability {
        return shift(from, [down, right].map(|part| augmentation.whole(part)));
    }
    let (sin, cos) = libm::sincosf((angle * augmentation.rotation).to_radians());
    let tall = 1.0 / size(tall * augmentation.scale);
    let wide = 1.0 / size(wide * augmentation.scale);
    let shear = shear * augmentation.shear;
    let (middle_y, middle_x) = ((height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0);
    let elastic = augmentation.elastic.as_ref();
    let fields = elastic.map(|elastic| [0; 2].map(|_| field(elastic, &mut random, height, width)));
    let from = Framed::new(from);
    Array2::from_shape_fn((height, width), |(y, x)| {
        let dy = y as f32 - middle_y - down * augmentation.shift;
        let dx = x as f32 - middle_x - right * augmentation.shift;
        let (dy, dx) = (cos * dy - sin * dx, sin * dy + cos * dx);
        let (mut from_y, mut from_x) = (dy * tall, (dx + shear * dy) * wide);
        if let Some([downward, rightward]) = &fields {
            from_y += downward[y * width + x];
            from_x += rightward[y * width + x];
        }
        from.at(from_y + middle_y, from_x + middle_x)
    })
}

/// A displacement in pixels for each of height × width pixels.
fn field(elastic: &Elastic, random: &mut Random, height: usize, width: usize) -> Vec<f32> {
    let noise: Vec<f32> = (0..height * width).map(|_| random.signed()).collect();
    // A Gaussian of two dimensions is one of each after the other.
    let down = smooth(elastic, &noise, width);
    let across = smooth(elastic, &transpose(&down, height, width), height);
    let mut field = transpose(&across, width, height);
    for displacement in &mut field {
        *displacement *= elastic.alpha;
    }
    field
}

/// Makes every row the weighted sum of the rows around it; outside is nothing.
fn smooth(elastic: &Elastic, field: &[f32], width: usize) -> Vec<f32> {
    let mut out = vec![0.0; field.len()];
    for (y, out) in out.chunks_mut(width).enumerate() {
        for (other, row) in field.chunks(width).enumerate() {
            let Some(weight) = elastic.gaussian.get(y.abs_diff(other)) else {
                continue;
            };
            for (out, value) in out.iter_mut().zip(row) {
                *out += weight * value;
            }
        }
    }
    out
}

/// A (height, width) field as (width, height).
fn transpose(field: &[f32], height: usize, width: usize) -> Vec<f32> {
    (0..height * width)
        .map(|at| field[at % height * width + at / height])
        .collect()
}

/// An image down and to the right.
fn shift(from: &ArrayRef2<u8>, [down, right]: [isize; 2]) -> Array2<f32> {
    Array2::from_shape_fn(from.dim(), |(y, x)| {
        let from = y
            .checked_add_signed(down.saturating_neg())
            .zip(x.checked_add_signed(right.saturating_neg()))
            .and_then(|at| from.get(at));
        f32::from(from.copied().unwrap_or_default())
    })
}

/// The factor of a change in size, never zero or turned over.
fn size(change: f32) -> f32 {
    (1.0 + change).max(0.01)
}

/// An image with a frame of background, one pixel wide.
struct Framed {
    pixels: Array2<f32>,
}

impl Framed {
    fn new(image: &ArrayRef2<u8>) -> Self {
        let (height, width) = image.dim();
        let pixels = Array2::from_shape_fn((height + 2, width + 2), |(y, x)| {
            let inside = (1..=height).contains(&y) && (1..=width).contains(&x);
            if inside {
                f32::from(image[[y - 1, x - 1]])
            } else {
                0.0
            }
        });
        Self { pixels }
    }

    /// The value at (y, x), interpolated between pixels; outside, and for NaN, it is background.
    fn at(&self, y: f32, x: f32) -> f32 {
        let (height, width) = self.pixels.dim();
        let (y, x) = (y + 1.0, x + 1.0);
        let near = |at: f32, length: usize| at >= 0.0 && at < (length - 1) as f32;
        if !near(y, height) || !near(x, width) {
            return 0.0;
        }
        let (top, left) = (y as usize, x as usize);
        let (down, right) = (y - top as f32, x - left as f32);
        let row =
            |y: usize| self.pixels[[y, left]] * (1.0 - right) + self.pixels[[y, left + 1]] * right;
        row(top) * (1.0 - down) + row(top + 1) * down
    }
}

/// Images of many sizes by many settings: equal in every bit.
#[test]
fn deformers_have_these_bits() {
    let mut random = Random::new(7);
    let mut part = |most: f32| (random.signed() + 1.0) / 2.0 * most;
    for case in 0..400 {
        let (height, width) = match case % 4 {
            0 => (28, 28),
            _ => (1 + part(70.0) as usize, 1 + part(70.0) as usize),
        };
        let far = [1.0, 1.0, 10.0, 1e20][case / 2 % 4];
        let augmentation = Augmentation {
            probability: [1.0, 0.6][case % 2],
            shift: part(4.0 * far),
            rotation: part(60.0 * far),
            scale: part(0.5 * far),
            shear: part(0.5 * far),
            elastic: match case % 3 {
                0 => None,
                _ => Elastic::new(part(50.0 * far), 0.1 + part(8.0)).ok(),
            },
        };
        let mut deformer = super::Deformer::new(&augmentation, height, width);
        for item in 0..4 {
            let image = Array2::from_shape_fn((height, width), |_| part(256.0) as u8);
            let random = || Random::of_item(case as u64, item);
            let expected = deform(&augmentation, &image, random());
            let mut found = Array2::from_elem((height, width), f32::NAN);
            deformer.deform(&image, random(), &mut found.view_mut(), |pixel| pixel);
            let bits = |image: Array2<f32>| image.mapv(f32::to_bits);
            assert_eq!(
                bits(found),
                bits(expected),
                "{height} x {width}, {augmentation:?}"
            );
        }
    }
}
