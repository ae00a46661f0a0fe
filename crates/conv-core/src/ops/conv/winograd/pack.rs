//! Kernels, transformed, in the order in which the products read them.

use super::transforms;
use super::{PANEL, Tiling, Winograd};
use crate::ops::conv::order::Order;
use crate::parallel;
use crate::parallel::scratch;
use crate::simd::{LANES, Lanes, Op, Simd, Tile, dispatch, groups, store_transposed};
use crate::tuning::{PANEL_LANES, TRANSPOSED};

impl Winograd {
    /// Packs kernels as the products read them: panel after panel, for each the transformed values.
    pub(in crate::ops::conv) fn pack(&self, order: Order, kernels: &[f32], packed: &mut [Lanes]) {
        let panel_len = self.values() * self.kernels_step(PANEL);
        parallel::parts_mut(packed, panel_len, |panel, packed| {
            let (_, channels) = self.panel(panel);
            let step = self.kernels_step(channels) * LANES;
            let packed = Lanes::flat_mut(packed);
            if order == Order::Forward {
                for channel in 0..self.cin {
                    let to = (&mut packed[channel * groups(channels) * LANES..], step);
                    self.pack_channel(kernels, (channel, panel), to);
                }
                return;
            }
            let taps = LANES * self.tiling.taps() * PANEL_LANES;
            scratch::with_tiles(taps, |taps| {
                dispatch(TransposedKernels {
                    winograd: self,
                    kernels,
                    order,
                    panel: self.panel(panel),
                    taps: Lanes::flat_mut(taps),
                    to: (packed, step),
                });
            });
        });
    }

    /// The transformed kernels (Kh, Kw, Cin, Cout) of a panel, of one input channel, with so many values from one to the next.
    pub(super) fn pack_channel(
        &self,
        kernels: &[f32],
        (channel, panel): (usize, usize),
        (to, step): (&mut [f32], usize),
    ) {
        let (first, channels) = self.panel(panel);
        let lanes = groups(channels);
        let from = &kernels[channel * self.cout + first..];
        let tap_step = self.cin * self.cout;
        if channels == lanes * LANES {
            return dispatch(Kernels {
                tiling: self.tiling,
                taps: (from, tap_step),
                to,
                step,
                lanes,
            });
        }
        let mut taps = [Lanes::ZERO; Tiling::MOST_TAPS * PANEL_LANES];
        let taps = &mut taps[..self.tiling.taps() * PANEL_LANES];
        for (position, tap) in taps.chunks_exact_mut(PANEL_LANES).enumerate() {
            Lanes::flat_mut(tap)[..channels]
                .copy_from_slice(&from[position * tap_step..][..channels]);
        }
        dispatch(Kernels {
            tiling: self.tiling,
            taps: (Lanes::flat(taps), PANEL),
            to,
            step,
            lanes,
        });
    }
}

/// The taps of an input channel for the kernels of a panel → their values, where the products read them.
struct Kernels<'a> {
    tiling: Tiling,
    /// And how far it is from one to the next.
    taps: (&'a [f32], usize),
    to: &'a mut [f32],
    /// From one value to the next.
    step: usize,
    /// Kernels, in whole vectors.
    lanes: usize,
}

impl Op for Kernels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (taps, tap_step) = self.taps;
        let from = (taps, Tile::spread(self.tiling.kernel(), tap_step));
        let to = (self.to, Tile::spread(self.tiling.tile(), self.step));
        transforms::kernel(s, self.tiling, from, to, self.lanes * LANES);
    }
}

/// Kernels whose rows are (Cout, Cin) → the transformed ones of a panel. Each row of them is read once: a weight at a time would be one of
/// every row, from lines that fall into the same sets of the cache.
struct TransposedKernels<'a> {
    winograd: &'a Winograd,
    kernels: &'a [f32],
    order: Order,
    /// The first channel, and how many.
    panel: (usize, usize),
    /// Room for the taps of the panel, of as many input channels as a vector has lanes.
    taps: &'a mut [f32],
    /// And from one value to the next.
    to: (&'a mut [f32], usize),
}

