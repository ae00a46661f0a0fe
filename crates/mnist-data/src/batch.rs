//! Batches: f32, normalised, shuffled, augmented.

use std::ops::Range;

use ndarray::{Array4, Axis};

use crate::augment::Deformer;
use crate::random::Random;
use crate::split::shuffled_indices;
use crate::{Augmentation, Dataset, Error, ErrorKind, Normalisation};

/// Images f32 (B, H, W, 1) with their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The images, (B, H, W, 1): NHWC with one channel.
    pub images: Array4<f32>,
    /// The labels, B of them.
    pub labels: Vec<u8>,
    /// The index of each image in the data set.
    pub indices: Vec<usize>,
}

/// The batches of a data set, one after the other; made by [`Dataset::batches`].
///
/// The same settings give the same batches, bit for bit, whatever else runs.
///
/// ```
/// use mnist_data::{Augmentation, Dataset, Normalisation};
/// use ndarray::{Array1, Array3};
///
/// let dataset = Dataset::new(Array3::zeros((10, 28, 28)), Array1::from_iter(0..10))?;
/// for epoch in 0..2 {
///     let batches = dataset
///         .batches(4)?
///         .shuffled(epoch)
///         .augmented(Augmentation::default(), epoch)
///         .normalised(Normalisation::By255);
///     let sizes: Vec<usize> = batches.prefetched(2)?.map(|batch| batch.labels.len()).collect();
///     assert_eq!(sizes, [4, 4, 2]);
/// }
/// # Ok::<(), mnist_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Batches {
    dataset: Dataset,
    size: usize,
    /// So many batches, the next ones, have one image more.
    larger: usize,
    /// Which images are still to come.
    order: std::vec::IntoIter<usize>,
    drop_last: bool,
    normalisation: Normalisation,
    augmentation: Option<(Augmentation, u64)>,
}

impl Dataset {
    /// Batches of `size` images in the data set's order, divided by 255; the last one may be
    /// smaller.
    ///
    /// # Errors
    ///
    /// If `size` is 0.
    pub fn batches(&self, size: usize) -> Result<Batches, Error> {
        if size == 0 {
            let (expected, found) = ("at least 1".to_owned(), "0".to_owned());
            return Err(ErrorKind::Parameter {
                name: "batch size",
                expected,
                found,
            }
            .into());
        }
        Ok(Batches {
            dataset: self.clone(),
            size,
            larger: 0,
            order: (0..self.len()).collect::<Vec<_>>().into_iter(),
            drop_last: false,
            normalisation: Normalisation::By255,
            augmentation: None,
        })
    }
}

impl Batches {
    /// In an order that the seed decides. Give every epoch a seed of its own.
    #[must_use]
    pub fn shuffled(mut self, seed: u64) -> Self {
        self.order = shuffled_indices(self.dataset.len(), seed).into_iter();
        self
    }

    /// Without the last batch where it is smaller than the others.
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// All of the same size, or one image smaller: as many batches as `size` goes into the images, rounded to the nearest
    /// number, so that no image is left out and no batch is small.
    ///
    /// ```
    /// use mnist_data::Dataset;
    /// use ndarray::{Array1, Array3};
    ///
    /// let dataset = Dataset::new(Array3::zeros((10, 28, 28)), Array1::from_iter(0..10))?;
    /// let sizes = |size| -> Result<Vec<usize>, mnist_data::Error> {
    ///     let batches = dataset.batches(size)?.spread();
    ///     Ok(batches.map(|batch| batch.labels.len()).collect())
    /// };
    /// assert_eq!(sizes(4)?, [4, 3, 3]);
    /// assert_eq!(sizes(9)?, [10]);
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    #[must_use]
    pub fn spread(mut self) -> Self {
        let images = self.dataset.len();
        let batches = rounded(images, self.size).max(1);
        self.size = (images / batches).max(1);
        self.larger = images % batches;
        self
    }

    /// With pixels normalised in this way.
    #[must_use]
    pub fn normalised(mut self, normalisation: Normalisation) -> Self {
        self.normalisation = normalisation;
        self
    }

