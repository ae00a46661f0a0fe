//! Stacked layers with their parameters: forward, backward, and training steps.

mod budget;
mod folded;
mod part;
mod program;
mod step;
mod summary;
mod workspace;

use std::sync::Arc;

use ndarray::{ArrayView2, ArrayView4};

use crate::Error;
use crate::init::Seeded;
use crate::ops::batch_norm::{self, Line, Statistics};
use crate::ops::{expect_shape, expect_some, loss, numbers};
use crate::optimizer::Optimizer;
use crate::simd::Lanes;
use crate::spec::Spec;

pub(crate) use program::Program;
pub use program::{LayerInfo, Parameter};
use step::StepOp;
pub use summary::Summary;
pub use workspace::Workspace;

/// A network with its parameters. Threads may share it by reference, each with a [`Workspace`] of its own.
///
/// ```
/// use conv_core::network::{Network, Workspace};
/// use conv_core::spec::{Layers, Spec};
/// use ndarray::Array4;
///
/// let spec = Spec::new((8, 8, 1), Layers::new().conv(4, (3, 3)).relu().flatten().dense(2));
/// let network = Network::new(&spec, 1)?;
/// assert_eq!(network.parameters()[0].name, "0.kernels");
///
/// let images = Array4::zeros((5, 8, 8, 1));
/// let mut workspace = Workspace::new();
/// let logits = network.forward(images.view(), &mut workspace)?;
/// assert_eq!(logits.dim(), (5, 2));
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    spec: Spec,
    seed: u64,
    program: Arc<Program>,
    parameters: Vec<f32>,
    /// The running statistics of each normalisation, rounded to `f32`.
    running: Vec<Statistics>,
    /// What the steps compute with: kernels packed, normalisations as lines.
    packed: Vec<Vec<Lanes>>,
    lines: Vec<Vec<Line>>,
}

/// What is to be made small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Softmax and cross-entropy, see [`loss::cross_entropy`] and [`loss::cross_entropy_of_labels`].
    CrossEntropy {
        /// Label smoothing, 0 to 1; for [`Targets::Labels`] alone.
        smoothing: f32,
    },
    /// The mean of the squared errors, see [`loss::mean_squared_error`]; a label counts as 1 in its place and
    /// 0 elsewhere.
    MeanSquaredError,
}

/// What a batch should give.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// The class of each image.
    Labels(&'a [usize]),
    /// All the outputs of each image (N, outputs); for the cross-entropy each row sums to 1.
    Numbers(ArrayView2<'a, f32>),
}

/// What a pass over a batch found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// The loss, the mean over the images.
    pub loss: f64,
    /// Of how many images the largest output was the one that should be the largest.
    pub correct: usize,
}

impl Network {
    /// A network with first weights drawn from a seed.
    ///
    /// # Errors
    /// As [`Spec::check`].
    pub fn new(spec: &Spec, seed: u64) -> Result<Self, Error> {
        let program = Program::new(spec)?;
        let mut parameters = vec![0.0; program.len];
        let seeded = Seeded::new(seed);
        for (number, parameter) in program.parameters.iter().enumerate() {
            let (init, fans) = parameter.init;
            let mut random = seeded.part(number as u64);
            init.fill(fans, &mut random, &mut parameters[parameter.range.clone()])?;
        }
        for step in &program.steps {
            if let StepOp::BatchNorm { gamma, .. } = &step.op {
                parameters[gamma.clone()].fill(1.0);
            }
        }
        Ok(Self::assemble(spec.clone(), seed, program, parameters))
    }

    /// A network of parameters that fit the program, which that of the spec is. The running statistics are those
    /// of the beginning.
    pub(crate) fn assemble(spec: Spec, seed: u64, program: Program, parameters: Vec<f32>) -> Self {
        let (mut packed, mut lines, mut running) = (Vec::new(), Vec::new(), Vec::new());
        for step in &program.steps {
            packed.push(match &step.op {
                StepOp::Conv { plan, .. } | StepOp::Dense { plan, .. } => {
                    vec![Lanes::ZERO; plan.packed_len()]
                }
                _ => Vec::new(),
            });
            if let StepOp::BatchNorm { channels, .. } = step.op {
                lines.push(vec![Line::default(); channels]);
                let mut statistics = Statistics::new(channels);
                statistics.variance.fill(1.0);
                running.push(statistics);
            }
        }
        let mut network = Self {
            spec,
            seed,
            program: Arc::new(program),
            parameters,
            running,
            packed,
            lines,
        };
        network.refresh();
        network
    }

