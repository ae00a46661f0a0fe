//! Layer normalisation over the channels of each pixel.

use std::ops::Range;

use super::Step;
use crate::network::pass::{Backward, Buffers, Forward};
use crate::ops::layer_norm::{self, Scale};

#[derive(Clone, Debug)]
pub(in crate::network) struct LayerNorm {
    pub(in crate::network) epsilon: f32,
    pub(in crate::network) gamma: Range<usize>,
    pub(in crate::network) beta: Range<usize>,
}

impl Step for LayerNorm {
    fn forward(&self, pass: &Forward<'_>, _: &mut Buffers, output: &mut [f32]) {
        let scale = Scale {
            epsilon: self.epsilon,
            gamma: &pass.parameters[self.gamma.clone()],
        };
        let beta = &pass.parameters[self.beta.clone()];
        layer_norm::normalise(scale, beta, pass.x, output);
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        _: &mut Buffers,
        gradient: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        let scale = Scale {
            epsilon: self.epsilon,
            gamma: &pass.parameters[self.gamma.clone()],
        };
        // Beta comes right after gamma.
        let (d_gamma, d_beta) =
            gradient[self.gamma.start..self.beta.end].split_at_mut(self.gamma.len());
        layer_norm::add_d_parameters(scale, pass.x, pass.d_output, d_gamma, d_beta);
        if let Some(d_input) = d_input {
            layer_norm::write_d_input(scale, pass.x, pass.d_output, d_input);
        }
    }
}
