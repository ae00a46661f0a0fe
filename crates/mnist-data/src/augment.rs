//! Augmentation: images deformed at random.

use ndarray::{Array2, ArrayRef2, ArrayViewMut2};

use crate::random::Random;
use crate::{Error, ErrorKind};

/// How far an image may be deformed at random. Each part is uniform between minus and plus its
/// value; 0 leaves it out. What moves in from outside is background.
///
/// ```
/// use mnist_data::{Augmentation, Elastic};
///
/// let augmentation = Augmentation {
///     rotation: 10.0,
///     elastic: Some(Elastic::new(34.0, 4.0)?),
///     ..Augmentation::NONE
/// };
/// # Ok::<(), mnist_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Augmentation {
    /// The fraction of the images that is deformed, 0 to 1. The others are only shifted, by whole pixels, and so stay
    /// as sharp as the test images; interpolation blurs a deformed one.
    pub probability: f32,
    /// Pixels, down and to the right independently.
    pub shift: f32,
    /// Degrees around the centre.
    pub rotation: f32,
    /// Of the size: 0.1 is 0.9 to 1.1 times, height and width independently.
    pub scale: f32,
    /// Of the height: 0.1 moves the upper and lower edges by a twentieth of it, against each other.
    pub shear: f32,
    /// Elastic distortion on top.
    pub elastic: Option<Elastic>,
}

impl Augmentation {
    /// Leaves every image as it is.
    pub const NONE: Self = Self {
        probability: 1.0,
        shift: 0.0,
        rotation: 0.0,
        scale: 0.0,
        shear: 0.0,
        elastic: None,
    };
}

impl Default for Augmentation {
    /// As much as leaves a digit the digit that it was: 2 pixels, 10 degrees, a tenth of the size,
    /// a tenth of shear, no elastic distortion.
    fn default() -> Self {
        Self {
            probability: 1.0,
            shift: 2.0,
            rotation: 10.0,
            scale: 0.1,
            shear: 0.1,
            elastic: None,
        }
    }
}

/// Elastic distortion after Simard, Steinkraus and Platt: "Best practices for convolutional neural
/// networks applied to visual document analysis", ICDAR 2003.
///
/// Every pixel is displaced by a random field, uniform in −1 to 1, smoothed by a Gaussian of
/// deviation `sigma` pixels and multiplied by `alpha`. They took 34 and 4 for MNIST.
#[derive(Debug, Clone, PartialEq)]
pub struct Elastic {
    alpha: f32,
    /// The Gaussian from its middle to three deviations; all of it, both sides, sums to 1.
    gaussian: Vec<f32>,
}

impl Elastic {
    /// A distortion of strength `alpha` and smoothness `sigma` in pixels.
    ///
    /// # Errors
    ///
    /// If `alpha` is not finite, or `sigma` is not from 0.1 to 100.
    pub fn new(alpha: f32, sigma: f32) -> Result<Self, Error> {
        let wrong = |name, expected: &str, found: f32| {
            let (expected, found) = (expected.to_owned(), found.to_string());
            Err(ErrorKind::Parameter {
                name,
                expected,
                found,
            }
            .into())
        };
        if !alpha.is_finite() {
            return wrong("alpha", "a finite number", alpha);
        }
        if !(0.1..=100.0).contains(&sigma) {
            return wrong("sigma", "0.1 to 100 pixels", sigma);
        }
        let reach = (3.0 * sigma).ceil() as usize;
        let value = |distance: usize| {
            let deviations = distance as f32 / sigma;
            libm::expf(-0.5 * deviations * deviations)
        };
        let sum = value(0) + 2.0 * (1..=reach).map(value).sum::<f32>();
        Ok(Self {
            alpha,
            gaussian: (0..=reach).map(|distance| value(distance) / sum).collect(),
        })
    }