    /// What it was made of.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Shapes, parameters and multiply-adds, a line a layer.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::new(&self.spec, &self.program)
    }

    /// Names, shapes and places of the parameters.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        self.program.parameters()
    }

    /// The numbers of all parameters, one after the other.
    #[must_use]
    pub fn numbers(&self) -> &[f32] {
        &self.parameters
    }

    /// The numbers of one parameter, row-major.
    ///
    /// # Errors
    /// [`Error::NoParameter`] if none has the name.
    pub fn get(&self, name: &str) -> Result<&[f32], Error> {
        Ok(&self.parameters[self.find(name)?.range.clone()])
    }

    /// Replaces the numbers of one parameter.
    ///
    /// # Errors
    /// [`Error::NoParameter`] if none has the name, [`Error::Shape`] if it has more or fewer numbers.
    pub fn set(&mut self, name: &str, numbers: &[f32]) -> Result<(), Error> {
        let range = self.find(name)?.range.clone();
        expect_shape("the parameter", &[range.len()], &[numbers.len()])?;
        self.parameters[range].copy_from_slice(numbers);
        self.refresh();
        Ok(())
    }

    /// Replaces the numbers of all parameters.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are more or fewer.
    pub fn set_numbers(&mut self, numbers: &[f32]) -> Result<(), Error> {
        expect_shape("the parameters", &[self.parameters.len()], &[numbers.len()])?;
        self.parameters.copy_from_slice(numbers);
        self.refresh();
        Ok(())
    }

    /// The running mean and variance of each batch normalisation, in the order of the layers.
    #[must_use]
    pub fn running(&self) -> &[Statistics] {
        &self.running
    }

    /// Replaces the running statistics.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are more or fewer of them or of their channels, [`Error::Value`] if a variance
    /// is negative or not finite.
    pub fn set_running(&mut self, running: &[Statistics]) -> Result<(), Error> {
        expect_shape("running", &[self.running.len()], &[running.len()])?;
        for (own, new) in self.running.iter().zip(running) {
            expect_shape("mean", &[own.mean.len()], &[new.mean.len()])?;
            expect_shape("variance", &[own.mean.len()], &[new.variance.len()])?;
            let wrong = new
                .variance
                .iter()
                .find(|&&v| !(0.0..f64::INFINITY).contains(&v));
            if let Some(&found) = wrong {
                return Err(Error::Value {
                    what: "a running variance",
                    expected: "0 or more, and finite",
                    found,
                });
            }
        }
        self.running.clone_from_slice(running);
        self.refresh();
        Ok(())
    }

    /// The outputs for a batch, as at the end of training: without dropout, and normalised by the running
    /// statistics.
    ///
    /// input (N, H, W, C) → (N, outputs), in the workspace
    ///
    /// # Errors
    /// If the images have another shape than the spec's, are not in row-major order, or there are none.
    pub fn forward<'w>(
        &self,
        input: ArrayView4<'_, f32>,
        workspace: &'w mut Workspace,
    ) -> Result<ArrayView2<'w, f32>, Error> {
        let (images, count) = self.images(&input)?;
        workspace.forward(self, images, count)
    }

    /// The number of the largest output for each image, the first of equals.
    ///
    /// input (N, H, W, C) → (N)
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn predict<'w>(
        &self,
        input: ArrayView4<'_, f32>,
        workspace: &'w mut Workspace,
    ) -> Result<&'w [usize], Error> {
        let (images, count) = self.images(&input)?;
        workspace.predict(self, images, count)
    }

    /// The loss over a batch and its gradient for all parameters, which lies in the workspace
    /// ([`Workspace::gradient`]). `seed` chooses the numbers that dropout drops.
    ///
    /// input (N, H, W, C), targets (N) or (N, outputs) → a gradient for each of [`numbers`](Self::numbers)
    ///
    /// ```
    /// use conv_core::network::{Loss, Network, Targets, Workspace};
    /// use conv_core::spec::{Dense, Layers, Spec};
    /// use ndarray::{Array4, arr2};
    ///
    /// // One weight w = 3 on the input 2: L = (3 · 2 − 5)² = 1, and its gradient is 2 · (6 − 5) · 2 = 4.
    /// let layers = Layers::new().then(Dense::new(1).without_bias());
    /// let mut network = Network::new(&Spec::new((1, 1, 1), layers), 1)?;
    /// network.set("0.weights", &[3.])?;
    /// let (input, right) = (Array4::from_elem((1, 1, 1, 1), 2.), arr2(&[[5.]]));
    /// let (targets, mut workspace) = (Targets::Numbers(right.view()), Workspace::new());
    /// let report = network.gradient(input.view(), targets, Loss::MeanSquaredError, 0, &mut workspace)?;
    /// assert_eq!((report.loss, workspace.gradient()), (1., &[4.][..]));
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`forward`](Self::forward); if the targets do not fit or a label is out of range; [`Error::NotFinite`] if the
    /// loss or a number of the gradient is infinite or not a number.
    pub fn gradient(
        &self,
        input: ArrayView4<'_, f32>,
        targets: Targets<'_>,
        loss: Loss,
        seed: u64,
        workspace: &mut Workspace,
    ) -> Result<Report, Error> {
        let (images, count) = self.images(&input)?;
        let outputs = self.program.output_len();
        match targets {
            Targets::Labels(labels) => {
                expect_shape("labels", &[count], &[labels.len()])?;
                loss::check_labels(labels, outputs)?;
            }
            Targets::Numbers(numbers) => {
                expect_shape("targets", &[count, outputs], numbers.shape())?;
            }
        }
        if let Loss::CrossEntropy { smoothing } = loss {
            loss::check_smoothing(smoothing)?;
        }
        let targets = match &targets {
            Targets::Labels(labels) => part::Goal::Labels(labels),
            Targets::Numbers(targets) => part::Goal::Numbers(numbers("targets", targets)?),
        };
        let report = workspace.gradient_of(self, (images, count), (targets, loss), seed)?;
        if !report.loss.is_finite() {
            return Err(Error::NotFinite { what: "the loss" });
        }
        // The largest bits without the sign: one comparison a number, and all of them as vectors.
        let bits = workspace.gradient().iter().map(|d| d.to_bits() << 1);
        if bits.fold(0, u32::max) >= f32::INFINITY.to_bits() << 1 {
            let what = "the gradient";
            return Err(Error::NotFinite { what });
        }
        Ok(report)
    }

    /// One training step: the [gradient](Self::gradient), and what the optimizer makes of it. Dropout draws by the
    /// network's seed and the number of the step.
    ///
    /// input (N, H, W, C), targets (N) or (N, outputs); the report is of the network as it was before the step
    ///
    /// ```
    /// use conv_core::network::{Loss, Network, Targets, Workspace};
    /// use conv_core::optimizer::Optimizer;
    /// use conv_core::spec::{Layers, Spec};
    /// use ndarray::Array4;
    ///
    /// // A dark and a bright image, to be told apart.
    /// let input = Array4::from_shape_fn((2, 6, 6, 1), |(n, ..)| n as f32);
    /// let layers = Layers::new().conv(2, (3, 3)).tanh().flatten().dense(2);
    /// let mut network = Network::new(&Spec::new((6, 6, 1), layers), 1)?;
    /// let (mut optimizer, mut workspace) = (Optimizer::momentum(0.05, 0.9), Workspace::new());
    /// let loss = Loss::CrossEntropy { smoothing: 0. };
    /// let mut losses = Vec::new();
    /// for _ in 0..20 {
    ///     let targets = Targets::Labels(&[0, 1]);
    ///     let report = network.train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)?;
    ///     losses.push(report.loss);
    /// }
    /// assert!(losses[19] < losses[0] / 2.);
    /// assert_eq!(network.predict(input.view(), &mut workspace)?, [0, 1]);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient) and [`Optimizer::step`]; the network has not changed then.
    pub fn train_step(
        &mut self,
        input: ArrayView4<'_, f32>,
        targets: Targets<'_>,
        loss: Loss,
        optimizer: &mut Optimizer,
        workspace: &mut Workspace,
    ) -> Result<Report, Error> {
        let seed = Seeded::new(self.seed).at(optimizer.steps());
        let report = self.gradient(input, targets, loss, seed, workspace)?;
        check_statistics(workspace.statistics())?;
        let parameters = self.program.parameters();
        optimizer.step(parameters, &mut self.parameters, workspace.gradient())?;
        self.follow(workspace.statistics());
        self.refresh();
        Ok(report)
    }

    fn images<'a>(&self, input: &'a ArrayView4<'_, f32>) -> Result<(&'a [f32], usize), Error> {
        let (n, h, w, c) = input.dim();
        expect_some("images", n)?;
        let expected = self.spec.input;
        let shape = [n, expected.0, expected.1, expected.2];
        expect_shape("input", &shape, &[n, h, w, c])?;
        crate::shape::product("input", &shape)?;
        Ok((numbers("input", input)?, n))
    }

    fn find(&self, name: &str) -> Result<&Parameter, Error> {
        let mut all = self.program.parameters().iter();
        all.find(|parameter| parameter.name == name).ok_or_else(|| {
            let names = self.program.parameters().iter().map(|p| p.name.clone());
            Error::NoParameter {
                name: name.to_owned(),
                names: names.collect(),
            }
        })
    }

    /// A running average of the batches' statistics. Of the variance it has the unbiased estimate, as in
    /// `PyTorch`; both are rounded to `f32`, as which they are saved.
    fn follow(&mut self, statistics: &[Statistics]) {
        for step in &self.program.steps {
            let StepOp::BatchNorm {
                index, momentum, ..
            } = step.op
            else {
                continue;
            };
            let (running, batch) = (&mut self.running[index], &statistics[index]);
            let count = batch.count as f64;
            let unbiased = if batch.count > 1 {
                count / (count - 1.0)
            } else {
                1.0
            };
            let momentum = f64::from(momentum);
            let mix = |to: &mut f64, from: f64| {
                *to = f64::from(((1.0 - momentum) * *to + momentum * from) as f32);
            };
            for (to, &from) in running.mean.iter_mut().zip(&batch.mean) {
                mix(to, from);
            }
            for (to, &from) in running.variance.iter_mut().zip(&batch.variance) {
                mix(to, from * unbiased);
            }
            running.count += batch.count;
        }
    }

    fn refresh(&mut self) {
        for (step, packed) in self.program.steps.iter().zip(&mut self.packed) {
            match &step.op {
                StepOp::Conv { plan, kernels, .. } | StepOp::Dense { plan, kernels, .. } => {
                    plan.pack(&self.parameters[kernels.clone()], packed);
                }
                StepOp::BatchNorm {
                    index,
                    epsilon,
                    gamma,
                    beta,
                    ..
                } => {
                    let gamma = &self.parameters[gamma.clone()];
                    let beta = &self.parameters[beta.clone()];
                    let lines = &mut self.lines[*index];
                    batch_norm::set_lines(lines, &self.running[*index], *epsilon, gamma, beta);
                }
                _ => {}
            }
        }
    }
}

/// Running statistics are numbers of `f32`, and so must be what goes into them.
fn check_statistics(statistics: &[Statistics]) -> Result<(), Error> {
    // The variance may become twice as large where a channel has two numbers.
    let largest = f64::from(f32::MAX) / 4.0;
    for statistics in statistics {
        for (what, numbers) in [
            ("a mean of the batch", &statistics.mean),
            ("a variance of the batch", &statistics.variance),
        ] {
            if !numbers.iter().all(|x| x.abs() <= largest) {
                return Err(Error::NotFinite { what });
            }
        }
    }
    Ok(())
}
