//! Images and their labels, checked once and shared without copying.

use std::sync::Arc;

use ndarray::{ArcArray, Array1, Array3, ArrayView3, Axis, Ix3, Slice};

use crate::{Error, ErrorKind};

/// Classes of a data set of digits: the labels are 0 to 9.
const DIGITS: usize = 10;

/// Images u8 (N, H, W) with a label for each.
///
/// As many labels as images, every label below the number of classes, no image without a pixel:
/// what a `Dataset` holds was checked when it was made. A clone, and the [first](Dataset::first) n,
/// share the pixels.
///
/// ```
/// use mnist_data::Dataset;
/// use ndarray::{Array3, array};
///
/// let images = Array3::zeros((3, 28, 28));
/// let dataset = Dataset::new(images, array![5, 0, 4])?;
/// assert_eq!(dataset.len(), 3);
/// assert_eq!(dataset.first(2)?.labels(), [5, 0]);
/// # Ok::<(), mnist_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    // Always in row-major order without gaps.
    images: ArcArray<u8, Ix3>,
    labels: Arc<[u8]>,
    classes: usize,
}

/// The training and the test split of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splits {
    /// The training images.
    pub train: Dataset,
    /// The test images.
    pub test: Dataset,
}

impl Dataset {
    /// Images u8 (N, H, W) and labels u8 (N) of ten classes, 0 to 9.
    ///
    /// # Errors
    ///
    /// If there are not as many labels as images, a label is above 9, or an image has no pixels.
    pub fn new(images: Array3<u8>, labels: Array1<u8>) -> Result<Self, Error> {
        Self::with_classes(images, labels, DIGITS)
    }

    /// The same for another number of classes: labels are `0..classes`.
    ///
    /// # Errors
    ///
    /// If there are not as many labels as images, a label is not below `classes`, or an image has no pixels.
    pub fn with_classes(
        images: Array3<u8>,
        labels: Array1<u8>,
        classes: usize,
    ) -> Result<Self, Error> {
        let (count, height, width) = images.dim();
        if labels.len() != count {
            let kind = ErrorKind::Count {
                what: "labels",
                expected: count,
                found: labels.len(),
            };
            return Err(kind.into());
        }
        if height == 0 || width == 0 {
            let expected = "at least 1×1 pixels".to_owned();
            return Err(ErrorKind::Shape {
                expected,
                found: format!("{height}×{width}"),
            }
            .into());
        }
        let wrong = labels
            .iter()
            .position(|&label| usize::from(label) >= classes);
        if let Some(index) = wrong {
            let found = labels[index].into();
            return Err(ErrorKind::Label {
                index,
                found,
                lowest: 0,
                classes,
            }
            .into());
        }
        let images = if images.is_standard_layout() {
            images
        } else {
            images.as_standard_layout().into_owned()
        };
        Ok(Self {
            images: images.into_shared(),
            labels: labels.into_iter().collect(),
            classes,
        })
    }

    /// The images, u8 (N, H, W): 0 is background, 255 ink; in row-major order.
    #[must_use]
    pub fn images(&self) -> ArrayView3<'_, u8> {
        self.images.view()
    }

    /// The labels, one an image, each below [`Dataset::classes`].
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of classes; not every class need have an image.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Height and width of every image, in pixels.
    #[must_use]
    pub fn image_size(&self) -> (usize, usize) {
        let (_, height, width) = self.images.dim();
        (height, width)
    }

    /// The first `n` images with their labels; the pixels are shared, not copied.
    ///
    /// # Errors
    ///
    /// If there are fewer than `n` images.
    pub fn first(&self, n: usize) -> Result<Self, Error> {
        if n > self.len() {
            let kind = ErrorKind::Count {
                what: "images",
                expected: n,
                found: self.len(),
            };
            return Err(kind.into());
        }
        let mut images = self.images.clone();
        images.slice_axis_inplace(Axis(0), Slice::from(..n));
        Ok(Self {
            images,
            labels: self.labels[..n].into(),
            classes: self.classes,
        })
    }

    /// Other images and labels of the same kind, which the caller took from this data set.
    pub(crate) fn with_content(&self, images: Array3<u8>, labels: Arc<[u8]>) -> Self {
        Self {
            images: images.into_shared(),
            labels,
            classes: self.classes,
        }
    }
}