    /// A displacement in pixels for each of height × width pixels.
    fn field(&self, random: &mut Random, height: usize, width: usize) -> Vec<f32> {
        let noise: Vec<f32> = (0..height * width).map(|_| random.signed()).collect();
        // A Gaussian of two dimensions is one of each after the other.
        let down = self.smooth(&noise, width);
        let across = self.smooth(&transpose(&down, height, width), height);
        let mut field = transpose(&across, width, height);
        for displacement in &mut field {
            *displacement *= self.alpha;
        }
        field
    }

    /// Makes every row the weighted sum of the rows around it; outside is nothing.
    fn smooth(&self, field: &[f32], width: usize) -> Vec<f32> {
        let mut out = vec![0.0; field.len()];
        for (y, out) in out.chunks_mut(width).enumerate() {
            for (other, row) in field.chunks(width).enumerate() {
                let Some(weight) = self.gaussian.get(y.abs_diff(other)) else {
                    continue;
                };
                for (out, value) in out.iter_mut().zip(row) {
                    *out += weight * value;
                }
            }
        }
        out
    }
}

/// A (height, width) field as (width, height).
fn transpose(field: &[f32], height: usize, width: usize) -> Vec<f32> {
    (0..height * width)
        .map(|at| field[at % height * width + at / height])
        .collect()
}

impl Augmentation {
    /// Deforms an image of pixels 0 to 255 by the random numbers given.
    ///
    /// For every pixel of the result it is computed where it comes from: the inverse of the
    /// deformation, applied around the centre, with bilinear interpolation.
    pub(crate) fn deform(
        &self,
        from: &ArrayRef2<u8>,
        mut random: Random,
        to: &mut ArrayViewMut2<'_, f32>,
    ) {
        let (height, width) = from.dim();
        // These six are drawn whether they are needed or not, so that no part's setting changes
        // what another part does. One more is drawn where `probability` is below 1, before those of
        // the elastic field, which is therefore another one there.
        let [down, right, angle, tall, wide, shear] = [0; 6].map(|_| random.signed());
        if self.probability < 1.0 && (random.signed() + 1.0) / 2.0 >= self.probability {
            return shift(from, [down, right].map(|part| self.whole(part)), to);
        }
        let (sin, cos) = libm::sincosf((angle * self.rotation).to_radians());
        let (tall, wide) = (1.0 / size(tall * self.scale), 1.0 / size(wide * self.scale));
        let shear = shear * self.shear;
        let (middle_y, middle_x) = ((height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0);
        let fields = self
            .elastic
            .as_ref()
            .map(|elastic| [0; 2].map(|_| elastic.field(&mut random, height, width)));
        let from = Framed::new(from);
        for ((y, x), pixel) in to.indexed_iter_mut() {
            let dy = y as f32 - middle_y - down * self.shift;
            let dx = x as f32 - middle_x - right * self.shift;
            let (dy, dx) = (cos * dy - sin * dx, sin * dy + cos * dx);
            let (mut from_y, mut from_x) = (dy * tall, (dx + shear * dy) * wide);
            if let Some([downward, rightward]) = &fields {
                from_y += downward[y * width + x];
                from_x += rightward[y * width + x];
            }
            *pixel = from.at(from_y + middle_y, from_x + middle_x);
        }
    }
}

impl Augmentation {
    /// A shift by whole pixels from a number uniform in −1 to 1; each possible shift is equally likely.
    fn whole(&self, part: f32) -> isize {
        let most = self.shift.floor();
        let number = (part + 1.0) / 2.0 * (2.0 * most + 1.0);
        (number.min(2.0 * most).floor() - most) as isize
    }
}

/// Copies an image down and to the right.
fn shift(from: &ArrayRef2<u8>, [down, right]: [isize; 2], to: &mut ArrayViewMut2<'_, f32>) {
    for ((y, x), pixel) in to.indexed_iter_mut() {
        let from = y
            .checked_add_signed(down.saturating_neg())
            .zip(x.checked_add_signed(right.saturating_neg()))
            .and_then(|at| from.get(at));
        *pixel = f32::from(from.copied().unwrap_or_default());
    }
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
