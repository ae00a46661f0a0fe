//! Pixels u8 as f32.

use ndarray::{Array4, Axis};

use crate::Dataset;

/// How a pixel of 0 to 255 becomes the value that a network takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Normalisation {
    /// `pixel / 255`: 0 to 1, as in the chapter.
    By255,
    /// `(pixel / 255 − mean) / deviation`.
    MeanDeviation {
        /// The mean, of pixels from 0 to 1.
        mean: f32,
        /// The standard deviation, of pixels from 0 to 1.
        deviation: f32,
    },
}

impl Normalisation {
    /// The mean and the standard deviation of all pixels of a data set (of MNIST's training images
    /// 0.1307 and 0.3081). Where all pixels are the same, the deviation is taken as 1.
    ///
    /// ```
    /// use mnist_data::{Dataset, Normalisation};
    /// use ndarray::{Array3, array};
    ///
    /// let mut images = Array3::zeros((1, 1, 2));
    /// images[[0, 0, 1]] = 255;
    /// let measured = Normalisation::measure(&Dataset::new(images, array![3])?);
    /// assert_eq!(measured, Normalisation::MeanDeviation { mean: 0.5, deviation: 0.5 });
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    #[must_use]
    pub fn measure(dataset: &Dataset) -> Self {
        // Whole numbers, so exact: 255² · 2^47 pixels fit.
        let (mut sum, mut squares) = (0_u64, 0_u64);
        for &pixel in dataset.images() {
            sum += u64::from(pixel);
            squares += u64::from(pixel).pow(2);
        }
        let count = (dataset.images().len() as f64).max(1.0) * 255.0;
        let mean = sum as f64 / count;
        let variance = squares as f64 / (count * 255.0) - mean * mean;
        let deviation = if variance > 0.0 {
            variance.sqrt() as f32
        } else {
            1.0
        };
        Self::MeanDeviation {
            mean: mean as f32,
            deviation,
        }
    }

    /// The value that a pixel of 0 to 255 becomes.
    #[must_use]
    pub fn apply(self, pixel: f32) -> f32 {
        match self {
            Self::By255 => pixel / 255.0,
            Self::MeanDeviation { mean, deviation } => (pixel / 255.0 - mean) / deviation,
        }
    }

    /// [`apply`](Self::apply) to each pixel.
    pub(crate) fn apply_all<'a>(
        self,
        to: impl IntoIterator<Item = &'a mut f32>,
        pixels: impl IntoIterator<Item = &'a u8>,
    ) {
        for (to, &pixel) in to.into_iter().zip(pixels) {
            *to = self.apply(f32::from(pixel));
        }
    }
}

impl Dataset {
    /// All images as f32 (N, H, W, 1): NHWC with one channel. [`Dataset::batches`] makes the same
    /// values a batch at a time.
    ///
    /// ```
    /// use mnist_data::{Dataset, Normalisation};
    /// use ndarray::{Array3, array};
    ///
    /// let dataset = Dataset::new(Array3::from_elem((3, 28, 28), 255), array![5, 0, 4])?;
    /// let images = dataset.to_array(Normalisation::By255);
    /// assert_eq!(images.dim(), (3, 28, 28, 1));
    /// assert_eq!(images[[2, 27, 27, 0]], 1.0);
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    #[must_use]
    pub fn to_array(&self, normalisation: Normalisation) -> Array4<f32> {
        self.images()
            .mapv(|pixel| normalisation.apply(f32::from(pixel)))
            .insert_axis(Axis(3))
    }
}
