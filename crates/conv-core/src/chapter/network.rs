use ndarray::Array2;

use super::{CLASSES, Geometry, Images};
use crate::simd::{LANES, Lanes};
use crate::{Error, NumpyRandom};

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
                let (vector, lane) = geometry.dense_index(unit, class);
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
            let (vector, lane) = self.geometry.dense_index(unit, class);
            self.master_dense[vector][lane]
        })
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
