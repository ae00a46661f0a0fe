//! A spec laid out: which step reads which value, how large each value is, and where the parameters are. All of it is
//! arithmetic; no table is made and no weight drawn.
//!
//! Longer than other files, since every kind of layer has an arm here: what it checks, its parameters, its output.

use super::budget::Budget;
use super::fusion::{Graph, Node, Value, max_pooled};
use super::steps::StepSpec;
use super::steps::activation::Activation;
use super::steps::add::Add;
use super::steps::batch_norm::BatchNorm;
use super::steps::conv::Conv;
use super::steps::dense::Dense;
use super::steps::dropout::Dropout;
use super::steps::global_pool::GlobalPool;
use super::steps::kernel_pool::KernelPool;
use super::steps::layer_norm::LayerNorm;
use super::steps::pool::Pool;
use crate::Error;
use crate::init::Init;
use crate::ops::check::{expect_some, expect_value};
use crate::ops::conv::choose::{choose, choose_d_input, choose_dense_d_input};
use crate::ops::conv::geometry::{Conv as Convolution, Problem};
use crate::ops::pool::check_padding;
use crate::parameter::Parameter;
use crate::shape::{ImageShape, product};
use crate::spec::{self, Layer, Layers, Spec};

/// How deep residual blocks may be nested.
const DEPTH: usize = 32;

impl Spec {
    /// Checks that every layer fits the one before, and that the network is not too large.
    ///
    /// # Errors
    /// [`Error::Layer`] names the first layer that does not, with what it expected and found.
    pub fn check(&self) -> Result<(), Error> {
        Layout::new(self).map(|_| ())
    }
}

/// What [`Summary`](super::Summary) shows of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerInfo {
    /// Its number and kind, such as `3 (dense)`.
    pub name: String,
    /// The shape of its output for one image.
    pub output: ImageShape,
    /// Its parameters, trained ones.
    pub parameters: usize,
    /// Multiply-adds of convolutions and dense layers, an image.
    pub multiply_adds: u64,
}

/// The values with which a parameter begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum FirstValues {
    Ones,
    /// For so many values that an output sums, and so many outputs that a value goes to.
    Drawn(Init, (usize, usize)),
}

/// Which layer a batch normalisation is.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    /// Its layer's number, such as `3` or `2.body.0`.
    #[cfg(feature = "safetensors")]
    pub(crate) path: String,
    pub(crate) channels: usize,
}

/// A spec, checked.
#[derive(Debug)]
pub(super) struct Layout {
    /// The steps before any is fused with another. Value 0 is the input, and node i makes value i + 1.
    pub(super) graph: Graph,
    pub(super) parameters: Vec<Parameter>,
    /// How each parameter begins.
    pub(super) first_values: Vec<FirstValues>,
    pub(super) norms: Vec<Norm>,
    pub(super) layers: Vec<LayerInfo>,
    budget: Budget,
}

/// The value that the last layer wrote: its index, and its shape, which a flatten layer changes without a step.
#[derive(Clone, Copy)]
struct Current {
    value: usize,
    shape: ImageShape,
}

impl Layout {
    pub(super) fn new(spec: &Spec) -> Result<Self, Error> {
        let ImageShape {
            rows,
            cols,
            channels,
        } = spec.input;
        for (what, found) in [
            ("rows of the input", rows),
            ("columns of the input", cols),
            ("channels of the input", channels),
        ] {
            expect_some(what, found)?;
        }
        let len = product("the input", &[rows, cols, channels])?;
        let mut layout = Self {
            graph: Graph {
                nodes: Vec::new(),
                values: vec![Value {
                    len,
                    needs_gradient: false,
                }],
                output: 0,
            },
            parameters: Vec::new(),
            first_values: Vec::new(),
            norms: Vec::new(),
            layers: Vec::new(),
            budget: Budget::default(),
        };
        layout.budget.value("the input", len)?;
        let input = Current {
            value: 0,
            shape: ImageShape::new(rows, cols, channels),
        };
        layout.graph.output = layout.stack(&spec.layers, "", input, 0)?.value;
        Ok(layout)
    }

    /// Values of all parameters.
    pub(super) fn parameters_len(&self) -> usize {
        self.parameters.last().map_or(0, |last| last.range.end)
    }

    /// Multiply-adds of a forward pass, an image.
    pub(super) fn work(&self) -> u64 {
        let layers = self.layers.iter().map(|layer| layer.multiply_adds);
        layers.fold(0, u64::saturating_add)
    }

