//! A function of each value by itself.

use super::Step;
use crate::network::pass::{Backward, Buffers, Forward};
use crate::ops::activation::{
    Gelu, GeluSlope, Relu, Sigmoid, SigmoidSlope, Silu, SiluSlope, Tanh, TanhSlope, map,
};

#[derive(Clone, Copy, Debug)]
pub(in crate::network) enum Activation {
    /// With its slope below 0.
    Relu(f32),
    Tanh,
    Sigmoid,
    Gelu,
    Silu,
}

impl Step for Activation {
    fn forward(&self, pass: &Forward<'_>, _: &mut Buffers, output: &mut [f32]) {
        let x = pass.x;
        match *self {
            Self::Relu(slope) => map(Relu(slope), x, x, output),
            Self::Tanh => map(Tanh, x, x, output),
            Self::Sigmoid => map(Sigmoid, x, x, output),
            Self::Gelu => map(Gelu, x, x, output),
            Self::Silu => map(Silu, x, x, output),
        }
    }

    fn reads_input(&self) -> bool {
        !self.reads_output()
    }

    fn reads_output(&self) -> bool {
        matches!(self, Self::Tanh | Self::Sigmoid)
    }

    fn backward(
        &self,
        pass: &Backward<'_>,
        _: &mut Buffers,
        _: &mut [f32],
        d_input: Option<&mut [f32]>,
    ) {
        let (x, output, d_output) = (pass.x, pass.output, pass.d_output);
        let Some(d_input) = d_input else { return };
        match *self {
            Self::Relu(slope) => map(Relu(slope), x, d_output, d_input),
            Self::Tanh => map(TanhSlope, output, d_output, d_input),
            Self::Sigmoid => map(SigmoidSlope, output, d_output, d_input),
            Self::Gelu => map(GeluSlope, x, d_output, d_input),
            Self::Silu => map(SiluSlope, x, d_output, d_input),
        }
    }
}