    /// With images deformed at random: every one, or the part of them that
    /// [`Augmentation::probability`] says, while the others are only shifted. What happens to an
    /// image depends only on the seed and on its index in the data set. Give every epoch a seed of
    /// its own.
    #[must_use]
    pub fn augmented(mut self, augmentation: Augmentation, seed: u64) -> Self {
        self.augmentation = Some((augmentation, seed));
        self
    }

    /// The batch after the next `n`, of whose images only some are made: those of the range that `part` gives for their
    /// number. The others are 0, while labels and indices are all there.
    ///
    /// ```
    /// use mnist_data::Dataset;
    /// use ndarray::{Array1, Array3};
    ///
    /// let dataset = Dataset::new(Array3::from_elem((10, 1, 1), 255), Array1::from_iter(0..10))?;
    /// let mut batches = dataset.batches(4)?;
    /// let second = batches.nth_in_part(1, |images| images / 2..images).unwrap();
    /// assert_eq!(second.labels, [4, 5, 6, 7]);
    /// assert_eq!(second.images.as_slice(), Some(&[0., 0., 1., 1.][..]));
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    ///
    pub fn nth_in_part(
        &mut self,
        n: usize,
        part: impl FnOnce(usize) -> Range<usize>,
    ) -> Option<Batch> {
        let larger = self.larger.min(n);
        self.larger -= larger;
        // Batches that are left out are not made.
        if let Some(last) = n
            .saturating_mul(self.size)
            .saturating_add(larger)
            .checked_sub(1)
        {
            self.order.nth(last);
        }
        self.make(part)
    }

    /// Made on another thread, up to `depth` batches ahead.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub fn prefetched(self, depth: usize) -> Result<crate::Prefetch<Batch>, Error> {
        crate::Prefetch::new(self, depth)
    }
}

impl Batches {
    /// The next batch.
    fn make(&mut self, part: impl FnOnce(usize) -> Range<usize>) -> Option<Batch> {
        let more = usize::from(self.larger > 0);
        let indices: Vec<usize> = self.order.by_ref().take(self.size + more).collect();
        if indices.is_empty() || (self.drop_last && indices.len() < self.size) {
            return None;
        }
        self.larger -= more;
        let (height, width) = self.dataset.image_size();
        let mut images = Array4::zeros((indices.len(), height, width, 1));
        let part = part(indices.len());
        let mut deformer = (self.augmentation.as_ref())
            .map(|(augmentation, seed)| (Deformer::new(augmentation, height, width), *seed));
        let made = images.outer_iter_mut().zip(&indices);
        for (mut to, &index) in made.skip(part.start).take(part.len()) {
            let mut to = to.index_axis_mut(Axis(2), 0);
            let from = self.dataset.images().index_axis_move(Axis(0), index);
            if let Some((deformer, seed)) = &mut deformer {
                let random = Random::of_item(*seed, index as u64);
                let normalisation = self.normalisation;
                deformer.deform(&from, random, &mut to, |pixel| normalisation.apply(pixel));
                continue;
            }
            // The compiler makes vector instructions of slices.
            match (to.as_slice_mut(), from.as_slice()) {
                (Some(to), Some(from)) => self.normalisation.apply_all(to, from),
                _ => self.normalisation.apply_all(&mut to, from),
            }
        }
        let labels = indices
            .iter()
            .map(|&index| self.dataset.labels()[index])
            .collect();
        Some(Batch {
            images,
            labels,
            indices,
        })
    }
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        self.nth(0)
    }

    fn nth(&mut self, n: usize) -> Option<Batch> {
        self.nth_in_part(n, |images| 0..images)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Without those by which some batches are larger.
        let left = self.order.len() - self.larger;
        let count = if self.drop_last {
            left / self.size
        } else {
            left.div_ceil(self.size)
        };
        (count, Some(count))
    }
}

impl ExactSizeIterator for Batches {}

/// How often `size`, above 0, goes into `images`, to the nearest whole number.
fn rounded(images: usize, size: usize) -> usize {
    let (whole, rest) = (images / size, images % size);
    whole + usize::from(rest >= size - rest)
}
