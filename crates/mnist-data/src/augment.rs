//! Deformed images: more to learn from.

use ndarray::{ArrayRef2, ArrayViewMut2};

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
        let value = |distance: usize| (-0.5 * (distance as f32 / sigma).powi(2)).exp();
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
        let rows = self.smooth(&noise, height, width);
        let mut field = transpose(
            &self.smooth(&transpose(&rows, height, width), width, height),
            width,
            height,
        );
        for displacement in &mut field {
            *displacement *= self.alpha;
        }
        field
    }

    /// Smooths along the rows of a (height, width) field; outside is nothing.
    fn smooth(&self, field: &[f32], height: usize, width: usize) -> Vec<f32> {
        let mut out = vec![0.0; height * width];
        for (row, out) in field.chunks(width).zip(out.chunks_mut(width)) {
            for (x, out) in out.iter_mut().enumerate() {
                *out = self.gaussian[0] * row[x];
                for (distance, weight) in self.gaussian.iter().enumerate().skip(1) {
                    let left = x.checked_sub(distance).map_or(0.0, |x| row[x]);
                    let right = row.get(x + distance).copied().unwrap_or(0.0);
                    *out += weight * (left + right);
                }
            }
        }
        out
    }
}

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
        // The numbers are drawn whether they are needed or not, so that one part's setting does
        // not change what another part does.
        let [down, right, angle, tall, wide, shear] = [0; 6].map(|_| random.signed());
        let (sin, cos) = (angle * self.rotation).to_radians().sin_cos();
        let (tall, wide) = (1.0 / size(tall * self.scale), 1.0 / size(wide * self.scale));
        let shear = shear * self.shear;
        let (middle_y, middle_x) = ((height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0);
        let fields = self
            .elastic
            .as_ref()
            .map(|elastic| [0; 2].map(|_| elastic.field(&mut random, height, width)));
        for ((y, x), pixel) in to.indexed_iter_mut() {
            let dy = y as f32 - middle_y - down * self.shift;
            let dx = x as f32 - middle_x - right * self.shift;
            let (dy, dx) = (cos * dy - sin * dx, sin * dy + cos * dx);
            let (mut from_y, mut from_x) = (dy * tall, (dx + shear * dy) * wide);
            if let Some([downward, rightward]) = &fields {
                from_y += downward[y * width + x];
                from_x += rightward[y * width + x];
            }
            *pixel = interpolate(from, from_y + middle_y, from_x + middle_x);
        }
    }
}

/// The factor of a change in size, never zero or turned over.
fn size(change: f32) -> f32 {
    (1.0 + change).max(0.01)
}

/// The image at a place between pixels; outside, and where there is no place, is background, 0.
fn interpolate(image: &ArrayRef2<u8>, y: f32, x: f32) -> f32 {
    let (height, width) = image.dim();
    let near = |at: f32, length: usize| at > -1.0 && at < length as f32;
    if !near(y, height) || !near(x, width) {
        return 0.0;
    }
    let at = |y: f32, x: f32| {
        let inside = y >= 0.0 && x >= 0.0;
        let pixel = if inside {
            image.get((y as usize, x as usize))
        } else {
            None
        };
        pixel.map_or(0.0, |&pixel| f32::from(pixel))
    };
    let (top, left) = (y.floor(), x.floor());
    let (down, right) = (y - top, x - left);
    let upper = at(top, left) * (1.0 - right) + at(top, left + 1.0) * right;
    let lower = at(top + 1.0, left) * (1.0 - right) + at(top + 1.0, left + 1.0) * right;
    upper * (1.0 - down) + lower * down
}
