//! Weight reuse, to be felt: shifted digits through the dense network of chapter 9, the convolution of chapter 10, and a
//! network of stacked convolutions.

use mnist_data::Dataset;
use ndarray::{Array3, ArrayView1};
use trainer::evaluation::Evaluation;
use trainer::listing::{Fixes, Listing, Settings};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::digits::Digits;
use crate::reader::Reader;
use crate::words;

/// Iterations that both listings are trained for: by then each classifies its training images.
const ITERATIONS: usize = 60;

/// The two listings, in training and after.
#[wasm_bindgen]
pub struct Shifts {
    dense: Listing,
    conv: Listing,
}

#[wasm_bindgen]
impl Shifts {
    /// Chapters 9 and 10 without the listings' faults, before their first iteration.
    ///
    /// # Errors
    /// It does not fail: the images are the chapter's.
    #[wasm_bindgen(constructor)]
    pub fn new(digits: &Digits) -> Result<Self, String> {
        let listing = |settings: Settings| {
            let settings = Settings {
                iterations: ITERATIONS,
                ..settings
            };
            Listing::new(settings, &digits.splits).map_err(words)
        };
        Ok(Self {
            dense: listing(Settings {
                fixes: Fixes::ALL,
                ..Settings::chapter_9()
            })?,
            conv: listing(Settings::chapter_10(Fixes::ALL))?,
        })
    }

    /// One iteration of both; gives the part that is done, 0 to 1.
    ///
    /// # Errors
    /// It does not fail: all shapes fit.
    pub fn train(&mut self) -> Result<f64, String> {
        if self.dense.done() < ITERATIONS {
            self.dense.iterate(false, || false).map_err(words)?;
            self.conv.iterate(false, || false).map_err(words)?;
        }
        Ok(self.dense.done() as f64 / ITERATIONS as f64)
    }

    /// The accuracies of dense, convolution and `stacked` on the first `count` test images, shifted by so many pixels to the
    /// right and down.
    ///
    /// # Errors
    /// If the model takes other images.
    pub fn accuracies(
        &self,
        digits: &Digits,
        stacked: &Reader,
        count: usize,
        right: i32,
        down: i32,
    ) -> Result<Vec<f64>, String> {
        let test = &digits.splits.test;
        let some = test.first(count.clamp(1, test.len())).map_err(words)?;
        let some = shifted(&some, right, down)?;
        let mut all = Vec::new();
        for listing in [&self.dense, &self.conv] {
            let logits = listing.logits(&some).map_err(words)?;
            let predicted = logits.rows().into_iter().map(argmax);
            let right = predicted.zip(some.labels());
            let right = right.filter(|(predicted, label)| *predicted == usize::from(**label));
            all.push(right.count() as f64 / some.len() as f64);
        }
        let found = Evaluation::of(&stacked.model, &some).map_err(words)?;
        all.push(found.accuracy);
        Ok(all)
    }

    /// The pixels of a test image, shifted, and then the probabilities of the ten digits by each of the three networks.
    ///
    /// # Errors
    /// If there is no such image, or the model takes others.
    pub fn answers(
        &self,
        digits: &Digits,
        stacked: &Reader,
        index: usize,
        right: i32,
        down: i32,
    ) -> Result<Vec<f64>, String> {
        let test = &digits.splits.test;
        let (image, label) = test
            .images()
            .outer_iter()
            .nth(index)
            .zip(test.labels().get(index))
            .map(|(image, &label)| (image.insert_axis(ndarray::Axis(0)).to_owned(), label))
            .ok_or_else(|| format!("there are {} test images", test.len()))?;
        let one = Dataset::new(image, vec![label].into()).map_err(words)?;
        let one = shifted(&one, right, down)?;
        let mut all: Vec<f64> = one.images().iter().map(|&pixel| f64::from(pixel)).collect();
        for listing in [&self.dense, &self.conv] {
            let logits = listing.logits(&one).map_err(words)?;
            all.extend(softmax(logits.row(0)));
        }
        let stacked = stacked.model.probabilities(one.images()).map_err(words)?;
        all.extend(stacked.iter().map(|&probability| f64::from(probability)));
        Ok(all)
    }
}

/// The images moved to the right and down; what leaves them is lost, and what comes in is 0.
fn shifted(dataset: &Dataset, right: i32, down: i32) -> Result<Dataset, String> {
    let images = dataset.images();
    let from = |at: usize, by: i32| usize::try_from(at as i64 - i64::from(by)).ok();
    let moved = Array3::from_shape_fn(images.dim(), |(image, y, x)| {
        let source = from(y, down).zip(from(x, right));
        let pixel = source.and_then(|(y, x)| images.get([image, y, x]));
        pixel.copied().unwrap_or(0)
    });
    Dataset::new(moved, dataset.labels().to_vec().into()).map_err(words)
}

/// The first of the largest.
fn argmax(row: ArrayView1<'_, f64>) -> usize {
    (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
}

fn softmax(row: ArrayView1<'_, f64>) -> Vec<f64> {
    let most = row.fold(f64::NEG_INFINITY, |most, &logit| most.max(logit));
    let exps: Vec<f64> = row.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.into_iter().map(|exp| exp / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digits::tests::digits;

    #[test]
    fn a_shift_moves_pixels() {
        let digits = digits();
        let one = digits.splits.test.first(1).unwrap();
        let moved = shifted(&one, 2, -3).unwrap();
        let (before, after) = (one.images(), moved.images());
        for y in 0..28 {
            for x in 0..28 {
                let expected = match (y + 3 < 28, x >= 2) {
                    (true, true) => before[[0, y + 3, x - 2]],
                    _ => 0,
                };
                assert_eq!(after[[0, y, x]], expected, "{y} {x}");
            }
        }
        assert_eq!(shifted(&one, 0, 0).unwrap().images(), before);
        let gone = shifted(&one, i32::MIN, i32::MAX).unwrap();
        assert!(gone.images().iter().all(|&pixel| pixel == 0));
    }

    #[test]
    fn three_networks_answer() {
        let digits = digits();
        let mut shifts = Shifts::new(&digits).unwrap();
        for done in 1..=5 {
            assert_eq!(shifts.train().unwrap(), f64::from(done) / 60.0);
        }
        let reader = Reader::new(include_bytes!("../web/quick.safetensors")).unwrap();
        let straight = shifts.accuracies(&digits, &reader, 300, 0, 0).unwrap();
        let moved = shifts.accuracies(&digits, &reader, 300, 6, 0).unwrap();
        assert_eq!(straight.len(), 3);
        assert!(
            straight.iter().zip(&moved).all(|(a, b)| a > b),
            "{straight:?} {moved:?}"
        );
        assert!(straight[2] > 0.95);
        let answers = shifts.answers(&digits, &reader, 0, 1, 1).unwrap();
        assert_eq!(answers.len(), 784 + 30);
        for probabilities in answers[784..].chunks(10) {
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        }
        assert!(shifts.answers(&digits, &reader, 10_000, 0, 0).is_err());
    }
}
