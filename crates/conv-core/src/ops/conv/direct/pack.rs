//! Kernels in the order in which the tiles read them.

use super::Direct;
use crate::parallel;
use crate::simd::{LANES, Lanes, groups};
use crate::tuning::{LANES_PER_PACKING_TASK, PANEL_LANES};

impl Direct {
    /// Packs kernels for [`forward`](Self::forward): (group, panel, tap, up to 2, 16), a panel being the kernels that one
    /// tile computes. Of pairs (group, pair, up to 2, 16), the two weights of a kernel beside each other.
    ///
    /// `weights` says where the weights of a tap of a group lie in `kernels`: the first kernel's, and how far it is from one
    /// kernel's to the next one's.
    pub(in crate::ops::conv) fn pack(
        &self,
        packed: &mut [Lanes],
        kernels: &[f32],
        weights: impl Fn(usize, usize) -> (usize, usize) + Sync,
    ) {
        if let Some(pairs) = &self.pairs {
            let lanes = groups(2 * self.group_kernels);
            packed.fill(Lanes::ZERO);
            for (step, packed) in packed.chunks_exact_mut(lanes).enumerate() {
                let (group, pair) = (step / pairs.at.len(), step % pairs.at.len());
                let (tap, skip) = pairs.taps[pair];
                let (first, stride) = weights(group, tap);
                let (second, _) = weights(group, tap + 1);
                let packed = Lanes::flat_mut(packed).chunks_exact_mut(2);
                for (kernel, packed) in packed.enumerate().take(self.group_kernels) {
                    let at = kernel * stride;
                    packed[0] = if skip { 0.0 } else { kernels[first + at] };
                    packed[1] = kernels[second + at];
                }
            }
            return;
        }
        let all = groups(self.group_kernels) * self.windows.taps.len();
        for (group, packed) in packed.chunks_exact_mut(all).enumerate() {
            // Some panels a task.
            let panel = PANEL_LANES * self.windows.taps.len();
            let size = panel * (LANES_PER_PACKING_TASK / panel).max(1);
            parallel::parts_mut(packed, size, |part, packed| {
                let first = part * size / panel;
                for (panel, packed) in self.panels().skip(first).zip(packed.chunks_mut(panel)) {
                    for (tap, packed) in packed.chunks_exact_mut(panel.lanes).enumerate() {
                        let (from, stride) = weights(group, tap);
                        let kernel = panel.first * LANES;
                        let from = &kernels[from + kernel * stride..];
                        pack_tap(from, stride, self.group_kernels - kernel, packed);
                    }
                }
            });
        }
    }
}

/// The weights of a tap for as many kernels, zeros behind them.
fn pack_tap(from: &[f32], stride: usize, kernels: usize, packed: &mut [Lanes]) {
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