    fn stack(
        &mut self,
        layers: &Layers,
        path: &str,
        mut current: Current,
        depth: usize,
    ) -> Result<Current, Error> {
        for (number, layer) in layers.0.iter().enumerate() {
            let path = format!("{path}{number}");
            let name = format!("{path} ({})", layer.kind());
            let before = self.parameters_len();
            let first = self.graph.nodes.len();
            let laid = match layer {
                Layer::Residual { body, shortcut } => {
                    self.residual(body, shortcut, &path, current, depth)
                }
                _ => self.layer(layer, &path, current),
            };
            let (next, multiply_adds) = laid.map_err(|error| match error {
                Error::Layer { .. } => error,
                error => Error::Layer {
                    layer: name.clone(),
                    error: Box::new(error),
                },
            })?;
            // The steps that this layer made, those of a block's layers being named already.
            for node in &mut self.graph.nodes[first..] {
                if node.layer.is_empty() {
                    node.layer.clone_from(&name);
                }
            }
            current = next;
            let is_block = matches!(layer, Layer::Residual { .. });
            self.layers.push(LayerInfo {
                name,
                output: current.shape,
                // A block's layers stand before it.
                parameters: if is_block {
                    0
                } else {
                    self.parameters_len() - before
                },
                multiply_adds,
            });
        }
        Ok(current)
    }

    fn residual(
        &mut self,
        body: &Layers,
        shortcut: &Layers,
        path: &str,
        current: Current,
        depth: usize,
    ) -> Result<(Current, u64), Error> {
        if depth == DEPTH {
            return Err(Error::Range {
                what: "the depth of blocks in blocks",
                expected: format!("at most {DEPTH}"),
                found: depth + 1,
            });
        }
        let a = self.stack(body, &format!("{path}.body."), current, depth + 1)?;
        let b = self.stack(shortcut, &format!("{path}.shortcut."), current, depth + 1)?;
        if a.shape != b.shape {
            let shape = |shape: ImageShape| vec![shape.rows, shape.cols, shape.channels];
            return Err(Error::Shape {
                what: "the body's output",
                expected: shape(b.shape),
                found: shape(a.shape),
            });
        }
        let values = &self.graph.values;
        let needs = values[a.value].needs_gradient || values[b.value].needs_gradient;
        let sum = self.push(StepSpec::Add(Add), a, a.shape, needs)?;
        if let Some(node) = self.graph.nodes.last_mut() {
            node.other = Some(b.value);
        }
        Ok((sum, 0))
    }

    /// The step of a layer; its output and its multiply-adds. Only this function knows every kind of layer.
    fn layer(
        &mut self,
        layer: &Layer,
        path: &str,
        current: Current,
    ) -> Result<(Current, u64), Error> {
        let shape = current.shape;
        let needs = self.graph.values[current.value].needs_gradient;
        let (op, output) = match layer {
            Layer::Flatten => {
                let shape = ImageShape::new(1, 1, shape.len());
                return Ok((Current { shape, ..current }, 0));
            }
            Layer::Residual { .. } => return Ok((current, 0)),
            Layer::Conv(conv) => return self.conv(conv, path, current),
            Layer::Dense(dense) => return self.dense(dense, path, current),
            Layer::BatchNorm(norm) => return self.batch_norm(*norm, path, current),
            Layer::LayerNorm(norm) => return self.layer_norm(*norm, path, current),
            Layer::Pool { pool, window } => {
                let (rows, cols) = window.output(shape.rows, shape.cols)?.into();
                let op = Pool {
                    pool: *pool,
                    window: *window,
                    input: shape,
                };
                self.pool(&op, current)?;
                (
                    StepSpec::Pool(op),
                    ImageShape::new(rows, cols, shape.channels),
                )
            }
            Layer::GlobalAveragePool => {
                let (input_len, channels) = (shape.len(), shape.channels);
                let op = GlobalPool {
                    input_len,
                    channels,
                };
                (StepSpec::GlobalPool(op), ImageShape::new(1, 1, channels))
            }
            Layer::KernelPool { pooling } => {
                let op = KernelPool {
                    pooling: *pooling,
                    kernels: shape.channels,
                };
                let output = ImageShape {
                    channels: 1,
                    ..shape
                };
                (StepSpec::KernelPool(op), output)
            }
            Layer::Relu { slope } => {
                expect_value("slope", "finite", *slope, f32::is_finite)?;
                (StepSpec::Activation(Activation::Relu(*slope)), shape)
            }
            Layer::Tanh => (StepSpec::Activation(Activation::Tanh), shape),
            Layer::Sigmoid => (StepSpec::Activation(Activation::Sigmoid), shape),
            Layer::Gelu => (StepSpec::Activation(Activation::Gelu), shape),
            Layer::Silu => (StepSpec::Activation(Activation::Silu), shape),
            Layer::Dropout { probability } => {
                let fits = |p: f32| (0.0..1.0).contains(&p);
                expect_value("probability", "0 to below 1", *probability, fits)?;
                let op = Dropout {
                    probability: *probability,
                    number: 0,
                    len: shape.len(),
                };
                (StepSpec::Dropout(op), shape)
            }
        };
        Ok((self.push(op, current, output, needs)?, 0))
    }

