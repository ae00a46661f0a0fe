use ndarray::Array2;

use super::batch::Dropout;
use super::window::{Any, Fixed, Window};
use super::{CLASSES, Geometry, Images, exact, per_kernel, pooled};
use crate::simd::{LANES, Lanes, Op, Simd, dispatch};
use crate::{Error, NumpyRandom, parallel};

/// Images that one task takes through the network.
const CHUNK: usize = 50;

/// The chapter's network: its kernels and its dense layer.
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) geometry: Geometry,
    /// The kernels (group, tap, 16) as they are trained, for pixels from 0 to 1.
    pub(super) master_taps: Vec<[f64; LANES]>,
    /// The dense weights as they are trained, laid out as `dense` is.
    pub(super) master_dense: Vec<[f64; LANES]>,
    /// The kernels as they are used, for pixels from 0 to 255.
    pub(super) taps: Vec<Lanes>,
    /// The dense weights as they are used: (group, cell, class, 16 kernels), or with pooling (cell, 16) with
    /// the classes in the lanes. A cell is the first pixel of a section, see [`Geometry::cells`].
    pub(super) dense: Vec<Lanes>,
}

impl Network {
    /// The network as the listing begins: kernels uniform on ±0.01, then weights uniform on ±0.1.
    #[must_use]
    pub fn new(geometry: Geometry, random: &mut NumpyRandom) -> Self {
        let dense_vectors = match geometry.pooling {
            None => geometry.groups() * geometry.cells() * CLASSES,
            Some(_) => geometry.cells(),
        };
        let mut net = Self {
            geometry,
            master_taps: vec![[0.0; LANES]; geometry.groups() * geometry.taps()],
            master_dense: vec![[0.0; LANES]; dense_vectors],
            taps: vec![Lanes::ZERO; geometry.groups() * geometry.taps()],
            dense: vec![Lanes::ZERO; dense_vectors],
        };
        for tap in 0..geometry.taps() {
            for kernel in 0..geometry.kernels {
                *net.master_tap(tap, kernel) = 0.02 * random.random() - 0.01;
            }
        }
        for unit in 0..geometry.hidden() {
            for class in 0..CLASSES {
                let (vector, lane) = net.dense_index(unit, class);
                net.master_dense[vector][lane] = 0.2 * random.random() - 0.1;
            }
        }
        net.round_taps();
        for (weights, master) in net.dense.iter_mut().zip(&net.master_dense) {
            weights.0 = master.map(|weight| weight as f32);
        }
        net
    }

    /// Its shapes.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The kernels (kernel pixels, kernels), as the listing holds them.
    #[must_use]
    pub fn kernels(&self) -> Array2<f64> {
        let geometry = &self.geometry;
        Array2::from_shape_fn((geometry.taps(), geometry.kernels), |(tap, kernel)| {
            self.master_taps[kernel / LANES * geometry.taps() + tap][kernel % LANES]
        })
    }

    /// The dense weights (hidden, 10), as the listing holds them: unit = position × kernels + kernel.
    #[must_use]
    pub fn weights(&self) -> Array2<f64> {
        Array2::from_shape_fn((self.geometry.hidden(), CLASSES), |(unit, class)| {
            let (vector, lane) = self.dense_index(unit, class);
            self.master_dense[vector][lane]
        })
    }

    /// How many of the images are classified rightly, without dropout.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images were made for another geometry.
    pub fn count_correct(&self, images: &Images) -> Result<usize, Error> {
        self.check(images)?;
        let chunks = images.len().div_ceil(CHUNK);
        Ok(parallel::sum(chunks, |chunk| {
            let range = chunk * CHUNK..images.len().min((chunk + 1) * CHUNK);
            let mut correct = 0;
            dispatch(Predict {
                net: self,
                images,
                range,
                each: |image, logits: &[f64; CLASSES]| {
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
            each: |image, logits: &[f64; CLASSES]| {
                for (class, &logit) in logits.iter().enumerate() {
                    all[[image, class]] = logit;
                }
            },
        });
        Ok(all)
    }

    /// The geometry but for the pooling decides what images are made for.
    pub(super) fn check(&self, images: &Images) -> Result<(), Error> {
        let sides = |g: &Geometry| {
            vec![
                g.image.0,
                g.image.1,
                g.kernel.0,
                g.kernel.1,
                g.positions.0,
                g.positions.1,
            ]
        };
        let (expected, found) = (sides(&self.geometry), sides(&images.geometry));
        if expected == found {
            Ok(())
        } else {
            Err(Error::Shape {
                what: "images",
                expected,
                found,
            })
        }
    }

    /// The vector and the lane that hold a weight of the dense layer.
    pub(super) fn dense_index(&self, unit: usize, class: usize) -> (usize, usize) {
        if self.geometry.pooling.is_some() {
            return (self.geometry.cell_of(unit), class);
        }
        let (position, kernel) = (unit / self.geometry.kernels, unit % self.geometry.kernels);
        let cell = self.geometry.cell_of(position);
        (
            per_kernel::dense_vector(&self.geometry, cell, kernel / LANES, class),
            kernel % LANES,
        )
    }

    fn master_tap(&mut self, tap: usize, kernel: usize) -> &mut f64 {
        &mut self.master_taps[kernel / LANES * self.geometry.taps() + tap][kernel % LANES]
    }

    /// The kernels as they are used, of those that are trained.
    pub(super) fn round_taps(&mut self) {
        for (taps, master) in self.taps.iter_mut().zip(&self.master_taps) {
            taps.0 = master.map(|tap| (tap / 255.0) as f32);
        }
    }
}

/// The index of the largest number as `numpy.argmax` finds it: the first of equals, and a NaN before all.
pub(super) fn argmax(numbers: &[f64; CLASSES]) -> usize {
    let mut best = 0;
    for (i, number) in numbers.iter().enumerate() {
        if *number > numbers[best] || (number.is_nan() && !numbers[best].is_nan()) {
            best = i;
        }
    }
    best
}

/// Takes images through the network, one after the other.
struct Predict<'a, F> {
    net: &'a Network,
    images: &'a Images,
    range: std::ops::Range<usize>,
    each: F,
}

impl<F: FnMut(usize, &[f64; CLASSES])> Op for Predict<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match (self.net.geometry.kernel, self.net.geometry.image.1) {
            ((3, 3), 28) => self.through::<S, Fixed<S::F32, 3, 28>>(s),
            _ => self.through::<S, Any>(s),
        }
    }
}

impl<F: FnMut(usize, &[f64; CLASSES])> Predict<'_, F> {
    #[inline(always)]
    fn through<S: Simd, W: Window<S>>(mut self, s: S) {
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
