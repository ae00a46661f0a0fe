//! A spec, checked and laid out: which step reads which value, and where its parameters are.

use std::ops::Range;

use super::budget::Budget;
use super::step::{Back, Step, StepOp};
use crate::Error;
use crate::init::Init;
use crate::ops::conv;
use crate::ops::dense::DENSE;
use crate::ops::engine;
use crate::ops::{expect_some, pool};
use crate::shape::product;
use crate::spec::{Layer, Layers, Spec};

/// How deep residual blocks may lie in each other.
const DEPTH: usize = 32;

/// The steps of a network. Value 0 is the input, and step i makes value i + 1.
#[derive(Debug)]
pub(crate) struct Program {
    pub(super) steps: Vec<Step>,
    /// Numbers of each value, an image.
    pub(super) lens: Vec<usize>,
    /// Whether each value needs a gradient: whether it depends on parameters.
    pub(super) needs: Vec<bool>,
    /// The value that is the output, and its shape.
    pub(super) output: (usize, [usize; 3]),
    pub(super) parameters: Vec<Parameter>,
    /// Numbers of all parameters.
    pub(super) len: usize,
    /// Steps between which all images meet: a run begins with a normalisation, but for the first.
    pub(super) runs: Vec<Range<usize>>,
    pub(super) layers: Vec<LayerInfo>,
    /// Normalisations so far.
    norms: usize,
    /// The value with which the last block began: its body and its shortcut both read it.
    shared: usize,
    budget: Budget,
}

/// A parameter's name and place.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The layer's number and what it is, such as `3.kernels`; in a residual block `2.body.0.kernels`.
    pub name: String,
    /// Kernels (Kh, Kw, Cin / groups, Cout), weights (F, C), a bias, gamma or beta (C).
    pub shape: Vec<usize>,
    /// Where it stands among the numbers of all parameters.
    pub range: Range<usize>,
    /// Whether weight decay concerns it: kernels and weights alone.
    pub decays: bool,
    pub(super) init: (Init, (usize, usize)),
}

/// What [`Summary`](super::Summary) shows of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerInfo {
    /// Its number and kind, such as `3 (dense)`.
    pub name: String,
    /// The shape of what comes out, an image: rows, columns, channels.
    pub output: [usize; 3],
    /// Its parameters, trained ones.
    pub parameters: usize,
    /// Multiply-adds of convolutions and dense layers, an image.
    pub multiply_adds: usize,
}

/// A value on its way through the layers: its number and its shape, which a flatten layer changes alone.
type Value = (usize, [usize; 3]);