    fn conv(
        &mut self,
        conv: &spec::Conv,
        path: &str,
        current: Current,
    ) -> Result<(Current, u64), Error> {
        let shape = current.shape;
        let convolution = Convolution::new(conv.window).groups(conv.groups);
        expect_some("kernels", conv.kernels)?;
        convolution.check_channels(shape.channels, conv.kernels)?;
        let (rows, cols) = conv.window.output(shape.rows, shape.cols)?.into();
        let (kh, kw) = conv.window.size.into();
        let (per_in, per_out) = (shape.channels / conv.groups, conv.kernels / conv.groups);
        let taps = product("kernels", &[kh, kw, per_in])?;
        let fans = (taps, product("kernels", &[kh, kw, per_out])?);
        let len = product("kernels", &[taps, conv.kernels])?;
        let multiply_adds = [rows, cols, len].map(|size| size as u64);
        let multiply_adds = multiply_adds.into_iter().fold(1, u64::saturating_mul);
        product("output", &[rows, cols, conv.kernels])?;
        self.budget.weights("kernels", &[len])?;
        let problem = Problem::new(&convolution, shape, conv.kernels)?;
        self.budget.algorithm(choose(&problem).memory)?;
        // Counted in any case, so that whether a layer is too large does not depend on the layers before it.
        self.budget.algorithm(choose_d_input(&problem)?.memory)?;
        let needs_d_input = self.graph.values[current.value].needs_gradient;
        let shape = vec![kh, kw, per_in, conv.kernels];
        let first = FirstValues::Drawn(conv.init, fans);
        let kernels = self.parameter(path, "kernels", shape, first, true)?;
        let bias = self.bias(path, conv.bias, conv.kernels)?;
        let op = Conv {
            problem,
            needs_d_input,
            kernels,
            bias,
        };
        let output = ImageShape::new(rows, cols, conv.kernels);
        Ok((
            self.push(StepSpec::Conv(op), current, output, true)?,
            multiply_adds,
        ))
    }

    fn dense(
        &mut self,
        dense: &spec::Dense,
        path: &str,
        current: Current,
    ) -> Result<(Current, u64), Error> {
        let ImageShape {
            rows,
            cols,
            channels: features,
        } = current.shape;
        if rows * cols != 1 {
            let found = [rows, cols, features];
            return Err(Error::NotFlat { found });
        }
        let outputs = dense.outputs;
        expect_some("outputs", outputs)?;
        let multiply_adds = product("weights", &[features, outputs])? as u64;
        self.budget.weights("weights", &[features, outputs])?;
        let problem = Problem::dense(1, features, outputs)?;
        self.budget.algorithm(choose(&problem).memory)?;
        self.budget
            .algorithm(choose_dense_d_input(&problem)?.memory)?;
        let needs_d_input = self.graph.values[current.value].needs_gradient;
        let first = FirstValues::Drawn(dense.init, (features, outputs));
        let weights = self.parameter(path, "weights", vec![features, outputs], first, true)?;
        let bias = self.bias(path, dense.bias, outputs)?;
        let op = Dense {
            features,
            outputs,
            needs_d_input,
            weights,
            bias,
        };
        let output = ImageShape::new(1, 1, outputs);
        Ok((
            self.push(StepSpec::Dense(op), current, output, true)?,
            multiply_adds,
        ))
    }

