//! Kernels in the order in which the tiles read them.

use super::Plan;
use crate::parallel;
use crate::simd::{LANES, Lanes, groups};

/// Vectors that are worth a task of their own.
const TASK: usize = 1 << 12;

impl Plan {
    /// Packs kernels (taps, Cout) for [`forward`](Self::forward): (group, panel, tap, up to 2, 16), a panel
    /// being the kernels that one tile computes. Of pairs (group, pair, up to 2, 16), the two weights of a kernel
    /// beside each other.
    pub(crate) fn pack(&self, kernels: &[f32], packed: &mut [Lanes]) {
        let cout = self.cout();
        self.pack_by(packed, kernels, |group, tap| {
            (tap * cout + group * self.per_group.1, 1)
        });
    }

    /// For a [transposed](Self::transposed) plan, packs the kernels (taps, Cout) of the convolution, turned round.
    pub(crate) fn pack_transposed(&self, kernels: &[f32], packed: &mut [Lanes]) {
        let (per_out, per_in) = self.per_group;
        let cout = self.groups * per_out;
        let window = self.taps.len() / per_out;
        self.pack_by(packed, kernels, |group, tap| {
            let (place, kernel) = (window - 1 - tap / per_out, tap % per_out);
            (place * per_in * cout + group * per_out + kernel, cout)
        });
    }

    /// Packs the kernels of a plan by where the weights of a tap of a group lie: the first kernel's, and how far from
    /// one kernel's to the next one's.
    pub(in crate::ops) fn pack_by(
        &self,
        packed: &mut [Lanes],
        kernels: &[f32],
        weights: impl Fn(usize, usize) -> (usize, usize) + Sync,
    ) {
        if let Some(winograd) = &self.winograd {
            return winograd.pack(kernels, packed, |tap| weights(0, tap));
        }
        if let Some(pairs) = &self.pairs {
            let lanes = groups(2 * self.per_group.1);
            packed.fill(Lanes::ZERO);
            for (step, packed) in packed.chunks_exact_mut(lanes).enumerate() {
                let (group, pair) = (step / pairs.at.len(), step % pairs.at.len());
                let (tap, skip) = pairs.taps[pair];
                let (first, stride) = weights(group, tap);
                let (second, _) = weights(group, tap + 1);
                let packed = Lanes::flat_mut(packed).chunks_exact_mut(2);
                for (kernel, packed) in packed.enumerate().take(self.per_group.1) {
                    let at = kernel * stride;
                    packed[0] = if skip { 0.0 } else { kernels[first + at] };
                    packed[1] = kernels[second + at];
                }
            }
            return;
        }
        let all = groups(self.per_group.1) * self.taps.len();
        for (group, packed) in packed.chunks_exact_mut(all).enumerate() {
            // Some panels a task.
            let panel = 2 * self.taps.len();
            let size = panel * (TASK / panel).max(1);
            parallel::parts_mut(packed, size, |part, packed| {
                let first = part * size / panel;
                for (panel, packed) in self.panels().skip(first).zip(packed.chunks_mut(panel)) {
                    for (tap, packed) in packed.chunks_exact_mut(panel.lanes).enumerate() {
                        let (from, stride) = weights(group, tap);
                        let kernel = panel.first * LANES;
                        let from = &kernels[from + kernel * stride..];
                        pack_tap(from, stride, self.per_group.1 - kernel, packed);
                    }
                }
            });
        }
    }
}

/// The weights of a tap for as many kernels, zeros behind them.
pub(super) fn pack_tap(from: &[f32], stride: usize, kernels: usize, packed: &mut [Lanes]) {
    let packed = Lanes::flat_mut(packed);
    let (weights, rest) = packed.split_at_mut(kernels.min(packed.len()));
    if stride == 1 {
        weights.copy_from_slice(&from[..weights.len()]);
    } else {
        for (weight, from) in weights.iter_mut().zip(from.iter().step_by(stride)) {
            *weight = *from;
        }
    }
    rest.fill(0.0);
}
