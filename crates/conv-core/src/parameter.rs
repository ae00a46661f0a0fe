//! What a parameter is: a name, a shape, and a range among the values of all parameters.

use std::ops::Range;

use crate::Error;
use crate::shape::product;

/// A parameter's name and range. [`Network::parameters`](crate::network::Network::parameters) lists those of a network;
/// a model of one's own may list its own, for [`Optimizer::step`](crate::optimizer::Optimizer::step).
///
/// ```
/// use conv_core::Parameter;
///
/// let weights = Parameter::new("weights", [3, 4], 0, true)?;
/// let bias = Parameter::new("bias", [4], weights.range.end, false)?;
/// assert_eq!((weights.range, bias.range), (0..12, 12..16));
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Of a network, the layer's number and what it is, such as `3.kernels`; in a residual block `2.body.0.kernels`.
    pub name: String,
    /// Kernels (Kh, Kw, Cin / groups, Cout), weights (F, C), a bias, gamma or beta (C).
    pub shape: Vec<usize>,
    /// Where it stands among the values of all parameters.
    pub range: Range<usize>,
    /// Whether weight decay concerns it: in a network, kernels and weights alone.
    pub decays: bool,
}

impl Parameter {
    /// One of such a shape, whose first value is number `start` of all.
    ///
    /// # Errors
    /// [`Error::Overflow`] if it has too many values.
    pub fn new(
        name: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        start: usize,
        decays: bool,
    ) -> Result<Self, Error> {
        let (what, shape) = ("the parameters", shape.into());
        let end = start.checked_add(product(what, &shape)?);
        let end = end.ok_or(Error::Overflow { what })?;
        Ok(Self {
            name: name.into(),
            shape,
            range: start..product(what, &[end])?,
            decays,
        })
    }
}