    fn batch_norm(
        &mut self,
        norm: spec::BatchNorm,
        path: &str,
        current: Current,
    ) -> Result<(Current, u64), Error> {
        check_epsilon(norm.epsilon)?;
        let fits = |x: f32| (0.0..=1.0).contains(&x);
        expect_value("momentum", "0 to 1", norm.momentum, fits)?;
        let channels = current.shape.channels;
        self.budget.weights("the normalisation", &[16, channels])?;
        // Statistics and sums of the batch and of a shard, four numbers of eight bytes each, and scale and shift.
        self.budget.image("the statistics", &[19, channels])?;
        let (gamma, beta) = self.scale_and_shift(path, channels)?;
        let op = BatchNorm {
            index: self.norms.len(),
            channels,
            epsilon: norm.epsilon,
            momentum: norm.momentum,
            slope: 1.0,
            gamma,
            beta,
        };
        self.norms.push(Norm {
            #[cfg(feature = "safetensors")]
            path: path.to_owned(),
            channels,
        });
        let output = self.push(StepSpec::BatchNorm(op), current, current.shape, true)?;
        Ok((output, 0))
    }

    fn layer_norm(
        &mut self,
        norm: spec::LayerNorm,
        path: &str,
        current: Current,
    ) -> Result<(Current, u64), Error> {
        check_epsilon(norm.epsilon)?;
        let channels = current.shape.channels;
        self.budget.weights("the normalisation", &[4, channels])?;
        let (gamma, beta) = self.scale_and_shift(path, channels)?;
        let op = LayerNorm {
            epsilon: norm.epsilon,
            gamma,
            beta,
        };
        let output = self.push(StepSpec::LayerNorm(op), current, current.shape, true)?;
        Ok((output, 0))
    }

    /// The budget of a pooling: its table and its argmax, and what it takes as one step with a convolution before it.
    fn pool(&mut self, pool: &Pool, current: Current) -> Result<(), Error> {
        let (window, shape) = (&pool.window, pool.input);
        let (rows, cols) = window.output(shape.rows, shape.cols)?.into();
        self.budget
            .image("the argmax of a pooling", &[rows, cols, shape.channels])?;
        // The table may have grown to twice what it needs.
        let sizes = [2, rows, cols, window.size.down, window.size.right];
        self.budget.image("the table of a pooling", &sizes)?;
        check_padding(window, shape.rows, shape.cols)?;
        // As if they were fused, whatever else reads the convolution's output.
        let before = current.value.checked_sub(1);
        let before = before.map(|before| &self.graph.nodes[before].op);
        if let Some(choice) = before.map_or(Ok(None), |before| max_pooled(before, pool))? {
            self.budget.algorithm(choice.memory)?;
        }
        Ok(())
    }

    fn bias(
        &mut self,
        path: &str,
        has: bool,
        channels: usize,
    ) -> Result<Option<std::ops::Range<usize>>, Error> {
        self.budget.weights("biases", &[16, channels])?;
        let bias = has.then(|| self.parameter(path, "bias", vec![channels], ZEROS, false));
        bias.transpose()
    }

    fn scale_and_shift(
        &mut self,
        path: &str,
        channels: usize,
    ) -> Result<(std::ops::Range<usize>, std::ops::Range<usize>), Error> {
        let ones = FirstValues::Ones;
        let gamma = self.parameter(path, "gamma", vec![channels], ones, false)?;
        let beta = self.parameter(path, "beta", vec![channels], ZEROS, false)?;
        Ok((gamma, beta))
    }

    fn parameter(
        &mut self,
        path: &str,
        what: &str,
        shape: Vec<usize>,
        first: FirstValues,
        decays: bool,
    ) -> Result<std::ops::Range<usize>, Error> {
        if let FirstValues::Drawn(init, _) = first {
            init.check()?;
        }
        let start = self.parameters_len();
        let parameter = Parameter::new(format!("{path}.{what}"), shape, start, decays)?;
        let range = parameter.range.clone();
        self.parameters.push(parameter);
        self.first_values.push(first);
        Ok(range)
    }

    fn push(
        &mut self,
        op: StepSpec,
        input: Current,
        shape: ImageShape,
        needs_gradient: bool,
    ) -> Result<Current, Error> {
        let len = product("output", &[shape.rows, shape.cols, shape.channels])?;
        self.budget.value("output", len)?;
        self.graph.nodes.push(Node {
            op,
            input: input.value,
            other: None,
            layer: String::new(),
        });
        self.graph.values.push(Value {
            len,
            needs_gradient,
        });
        let value = self.graph.nodes.len();
        Ok(Current { value, shape })
    }
}

/// Zeros, drawn from −0 to 0: some are −0, as in the first version, and saved models depend on the bits.
const ZEROS: FirstValues = FirstValues::Drawn(Init::Uniform { limit: 0.0 }, (1, 1));

fn check_epsilon(epsilon: f32) -> Result<(), Error> {
    let fits = |x: f32| x > 0.0 && x.is_finite();
    expect_value("epsilon", "above 0, and finite", epsilon, fits)
}