impl Op for TransposedKernels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Winograd {
            tiling, cin, cout, ..
        } = *self.winograd;
        let ((first, channels), (to, step)) = (self.panel, self.to);
        let lanes = groups(channels) * LANES;
        let row = tiling.taps() * PANEL;
        let tile = Tile::spread(tiling.tile(), step);
        for first_input in (0..cin).step_by(S::WIDTH) {
            let inputs = first_input..cin.min(first_input + S::WIDTH);
            for tap in 0..tiling.taps() {
                let pixel = self.order.pixel(tap, tiling.taps());
                for channel in (0..lanes).step_by(TRANSPOSED) {
                    let mut vectors = [s.splat(0.0); TRANSPOSED];
                    for (vector, channel) in vectors.iter_mut().zip(channel..channels) {
                        let from = &self.kernels[(pixel * cout + first + channel) * cin..];
                        *vector = s.load_first(&from[inputs.clone()]);
                    }
                    let to = &mut self.taps[tap * PANEL + channel..];
                    store_transposed(s, vectors, to, row);
                }
            }
            for (input, taps) in inputs.zip(self.taps.chunks_exact(row)) {
                let from = (taps, Tile::spread(tiling.kernel(), PANEL));
                let to = (&mut to[input * lanes..], tile);
                transforms::kernel(s, tiling, from, to, lanes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::conv::geometry::{Conv, Problem};
    use crate::shape::{ImageShape, Window};

    /// Kernels in any order are packed as those in the order of a convolution: to the same bits, and zeros in lanes without a kernel.
    #[test]
    fn the_order_of_the_kernels_does_not_matter() {
        for (tiling, size) in [(Tiling::F2x3, 3), (Tiling::F4x3, 3), (Tiling::F4x5, 5)] {
            for (cin, cout) in [(16, 32), (19, 37), (8, 70), (40, 9), (33, 48)] {
                let (image, conv) = (
                    ImageShape::new(8, 8, cin),
                    Conv::new(Window::new(size, size)),
                );
                let problem = Problem::new(&conv, image, cout).unwrap();
                let winograd = Winograd::new(tiling, &problem);
                let taps = size * size;
                let value = |tap: usize, i: usize, o: usize| {
                    ((tap * 7919 + i * 104_729 + o * 1299) % 2003) as f32 / 1001.0 - 1.0
                };
                let (mut kernels, mut transposed, mut flipped) = (vec![], vec![], vec![]);
                for tap in 0..taps {
                    kernels.extend((0..cin * cout).map(|at| value(tap, at / cout, at % cout)));
                    transposed.extend((0..cin * cout).map(|at| value(tap, at % cin, at / cin)));
                    flipped.extend(
                        (0..cin * cout).map(|at| value(taps - 1 - tap, at % cin, at / cin)),
                    );
                }
                let pack = |order, kernels: &[f32]| {
                    // What is between the panels is written by none.
                    let mut packed = vec![Lanes([9.0; LANES]); winograd.packed_len()];
                    winograd.pack(order, kernels, &mut packed);
                    let bits = Lanes::flat(&packed).iter().map(|x| x.to_bits());
                    bits.collect::<Vec<_>>()
                };
                let packed = pack(Order::Forward, &kernels);
                for (order, kernels) in
                    [(Order::Transposed, &transposed), (Order::Flipped, &flipped)]
                {
                    assert!(
                        pack(order, kernels) == packed,
                        "{tiling:?} {cin} {cout} {order:?}"
                    );
                }
                // The last kernel's lanes of the first value and channel, of the last panel.
                let (_, channels) = winograd.panel(winograd.panels() - 1);
                let last =
                    (winograd.panels() - 1) * winograd.values() * winograd.kernels_step(PANEL);
                let lanes = &packed[last * LANES..][..groups(channels) * LANES];
                assert!(lanes[..channels].iter().all(|&x| x != 0), "{cin} {cout}");
                assert!(lanes[channels..].iter().all(|&x| x == 0), "{cin} {cout}");
            }
        }
    }
}
