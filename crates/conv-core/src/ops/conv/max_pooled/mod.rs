//! A convolution whose outputs go into a max pooling and nowhere else. Only the outputs that are a maximum have a
//! gradient, and the backward pass leaves out the others ([`backward`]). For a few kernels over a single channel the
//! forward pass writes the pooled values alone ([`forward`]).

mod backward;
pub(super) mod extent;
mod forward;

use super::geometry::Problem;
use super::plan::Plan;
use super::windows::WindowTable;
use crate::Error;
use crate::ops::pool;
use crate::simd::{Lanes, groups};
use crate::tuning::VALUES_IN_FIRST_CACHE;
pub(crate) use backward::SparseGradient;
use backward::TapRuns;
use forward::Phases;

/// The tables of such a convolution and its pooling.
#[derive(Debug)]
pub(crate) struct MaxPooled {
    pub(crate) plan: Plan,
    pooling: pool::Plan,
    windows: WindowTable,
    runs: TapRuns,
    phases: Option<Phases>,
    /// Pooled positions of an image.
    positions: usize,
    /// Images whose outputs are there at a time: they are pooled while they are in the first cache.
    images_per_block: usize,
}

impl MaxPooled {
    /// With phases for tiles of so many rows and columns, or without.
    pub(crate) fn new(
        problem: &Problem,
        pooling: pool::Plan,
        phases: Option<usize>,
    ) -> Result<Self, Error> {
        let plan = Plan::of_padded(problem)?;
        let windows = WindowTable::new(plan.problem(), 1);
        Ok(Self {
            runs: TapRuns::new(&windows.taps),
            phases: phases.map(|side| Phases::new(plan.problem(), side)),
            positions: pooling.output_len() / problem.output.channels,
            images_per_block: (VALUES_IN_FIRST_CACHE / plan.output_len()).max(1),
            windows,
            plan,
            pooling,
        })
    }

    /// Values of an image of the pooled output.
    pub(crate) fn output_len(&self) -> usize {
        self.pooling.output_len()
    }

    /// Values of the outputs before the pooling that are there at a time.
    pub(crate) fn unpooled_len(&self, images: usize) -> usize {
        images.min(self.images_per_block) * self.plan.output_len()
    }

    /// Lanes that a thread [reserves](crate::parallel::scratch::reserve) for it.
    pub(crate) fn scratch_len(&self) -> usize {
        let phases = self.phases.as_ref().map_or(0, Phases::scratch_len);
        phases.max(self.plan.scratch_len())
    }

    /// The pooled outputs, and the output pixel of each maximum if there is room for them.
    ///
    /// padded images, packed kernels, bias (Cout) → output, argmax (images, positions, Cout)
    pub(crate) fn forward(
        &self,
        padded: &[f32],
        (packed, bias): (&[Lanes], Option<&[f32]>),
        unpooled: &mut [f32],
        output: &mut [f32],
        mut argmax: Option<&mut [u32]>,
    ) {
        let (plan, len) = (&self.plan, self.pooling.output_len());
        let padded_len = plan.padded().len();
        let block_len = self.images_per_block * len;
        for (block, output) in output.chunks_mut(block_len).enumerate() {
            let first = block * self.images_per_block;
            let mut argmax = argmax
                .as_deref_mut()
                .map(|argmax| &mut argmax[first * len..][..output.len()]);
            if let Some(phases) = &self.phases {
                let padded = padded[first * padded_len..].chunks_exact(padded_len);
                let mut argmax = argmax.as_deref_mut().map(|all| all.chunks_exact_mut(len));
                let mut images = output.chunks_exact_mut(len).zip(padded);
                if images.all(|(output, padded)| {
                    let argmax = argmax.as_mut().and_then(Iterator::next);
                    phases.run(padded, (packed, bias), output, argmax)
                }) {
                    continue;
                }
            }
            let unpooled = &mut unpooled[..output.len() / len * plan.output_len()];
            plan.forward(padded, first * plan.pixels(), packed, bias, unpooled);
            self.pooling.forward_all(unpooled, output, argmax);
        }
    }

    /// Images whose gradients are gathered at once: few enough that their sums' rounding errors stay small.
    fn images_per_sum(&self, images: usize) -> usize {
        TapRuns::images_per_sum(self.positions, self.plan.padded().len(), images)
    }

    /// Channels, and outputs of each that may have a gradient at a time, of this many images.
    pub(crate) fn sparse_size(&self, images: usize) -> (usize, usize) {
        let room = self.images_per_sum(images) * self.positions;
        (self.plan.kernels(), room)
    }

    /// Vectors of sixteen in the kernels packed for the gradient of the input.
    pub(crate) fn packed_d_input_len(&self) -> usize {
        groups(self.plan.problem().taps() * self.plan.kernels())
    }

    /// Packs kernels (taps, Cout) for the gradient of the input: (Cout, taps).
    pub(crate) fn pack_d_input(&self, kernels: &[f32], packed: &mut [Lanes]) {
        let packed = &mut Lanes::flat_mut(packed)[..kernels.len()];
        backward::pack(self.plan.kernels(), kernels, packed);
    }

    /// Adds to the gradient of the kernels, and writes that of the images where it is asked for.
    ///
    /// padded images, argmax, `d_output` (images, positions, Cout) → `d_kernels` (taps, Cout), `d_input` (images, H, W, Cin)
    pub(crate) fn backward(
        &self,
        padded: &[f32],
        (argmax, d_output): (&[u32], &[f32]),
        sparse: &mut SparseGradient,
        d_kernels: &mut [f32],
        mut d_input: Option<DInput<'_>>,
    ) {
        let (plan, len) = (&self.plan, self.pooling.output_len());
        let (padded_len, input_len) = (plan.padded().len(), plan.padded().image.len());
        let per_sum = self.images_per_sum(d_output.len() / len);
        let blocks = argmax.chunks(per_sum * len);
        for (block, (argmax, d_output)) in blocks.zip(d_output.chunks(per_sum * len)).enumerate() {
            let (first, images) = (block * per_sum, d_output.len() / len);
            sparse.gather(
                (&self.windows.pixels, padded_len),
                self.positions,
                argmax,
                d_output,
            );
            let padded = &padded[first * padded_len..][..images * padded_len];
            self.runs.add_d_kernels(padded, sparse, d_kernels);
            let Some(d_input) = &mut d_input else {
                continue;
            };
            let channels = plan.problem().input().channels;
            let packed = &Lanes::flat(d_input.packed)[..d_kernels.len()];
            let own = &mut d_input.d_input[first * input_len..][..images * input_len];
            if plan.padded().is_image() {
                self.runs.d_input(channels, sparse, packed, own);
                continue;
            }
            let d_padded = &mut d_input.d_padded[..images * padded_len];
            self.runs.d_input(channels, sparse, packed, d_padded);
            plan.padded().crop_all(d_padded, own);
        }
    }
}

/// Where the gradient of the input goes.
pub(crate) struct DInput<'a> {
    /// Kernels as [`MaxPooled::pack_d_input`] packs them.
    pub(crate) packed: &'a [Lanes],
    /// Room for padded images, where images are padded.
    pub(crate) d_padded: &'a mut [f32],
    /// (images, H, W, Cin)
    pub(crate) d_input: &'a mut [f32],
}
