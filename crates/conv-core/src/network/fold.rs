//! Batch normalisations folded into the layers before them.

use std::slice::Iter;

use ndarray::{ArrayView1, ArrayViewMut1, ArrayViewMut4};

use super::Network;
use crate::Error;
use crate::ops::batch_norm::{self, Statistics};
use crate::parameter::Parameter;
use crate::spec::{BatchNorm, Layer, Layers, Spec};

impl Network {
    /// The same network for inference: each batch normalisation that comes straight after a convolution or a dense
    /// layer is folded into that layer's kernels and biases (see [`batch_norm::fold`]), and gone from the spec. Any
    /// other one stays, and so does one that would make a weight overflow.
    ///
    /// Outputs differ from this network's by rounding alone, about 1e-6 of them. [`forward`](Self::forward) does not
    /// do this by itself: it would have to fold anew after every training step, and its bits would be those of other
    /// weights than [`values`](Self::values) shows.
    ///
    /// ```
    /// use conv_core::network::Network;
    /// use conv_core::spec::{Conv, Layers, Spec};
    ///
    /// let block = Layers::new().then(Conv::new(4, (3, 3)).without_bias()).batch_norm().relu();
    /// let network = Network::new(&Spec::new((8, 8, 1), block), 1)?;
    /// let folded = network.folded()?;
    /// assert_eq!(folded.spec().layers, Layers::new().conv(4, (3, 3)).relu());
    /// assert_eq!((network.summary().layers.len(), folded.summary().layers.len()), (3, 2));
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Spec::check`], which nothing is known to cause: the spec fits where this network's does.
    pub fn folded(&self) -> Result<Self, Error> {
        let mut fold = Fold {
            parameters: self.parameters().iter(),
            running: self.running_statistics().iter(),
            before: self.values(),
            values: Vec::new(),
            kept: Vec::new(),
        };
        let layers = fold.layers(&self.spec.layers)?;
        let (values, kept) = (fold.values, fold.kept);
        let mut folded = Self::new(&Spec::new(self.spec.input, layers), self.seed)?;
        folded.set_values(&values)?;
        folded.set_running_statistics(&kept)?;
        Ok(folded)
    }
}

/// A walk through the layers, on which parameters and statistics come in their order.
struct Fold<'a> {
    parameters: Iter<'a, Parameter>,
    running: Iter<'a, Statistics>,
    /// The values of all parameters before.
    before: &'a [f32],
    /// The values of the folded layers so far.
    values: Vec<f32>,
    /// The statistics of the normalisations that stay.
    kept: Vec<Statistics>,
}

impl<'a> Fold<'a> {
    fn next_parameter(&mut self) -> &'a [f32] {
        let parameter = self.parameters.next();
        parameter.map_or(&[], |parameter| &self.before[parameter.range.clone()])
    }

    fn layers(&mut self, layers: &Layers) -> Result<Layers, Error> {
        let mut folded = Vec::new();
        let mut rest = &layers.0[..];
        while let [layer, after @ ..] = rest {
            rest = after;
            let mut layer = layer.clone();
            let bias = match &mut layer {
                Layer::Conv(conv) => Some((&mut conv.bias, conv.kernels)),
                Layer::Dense(dense) => Some((&mut dense.bias, dense.outputs)),
                Layer::BatchNorm(_) => {
                    self.keep_scale_and_shift();
                    self.kept.extend(self.running.next().cloned());
                    None
                }
                Layer::LayerNorm(_) => {
                    self.keep_scale_and_shift();
                    None
                }
                Layer::Residual { body, shortcut } => {
                    *body = self.layers(body)?;
                    *shortcut = self.layers(shortcut)?;
                    None
                }
                Layer::Pool { .. }
                | Layer::GlobalAveragePool
                | Layer::KernelPool { .. }
                | Layer::Flatten
                | Layer::Relu { .. }
                | Layer::Tanh
                | Layer::Sigmoid
                | Layer::Gelu
                | Layer::Silu
                | Layer::Dropout { .. } => None,
            };
            if let Some((bias, channels)) = bias {
                self.weights(bias, channels, &mut rest)?;
            }
            folded.push(layer);
        }
        Ok(Layers(folded))
    }

    fn keep_scale_and_shift(&mut self) {
        for _ in ["gamma", "beta"] {
            let values = self.next_parameter();
            self.values.extend_from_slice(values);
        }
    }

    /// The weights of a layer and its bias, with the normalisations that come next.
    fn weights(
        &mut self,
        has_bias: &mut bool,
        channels: usize,
        rest: &mut &[Layer],
    ) -> Result<(), Error> {
        let mut kernels = self.next_parameter().to_vec();
        let mut bias = vec![0.0; channels];
        if *has_bias {
            bias.copy_from_slice(self.next_parameter());
        }
        while let [Layer::BatchNorm(norm), after @ ..] = *rest {
            if !self.fold(norm, &mut kernels, &mut bias)? {
                break;
            }
            *has_bias = true;
            *rest = after;
        }
        self.values.append(&mut kernels);
        if *has_bias {
            self.values.append(&mut bias);
        }
        Ok(())
    }

    /// Folds the next normalisation into kernels (.., C) and biases (C), unless a value would overflow.
    fn fold(
        &mut self,
        norm: &BatchNorm,
        kernels: &mut Vec<f32>,
        bias: &mut Vec<f32>,
    ) -> Result<bool, Error> {
        let mut ahead = (self.parameters.clone(), self.running.clone());
        let [gamma, beta] = [(); 2].map(|()| ahead.0.next());
        let (Some(gamma), Some(beta), Some(statistics)) = (gamma, beta, ahead.1.next()) else {
            return Ok(false);
        };
        let (mut new_kernels, mut new_bias) = (kernels.clone(), bias.clone());
        let shape = (1, 1, kernels.len() / bias.len(), bias.len());
        let overflow = |_| Error::Overflow { what: "kernels" };
        batch_norm::fold(
            statistics,
            norm.epsilon,
            ArrayView1::from(&self.before[gamma.range.clone()]),
            ArrayView1::from(&self.before[beta.range.clone()]),
            ArrayViewMut4::from_shape(shape, &mut new_kernels).map_err(overflow)?,
            ArrayViewMut1::from(&mut new_bias[..]),
        )?;
        let finite = new_kernels.iter().chain(&new_bias).all(|x| x.is_finite());
        if finite {
            (*kernels, *bias) = (new_kernels, new_bias);
            (self.parameters, self.running) = ahead;
        }
        Ok(finite)
    }
}
