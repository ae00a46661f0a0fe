//! The chapter's data, in the crate (feature `embedded`).
//!
//! The first 1,000 training images and all 10,000 test images of MNIST with their labels, gzipped,
//! 1.8 MB. `cargo xtask embed` makes the files again, bit for bit, from the full set. The data is
//! by Yann `LeCun` and Corinna Cortes, under CC BY-SA 3.0: `data/LICENSE` in this crate.

use ndarray::{Array2, Ix2};

use crate::idx::Reader;
use crate::{Dataset, Error, Splits};

/// The images of a part and their labels, two gzipped files.
struct Files {
    images: &'static [u8],
    labels: &'static [u8],
}

const TRAIN: Files = Files {
    images: include_bytes!("../data/train-images-idx3-ubyte.gz"),
    labels: include_bytes!("../data/train-labels-idx1-ubyte.gz"),
};
const TEST: Files = Files {
    images: include_bytes!("../data/t10k-images-idx3-ubyte.gz"),
    labels: include_bytes!("../data/t10k-labels-idx1-ubyte.gz"),
};

/// The first 1,000 training images and the 10,000 test images.
///
/// ```
/// let splits = mnist_data::embedded::load();
/// assert_eq!(splits.train.images().dim(), (1_000, 28, 28));
/// assert_eq!(splits.test.images().dim(), (10_000, 28, 28));
/// assert_eq!(splits.train.labels()[..5], [5, 0, 4, 1, 9]);
/// ```
///
/// # Panics
///
/// Never: the files are part of the crate, and its tests read them.
#[must_use]
pub fn load() -> Splits {
    match (TRAIN.decode(), TEST.decode()) {
        (Ok(train), Ok(test)) => Splits { train, test },
        (Err(error), _) | (_, Err(error)) => panic!("embedded data: {error}"),
    }
}

/// One training image (28, 28) and its label, or `None` past the last. Only the images before it are decoded as well,
/// so for a single image this is faster than [`load`].
///
/// ```
/// let (image, label) = mnist_data::embedded::train_image(0).expect("there are 1,000");
/// assert_eq!((image.dim(), label), ((28, 28), 5));
/// assert!(mnist_data::embedded::train_image(1_000).is_none());
/// ```
#[must_use]
pub fn train_image(index: usize) -> Option<(Array2<u8>, u8)> {
    TRAIN.nth(index)
}

/// One test image (28, 28) and its label, as [`train_image`] gives one of the training images.
#[must_use]
pub fn test_image(index: usize) -> Option<(Array2<u8>, u8)> {
    TEST.nth(index)
}

impl Files {
    fn decode(&self) -> Result<Dataset, Error> {
        Dataset::new(
            Reader::new(self.images)?.into_ranked()?,
            Reader::new(self.labels)?.into_ranked()?,
        )
    }

    fn nth(&self, index: usize) -> Option<(Array2<u8>, u8)> {
        let label = Reader::new(self.labels).ok()?.into_items::<u8>().ok()?;
        let label = *label.into_iter().nth(index)?.ok()?.first()?;
        let image = Reader::new(self.images).ok()?.into_items::<u8>().ok()?;
        let image = image.into_iter().nth(index)?.ok()?;
        Some((image.into_dimensionality::<Ix2>().ok()?, label))
    }
}
