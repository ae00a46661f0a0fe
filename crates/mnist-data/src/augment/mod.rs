//! Augmentation: images deformed at random.

mod blocks;
mod deformer;
mod elastic;
#[cfg(test)]
mod reference;
mod smoothing;

pub(crate) use deformer::Deformer;
pub use elastic::Elastic;

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

impl Augmentation {
    /// A shift by whole pixels from a number uniform in −1 to 1; each possible shift is equally likely.
    fn whole(&self, part: f32) -> isize {
        let most = self.shift.floor();
        let number = (part + 1.0) / 2.0 * (2.0 * most + 1.0);
        (number.min(2.0 * most).floor() - most) as isize
    }
}
