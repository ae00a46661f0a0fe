//! Splits and selections of a data set, and other orders.

use std::cmp::Reverse;

use ndarray::Axis;

use crate::random::Random;
use crate::{Dataset, Error, ErrorKind};

impl Dataset {
    /// The images of these indices, in this order; an index may come more than once.
    ///
    /// # Errors
    ///
    /// If an index is not below the number of images.
    ///
    /// ```
    /// use mnist_data::Dataset;
    /// use ndarray::{Array3, array};
    ///
    /// let dataset = Dataset::new(Array3::zeros((3, 28, 28)), array![5, 0, 4])?;
    /// assert_eq!(dataset.select(&[2, 0, 2])?.labels(), [4, 5, 4]);
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    pub fn select(&self, indices: &[usize]) -> Result<Self, Error> {
        if let Some(&beyond) = indices.iter().find(|&&index| index >= self.len()) {
            let expected = beyond.saturating_add(1);
            return Err(ErrorKind::Count {
                what: "images",
                expected,
                found: self.len(),
            }
            .into());
        }
        Ok(self.selected(indices))
    }

    fn selected(&self, indices: &[usize]) -> Self {
        let images = self.images().select(Axis(0), indices);
        let labels = indices.iter().map(|&index| self.labels()[index]).collect();
        self.with_content(images, labels)
    }

    /// All images in another order, which the seed decides.
    ///
    /// ```
    /// use mnist_data::Dataset;
    /// use ndarray::{Array1, Array3};
    ///
    /// let dataset = Dataset::new(Array3::zeros((10, 28, 28)), Array1::from_iter(0..10))?;
    /// let shuffled = dataset.shuffled(1);
    /// assert_ne!(shuffled.labels(), dataset.labels());
    /// assert_eq!(shuffled, dataset.shuffled(1));
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        self.selected(&shuffled_indices(self.len(), seed))
    }

    /// Training and validation images: exactly `count` images, chosen by the seed, go to validation,
    /// of each class in proportion. Both keep the order.
    ///
    /// Where a class's part is not a whole number it is rounded down, and the images still missing
    /// come one each from the classes with the largest remainders (Hare–Niemeyer), of equal ones
    /// from the first.
    ///
    /// # Errors
    ///
    /// If there are fewer than `count` images.
    ///
    /// ```
    /// use mnist_data::Dataset;
    /// use ndarray::{Array1, Array3};
    ///
    /// let labels = Array1::from_shape_fn(100, |n| u8::from(n < 80));
    /// let dataset = Dataset::new(Array3::zeros((100, 28, 28)), labels)?;
    /// let (train, validation) = dataset.split_validation(10, 1)?;
    /// assert_eq!((train.len(), validation.len()), (90, 10));
    /// assert_eq!(validation.labels().iter().filter(|&&label| label == 1).count(), 8);
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    pub fn split_validation(&self, count: usize, seed: u64) -> Result<(Self, Self), Error> {
        if count > self.len() {
            let kind = ErrorKind::Count {
                what: "images",
                expected: count,
                found: self.len(),
            };
            return Err(kind.into());
        }
        let classes = self.indices_by_class();
        let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
        let mut random = Random::new(seed);
        let mut validates = vec![false; self.len()];
        for (mut indices, part) in classes.into_iter().zip(proportional(&sizes, count)) {
            random.shuffle(&mut indices);
            for &index in &indices[..part] {
                validates[index] = true;
            }
        }
        let (validation, train): (Vec<usize>, Vec<usize>) =
            (0..self.len()).partition(|&index| validates[index]);
        Ok((self.selected(&train), self.selected(&validation)))
    }

    /// The first `n` images of each class, in the order in which they stand.
    ///
    /// # Errors
    ///
    /// If a class has fewer.
    ///
    /// ```
    /// use mnist_data::Dataset;
    /// use ndarray::{Array3, array};
    ///
    /// let dataset = Dataset::with_classes(Array3::zeros((4, 28, 28)), array![1, 0, 0, 1], 2)?;
    /// assert_eq!(dataset.first_of_each_class(1)?.labels(), [1, 0]);
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    pub fn first_of_each_class(&self, n: usize) -> Result<Self, Error> {
        let mut chosen = Vec::new();
        for indices in self.indices_by_class() {
            let what = "images of each class";
            let (expected, found) = (n, indices.len());
            chosen.extend(indices.get(..n).ok_or(ErrorKind::Count {
                what,
                expected,
                found,
            })?);
        }
        chosen.sort_unstable();
        Ok(self.selected(&chosen))
    }

    fn indices_by_class(&self) -> Vec<Vec<usize>> {
        let mut indices = vec![Vec::new(); self.classes()];
        for (index, &label) in self.labels().iter().enumerate() {
            indices[usize::from(label)].push(index);
        }
        indices
    }
}

/// `count` divided among classes of these sizes in proportion, by the method of largest remainders;
/// no class gets more than its size. `count` is at most the sum of the sizes.
fn proportional(sizes: &[usize], count: usize) -> Vec<usize> {
    // In u128 the products are exact on every machine.
    let total = sizes.iter().sum::<usize>().max(1) as u128;
    let product = |size: usize| size as u128 * count as u128;
    let mut parts: Vec<usize> = sizes
        .iter()
        .map(|&size| (product(size) / total) as usize)
        .collect();
    let mut classes: Vec<usize> = (0..sizes.len()).collect();
    // The sort is stable, so that of equal remainders the first class's comes first.
    classes.sort_by_key(|&class| Reverse(product(sizes[class]) % total));
    let missing = count.saturating_sub(parts.iter().sum());
    for &class in &classes[..missing] {
        parts[class] += 1;
    }
    parts
}

/// The numbers below `count` in an order that the seed decides.
pub(crate) fn shuffled_indices(count: usize, seed: u64) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..count).collect();
    Random::new(seed).shuffle(&mut indices);
    indices
}
