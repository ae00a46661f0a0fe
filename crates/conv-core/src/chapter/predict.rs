//! What the network predicts, without dropout.

use ndarray::Array2;

use super::batch::Dropout;
use super::head::{per_kernel, pooled};
use super::logits::argmax;
use super::window::{Any, ThreeByThree, Window};
use super::{CLASSES, Images, Network, exact};
use crate::simd::{Lanes, Op, Simd, dispatch};
use crate::tuning::CHAPTER_IMAGES_PER_PREDICTION as PER_TASK;
use crate::{Error, parallel};

impl Network {
    /// How many of the images are classified correctly, without dropout.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images were made for another geometry.
    pub fn count_correct(&self, images: &Images) -> Result<usize, Error> {
        self.check(images)?;
        let chunks = images.len().div_ceil(PER_TASK);
        Ok(parallel::sum(chunks, |chunk| {
            let range = chunk * PER_TASK..images.len().min((chunk + 1) * PER_TASK);
            let mut correct = 0;
            dispatch(Predict {
                net: self,
                images,
                range,
                each: &mut |image, logits| {
                    correct += usize::from(argmax(logits) == images.label(image));
                },
            });
            correct
        }))
    }

    /// The logits (N, 10) of the images, without dropout.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images were made for another geometry.
    pub fn logits(&self, images: &Images) -> Result<Array2<f64>, Error> {
        self.check(images)?;
        let mut all = Array2::zeros((images.len(), CLASSES));
        dispatch(Predict {
            net: self,
            images,
            range: 0..images.len(),
            each: &mut |image, logits| {
                for (class, &logit) in logits.iter().enumerate() {
                    all[[image, class]] = logit;
                }
            },
        });
        Ok(all)
    }
}

/// Takes images through the network, one after the other.
struct Predict<'a> {
    net: &'a Network,
    images: &'a Images,
    range: std::ops::Range<usize>,
    /// Receives the index and the logits of each.
    each: &'a mut dyn FnMut(usize, &[f64; CLASSES]),
}

impl Op for Predict<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match (self.net.geometry.kernel, self.net.geometry.image.1) {
            ((3, 3), 28) if S::UNROLLED => self.through::<S, ThreeByThree<S::F32, 28>>(s),
            _ => self.through::<S, Any>(s),
        }
    }
}

impl Predict<'_> {
    #[inline(always)]
    fn through<S: Simd, W: Window<S>>(self, s: S) {
        let geometry = &self.net.geometry;
        let mut pixels = vec![0.0; geometry.pixels()];
        let mut predictions = vec![Lanes::ZERO; geometry.groups()];
        for image in self.range {
            self.images.pixels_to(image, &mut pixels);
            let cells = self.images.cells(image);
            let none = Dropout::NONE;
            let mut logits = match geometry.pooling {
                None => {
                    per_kernel::forward::<S, W, false>(s, self.net, &pixels, cells, none, &mut [])
                }
                Some(pooling) => {
                    let scratch = &mut predictions;
                    pooled::forward::<S, W, false>(
                        s, self.net, pooling, &pixels, cells, none, scratch,
                    )
                }
            };
            if exact::is_close(&logits) {
                logits = exact::logits(self.net, &pixels, cells, None);
            }
            (self.each)(image, &logits);
        }
    }
}
