//! Dropout: in training, each value becomes 0 with some probability.

use super::Step;
use crate::network::pass::{Backward, Block, Buffers, Forward};
use crate::ops::dropout::drop_seeded;
use crate::random::Seeded;

#[derive(Clone, Copy, Debug)]
pub(in crate::network) struct Dropout {
    pub(in crate::network) probability: f32,
    /// Its index among the steps, counted after each normalisation has taken the ReLU after it and before convolutions take
    /// their pooling. It tells its draws from those of others, so that this order is fixed.
    pub(in crate::network) number: u64,
    /// Values of an image.
    pub(in crate::network) len: usize,
}

impl Dropout {
    /// Draws the mask anew, so that none need be kept from the forward pass to the backward pass: whether a value is dropped
    /// follows from the seed, the step's number and the value's index in the batch.
    fn run(&self, seed: u64, block: Block, from: &[f32], to: &mut [f32]) {
        let random = Seeded::new(seed).part(self.number);
        let first = block.first as u64 * self.len as u64;
        drop_seeded(&random, self.probability, first, from, to);
    }
}

impl Step for Dropout {
    fn forward(&self, pass: &Forward<'_>, _: &mut Buffers, output: &mut [f32]) {
        match pass.seed {
            Some(seed) => self.run(seed, pass.block, pass.x, output),
            None => output.copy_from_slice(pass.x),
        }
    }

    fn reads_input(&self) -> bool {
        false
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        _: &mut Buffers,
        _: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        if let Some(d_input) = d_input {
            self.run(pass.seed, pass.block, pass.d_output, d_input);
        }
    }
}