impl Program {
    pub(crate) fn new(spec: &Spec) -> Result<Self, Error> {
        let (h, w, channels) = spec.input;
        for (what, found) in [
            ("rows of the input", h),
            ("columns of the input", w),
            ("channels of the input", channels),
        ] {
            expect_some(what, found)?;
        }
        let len = product("the input", &[h, w, channels])?;
        let mut program = Self {
            steps: Vec::new(),
            lens: vec![len],
            needs: vec![false],
            output: (0, [h, w, channels]),
            parameters: Vec::new(),
            len: 0,
            runs: Vec::new(),
            layers: Vec::new(),
            norms: 0,
            shared: 0,
            budget: Budget::default(),
        };
        program.budget.value("the input", len)?;
        program.output = program.stack(&spec.layers, "", (0, [h, w, channels]), 0)?;
        program.find_accumulations();
        let norms = program.steps.iter().enumerate();
        let norms = norms.filter(|(_, step)| step.op.is_batch_norm());
        let mut starts: Vec<usize> = norms.map(|(at, _)| at).collect();
        starts.insert(0, 0);
        let ends = starts.iter().copied().skip(1).chain([program.steps.len()]);
        program.runs = starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(a, b)| a..b)
            .collect();
        Ok(program)
    }

    /// Names, shapes and places of the parameters.
    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Numbers of an output.
    pub(super) fn output_len(&self) -> usize {
        self.lens[self.output.0]
    }

    /// Lanes that its convolutions need of each thread.
    pub(super) fn scratch_len(&self) -> usize {
        let steps = self.steps.iter().map(|step| match &step.op {
            StepOp::Conv { plan, back, .. } => plan.scratch_len().max(back.scratch_len()),
            _ => 0,
        });
        steps.max().unwrap_or(0)
    }

    fn stack(
        &mut self,
        layers: &Layers,
        path: &str,
        mut value: Value,
        depth: usize,
    ) -> Result<Value, Error> {
        for (number, layer) in layers.0.iter().enumerate() {
            let path = format!("{path}{number}");
            let name = format!("{path} ({})", layer.kind());
            let before = self.len;
            let found = match layer {
                Layer::Residual { body, shortcut } => {
                    self.residual((body, shortcut), &path, value, depth)
                }
                _ => self.layer(layer, &path, value),
            };
            let (next, multiply_adds) = found.map_err(|error| match error {
                Error::Layer { .. } => error,
                error => Error::Layer {
                    layer: name.clone(),
                    error: Box::new(error),
                },
            })?;
            value = next;
            let block = matches!(layer, Layer::Residual { .. });
            self.layers.push(LayerInfo {
                name,
                output: value.1,
                // A block's layers stand before it.
                parameters: if block { 0 } else { self.len - before },
                multiply_adds,
            });
        }
        Ok(value)
    }

    fn residual(
        &mut self,
        (body, shortcut): (&Layers, &Layers),
        path: &str,
        value: Value,
        depth: usize,
    ) -> Result<(Value, usize), Error> {
        if depth == DEPTH {
            return Err(Error::Range {
                what: "the depth of blocks in blocks",
                expected: format!("at most {DEPTH}"),
                found: depth + 1,
            });
        }
        self.shared = value.0;
        let a = self.stack(body, &format!("{path}.body."), value, depth + 1)?;
        let b = self.stack(shortcut, &format!("{path}.shortcut."), value, depth + 1)?;
        if a.1 != b.1 {
            return Err(Error::Shape {
                what: "the body's output",
                expected: b.1.to_vec(),
                found: a.1.to_vec(),
            });
        }
        let op = StepOp::Add {
            other: b.0,
            accumulate: false,
        };
        let needs = self.needs[a.0] || self.needs[b.0];
        Ok((self.push(op, a.0, a.1, needs)?, 0))
    }

    /// The layer's step; its output and its multiply-adds.
    fn layer(&mut self, layer: &Layer, path: &str, value: Value) -> Result<(Value, usize), Error> {
        let (input, shape) = value;
        let [h, w, c] = shape;
        let needs = self.needs[input];
        let op = match layer {
            Layer::Flatten => return Ok(((input, [1, 1, h * w * c]), 0)),
            Layer::Residual { .. } => return Ok((value, 0)),
            Layer::Conv(spec) => {
                let conv = conv::Conv::new(spec.window).groups(spec.groups);
                expect_some("kernels", spec.kernels)?;
                conv.check_channels(c, spec.kernels)?;
                let (rows, cols) = spec.window.output(h, w)?;
                let (kh, kw) = spec.window.size;
                let (per_in, per_out) = (c / spec.groups, spec.kernels / spec.groups);
                let taps = product("kernels", &[kh, kw, per_in])?;
                let fans = (taps, product("kernels", &[kh, kw, per_out])?);
                product("kernels", &[taps, spec.kernels])?;
                let multiply_adds = [rows, cols, taps, spec.kernels];
                let multiply_adds = multiply_adds.into_iter().fold(1, usize::saturating_mul);
                product("output", &[rows, cols, spec.kernels])?;
                self.budget.conv(&conv, (h, w, c), spec.kernels)?;
                let plan = engine::Plan::new(&conv, (h, w, c), spec.kernels)?;
                let back = Back::new(&conv, &plan, (h, w, c), spec.kernels)?;
                let shape = vec![kh, kw, per_in, spec.kernels];
                let kernels = self.parameter(path, "kernels", shape, (spec.init, fans), true)?;
                let bias = self.bias(path, spec.bias, spec.kernels)?;
                let op = StepOp::Conv {
                    plan,
                    back,
                    kernels,
                    bias,
                };
                let value = self.push(op, input, [rows, cols, spec.kernels], true)?;
                return Ok((value, multiply_adds));
            }
            Layer::Dense(spec) => {
                if h * w != 1 {
                    return Err(Error::NotFlat { found: shape });
                }
                expect_some("outputs", spec.outputs)?;
                let multiply_adds = product("weights", &[c, spec.outputs])?;
                self.budget.dense(c, spec.outputs)?;
                let plan = engine::Plan::new(&DENSE, (1, 1, c), spec.outputs)?;
                let back = engine::Plan::transposed(&DENSE, (1, 1, c), spec.outputs)?;
                let (shape, fans) = (vec![c, spec.outputs], (c, spec.outputs));
                let kernels = self.parameter(path, "weights", shape, (spec.init, fans), true)?;
                let bias = self.bias(path, spec.bias, spec.outputs)?;
                let op = StepOp::Dense {
                    features: c,
                    outputs: spec.outputs,
                    plan,
                    back,
                    kernels,
                    bias,
                };
                let value = self.push(op, input, [1, 1, spec.outputs], true)?;
                return Ok((value, multiply_adds));
            }
            Layer::BatchNorm(spec) => {
                check_value("epsilon", "above 0, and finite", spec.epsilon, |x| {
                    x > 0.0 && x.is_finite()
                })?;
                check_value("momentum", "0 to 1", spec.momentum, |x| {
                    (0.0..=1.0).contains(&x)
                })?;
                self.budget.channels("the normalisation", c)?;
                let ones = (Init::Uniform { limit: 0.0 }, (1, 1));
                let gamma = self.parameter(path, "gamma", vec![c], ones, false)?;
                let beta = self.parameter(path, "beta", vec![c], ones, false)?;
                self.norms += 1;
                let op = StepOp::BatchNorm {
                    index: self.norms - 1,
                    channels: c,
                    epsilon: spec.epsilon,
                    momentum: spec.momentum,
                    slope: 1.0,
                    gamma,
                    beta,
                };
                return Ok((self.push(op, input, shape, true)?, 0));
            }
            Layer::Pool { pool, window } => {
                let (rows, cols) = window.output(h, w)?;
                self.budget.pool(window, (h, w, c))?;
                let op = StepOp::Pool(pool::Plan::new(*pool, window, (h, w, c))?);
                return Ok((self.push(op, input, [rows, cols, c], needs)?, 0));
            }
            Layer::GlobalAveragePool => {
                let value = self.push(StepOp::GlobalPool, input, [1, 1, c], needs)?;
                return Ok((value, 0));
            }
            Layer::KernelPool { pooling } => {
                let op = StepOp::KernelPool {
                    pooling: *pooling,
                    kernels: c,
                };
                return Ok((self.push(op, input, [h, w, 1], needs)?, 0));
            }
            Layer::Relu { slope } => {
                check_value("slope", "finite", *slope, f32::is_finite)?;
                if let Some(own) = self.normalisation(input) {
                    *own = *slope;
                    return Ok((value, 0));
                }
                StepOp::Relu(*slope)
            }
            Layer::Tanh => StepOp::Tanh,
            Layer::Sigmoid => StepOp::Sigmoid,
            Layer::Gelu => StepOp::Gelu,
            Layer::Dropout { probability } => {
                check_value("probability", "0 to below 1", *probability, |p| {
                    (0.0..1.0).contains(&p)
                })?;
                StepOp::Dropout {
                    probability: *probability,
                }
            }
        };
        Ok((self.push(op, input, shape, needs)?, 0))
    }

    /// The slope of the normalisation that makes this value, if it has no ReLU yet and nothing else reads it.
    fn normalisation(&mut self, value: usize) -> Option<&mut f32> {
        let last = value == self.steps.len() && value != self.shared;
        match &mut self.steps.last_mut()?.op {
            StepOp::BatchNorm { slope, .. } if last && *slope == 1.0 => Some(slope),
            _ => None,
        }
    }

    fn bias(
        &mut self,
        path: &str,
        has: bool,
        channels: usize,
    ) -> Result<Option<Range<usize>>, Error> {
        let zeros = (Init::Uniform { limit: 0.0 }, (1, 1));
        self.budget.channels("biases", channels)?;
        has.then(|| self.parameter(path, "bias", vec![channels], zeros, false))
            .transpose()
    }

    fn parameter(
        &mut self,
        path: &str,
        what: &str,
        shape: Vec<usize>,
        init: (Init, (usize, usize)),
        decays: bool,
    ) -> Result<Range<usize>, Error> {
        init.0.check()?;
        let len = product("parameters", &shape)?;
        let end = product("parameters", &[self.len + len, 1])?;
        let range = self.len..end;
        self.len = end;
        self.parameters.push(Parameter {
            name: format!("{path}.{what}"),
            shape,
            range: range.clone(),
            decays,
            init,
        });
        Ok(range)
    }

    fn push(
        &mut self,
        op: StepOp,
        input: usize,
        shape: [usize; 3],
        needs: bool,
    ) -> Result<Value, Error> {
        let len = product("output", &shape)?;
        self.budget.value("output", len)?;
        self.steps.push(Step {
            op,
            input,
            accumulate: false,
        });
        self.lens.push(len);
        self.needs.push(needs);
        Ok((self.steps.len(), shape))
    }

    /// Backward, the first step that reaches a value writes its gradient, and every other one adds to it.
    fn find_accumulations(&mut self) {
        let mut written = vec![false; self.lens.len()];
        for step in self.steps.iter_mut().rev() {
            step.accumulate = std::mem::replace(&mut written[step.input], true);
            if let StepOp::Add { other, accumulate } = &mut step.op {
                *accumulate = std::mem::replace(&mut written[*other], true);
            }
        }
    }
}

fn check_value(
    what: &'static str,
    expected: &'static str,
    found: f32,
    fits: impl FnOnce(f32) -> bool,
) -> Result<(), Error> {
    if fits(found) {
        return Ok(());
    }
    Err(Error::Value {
        what,
        expected,
        found: f64::from(found),
    })
}
