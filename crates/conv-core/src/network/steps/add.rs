//! The sum of two values, with which a residual block ends.

use super::Step;
use crate::network::pass::{Backward, Buffers, Forward};
use crate::ops::residual;

#[derive(Clone, Copy, Debug)]
pub(in crate::network) struct Add;

impl Step for Add {
    fn forward(&self, pass: &Forward<'_>, _: &mut Buffers, output: &mut [f32]) {
        residual::add(pass.x, pass.other, output);
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
            d_input.copy_from_slice(pass.d_output);
        }
    }

    fn passes_gradient_on(&self) -> bool {
        true
    }
}
