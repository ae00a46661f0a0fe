//! The chapter's images, of the four files that the page carries.

use mnist_data::idx::Reader;
use mnist_data::{Dataset, Splits};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::words;

/// The images to train on and the images to be judged by.
#[wasm_bindgen]
pub struct Digits {
    pub(crate) splits: Splits,
}

#[wasm_bindgen]
impl Digits {
    /// Those of IDX files, gzipped or not.
    ///
    /// # Errors
    /// If a file is not what it should be, or there are not as many labels as images.
    #[wasm_bindgen(constructor)]
    pub fn new(
        train_images: &[u8],
        train_labels: &[u8],
        test_images: &[u8],
        test_labels: &[u8],
    ) -> Result<Self, String> {
        Ok(Self {
            splits: Splits {
                train: read(train_images, train_labels)?,
                test: read(test_images, test_labels)?,
            },
        })
    }

    /// The pixels of a test image, 28 × 28 of 0 to 255, row by row; empty past the last.
    #[must_use]
    pub fn image(&self, index: usize) -> Vec<u8> {
        let images = self.splits.test.images();
        let image = images.outer_iter().nth(index);
        image.map_or_else(Vec::new, |image| image.iter().copied().collect())
    }

    /// The digit that a test image shows; none past the last.
    #[must_use]
    pub fn label(&self, index: usize) -> Option<u8> {
        self.splits.test.labels().get(index).copied()
    }

    /// How many test images there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.splits.test.len()
    }
}

fn read(images: &[u8], labels: &[u8]) -> Result<Dataset, String> {
    let images = Reader::new(images).map_err(words)?.into_ranked();
    let labels = Reader::new(labels).map_err(words)?.into_ranked();
    Dataset::new(images.map_err(words)?, labels.map_err(words)?).map_err(words)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The built-in images.
    pub(crate) fn digits() -> Digits {
        Digits {
            splits: mnist_data::embedded::load(),
        }
    }

    #[test]
    fn are_those_of_the_files() {
        let digits = Digits::new(
            include_bytes!("../../mnist-data/data/train-images-idx3-ubyte.gz"),
            include_bytes!("../../mnist-data/data/train-labels-idx1-ubyte.gz"),
            include_bytes!("../../mnist-data/data/t10k-images-idx3-ubyte.gz"),
            include_bytes!("../../mnist-data/data/t10k-labels-idx1-ubyte.gz"),
        )
        .unwrap();
        assert_eq!(digits.count(), 10_000);
        let (image, label) = mnist_data::embedded::test_image(9_999).unwrap();
        assert_eq!(digits.image(9_999), image.into_raw_vec_and_offset().0);
        assert_eq!(digits.label(9_999), Some(label));
        assert!(digits.image(10_000).is_empty() && digits.label(10_000).is_none());
    }

    #[test]
    fn a_broken_file_is_refused() {
        let error = Digits::new(b"no gzip", b"", b"", b"").err().unwrap();
        assert!(!error.is_empty());
    }
}
