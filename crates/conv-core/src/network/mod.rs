//! Stacked layers with their parameters: forward, backward, and training steps.
//!
//! Longer than other files, since all that can be done with a network stands here; most of it is documentation.

mod budget;
mod division;
mod exchange;
mod fold;
mod fusion;
mod layout;
mod objective;
mod pass;
mod placement;
mod program;
mod program_step;
mod reduce;
mod shard;
mod steps;
mod summary;
mod weights;
mod workspace;

use std::sync::Arc;

use ndarray::{ArrayView2, ArrayView4};

use crate::Error;
use crate::ops::batch_norm::Statistics;
use crate::ops::check::{expect_shape, expect_some, slice};
use crate::optimizer::Optimizer;
use crate::parameter::Parameter;
use crate::random::Seeded;
use crate::shape::product;
use crate::spec::Spec;

pub use exchange::{Exchange, share};
pub use layout::LayerInfo;
use objective::Objective;
pub use objective::{Loss, Report, Targets};
pub(crate) use program::Program;
pub use summary::Summary;
use weights::{Weights, check_statistics};
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
    weights: Weights,
}

impl Network {
    /// A network with first weights drawn from a seed.
    ///
    /// # Errors
    /// As [`Spec::check`].
    pub fn new(spec: &Spec, seed: u64) -> Result<Self, Error> {
        let program = Program::new(spec)?;
        Ok(Self {
            spec: spec.clone(),
            seed,
            weights: Weights::drawn(&program, seed)?,
            program: Arc::new(program),
        })
    }

    /// The same network, whose dropout draws by another seed from the next [step](Self::train_step) on: a network that was
    /// loaded has seed 0.
    ///
    /// ```
    /// use conv_core::network::Network;
    /// use conv_core::spec::{Layers, Spec};
    ///
    /// let network = Network::new(&Spec::new((1, 1, 3), Layers::new().dense(2)), 1)?.with_seed(7);
    /// assert_eq!(network.seed(), 7);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The seed by which dropout draws.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A network with these values of all parameters. The program is the one that the spec was compiled to; the running
    /// statistics are the initial ones: mean 0 and variance 1.
    #[cfg(feature = "safetensors")]
    pub(crate) fn assemble(spec: Spec, seed: u64, program: Program, values: Vec<f32>) -> Self {
        Self {
            spec,
            seed,
            weights: Weights::new(&program, values),
            program: Arc::new(program),
        }
    }

    /// The spec that it was made from.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Shapes, parameters and multiply-adds, a line a layer.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::new(&self.spec, &self.program.layers)
    }

    /// Names, shapes and ranges of the parameters.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        self.program.parameters()
    }

    /// The values of all parameters, one after the other.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.weights.values
    }

    /// Replaces the values of all parameters.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are more or fewer.
    pub fn set_values(&mut self, values: &[f32]) -> Result<(), Error> {
        let own = &mut self.weights.values;
        expect_shape("the parameters", &[own.len()], &[values.len()])?;
        own.copy_from_slice(values);
        self.weights.pack(&self.program);
        Ok(())
    }

    /// The values of one parameter, row-major.
    ///
    /// # Errors
    /// [`Error::NoParameter`] if none has the name.
    pub fn parameter(&self, name: &str) -> Result<&[f32], Error> {
        Ok(&self.weights.values[self.find(name)?.range.clone()])
    }

    /// Replaces the values of one parameter.
    ///
    /// ```
    /// use conv_core::ndarray::{Array4, arr2};
    /// use conv_core::network::{Network, Workspace};
    /// use conv_core::spec::{Layers, Spec};
    ///
    /// let mut network = Network::new(&Spec::new((1, 1, 2), Layers::new().dense(2)), 1)?;
    /// // Two features, and two outputs: a row a feature.
    /// network.set_parameter("0.weights", &[1., 2., 3., 4.])?;
    /// let mut workspace = Workspace::new();
    /// let outputs = network.forward(Array4::ones((1, 1, 1, 2)).view(), &mut workspace)?;
    /// assert_eq!(outputs, arr2(&[[4., 6.]]));
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoParameter`] if none has the name, [`Error::Shape`] if it has more or fewer values.
    pub fn set_parameter(&mut self, name: &str, values: &[f32]) -> Result<(), Error> {
        let range = self.find(name)?.range.clone();
        expect_shape("the parameter", &[range.len()], &[values.len()])?;
        self.weights.values[range].copy_from_slice(values);
        self.weights.pack(&self.program);
        Ok(())
    }

    /// The running mean and variance of each batch normalisation, in the order of the layers.
    #[must_use]
    pub fn running_statistics(&self) -> &[Statistics] {
        &self.weights.running
    }

    /// Replaces the running statistics.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are more or fewer of them or of their channels, [`Error::Value`] if a mean or a variance
    /// is not a finite `f32`, or a variance is negative.
    pub fn set_running_statistics(&mut self, running: &[Statistics]) -> Result<(), Error> {
        let own = &mut self.weights.running;
        expect_shape("the running statistics", &[own.len()], &[running.len()])?;
        let finite = -f64::from(f32::MAX)..=f64::from(f32::MAX);
        for (own, new) in own.iter().zip(running) {
            expect_shape("mean", &[own.mean.len()], &[new.mean.len()])?;
            expect_shape("variance", &[own.mean.len()], &[new.variance.len()])?;
            for (what, expected, values, least) in [
                ("a running mean", "finite", &new.mean, *finite.start()),
                (
                    "a running variance",
                    "0 or more, and finite",
                    &new.variance,
                    0.0,
                ),
            ] {
                let wrong = values
                    .iter()
                    .find(|&x| !(least..=*finite.end()).contains(x));
                if let Some(&found) = wrong {
                    return Err(Error::Value {
                        what,
                        expected,
                        found,
                    });
                }
            }
        }
        own.clone_from_slice(running);
        self.weights.pack(&self.program);
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
        workspace.forward((&self.program, &self.weights), images, count)
    }

    /// The argmax of the outputs for each image, the first of equals.
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
        workspace.predict((&self.program, &self.weights), images, count)
    }

    /// The loss over a batch and its gradient for all parameters, which lies in the workspace
    /// ([`Workspace::gradient`]). `seed` chooses the values that dropout drops.
    ///
    /// input (N, H, W, C), targets (N) or (N, outputs) → a gradient for each of [`values`](Self::values)
    ///
    /// ```
    /// use conv_core::network::{Loss, Network, Targets, Workspace};
    /// use conv_core::spec::{Dense, Layers, Spec};
    /// use ndarray::{Array4, arr2};
    ///
    /// // One weight w = 3 on the input 2: L = (3 · 2 − 5)² = 1, and its gradient is 2 · (6 − 5) · 2 = 4.
    /// let layers = Layers::new().then(Dense::new(1).without_bias());
    /// let mut network = Network::new(&Spec::new((1, 1, 1), layers), 1)?;
    /// network.set_parameter("0.weights", &[3.])?;
    /// let (input, right) = (Array4::from_elem((1, 1, 1, 1), 2.), arr2(&[[5.]]));
    /// let (targets, mut workspace) = (Targets::Values(right.view()), Workspace::new());
    /// let report = network.gradient(input.view(), targets, Loss::MeanSquaredError, 0, &mut workspace)?;
    /// assert_eq!((report.loss, workspace.gradient()), (1., &[4.][..]));
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`forward`](Self::forward); if the targets do not fit or a label is out of range; [`Error::NotFinite`] if the
    /// loss or a value of the gradient is infinite or not a number, [`Error::Given`] if a value of the
    /// input or a parameter already is.
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
        let objective = Objective::new(loss, &targets, count, outputs)?;
        let report = workspace.gradient_of(
            (&self.program, &self.weights),
            images,
            count,
            &objective,
            seed,
        )?;
        let what = if !report.loss.is_finite() {
            "the loss"
        } else if !all_finite(workspace.gradient()) {
            "the gradient"
        } else {
            return Ok(report);
        };
        // What was given comes before what was computed from it.
        for (given, values) in [("the input", images), ("a parameter", self.values())] {
            if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                return Err(Error::Given {
                    what: given,
                    at,
                    found: values[at],
                });
            }
        }
        Err(Error::NotFinite { what })
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
        optimizer.expect_statistics(self.running_statistics())?;
        let (program, weights) = (&self.program, &mut self.weights);
        optimizer.step(
            program.parameters(),
            &mut weights.values,
            workspace.gradient(),
        )?;
        weights.follow(program, workspace.statistics());
        optimizer.average_statistics(&weights.running);
        weights.pack(program);
        Ok(report)
    }

    /// This network with the averages that an optimizer has [kept](Optimizer::average) while it trained it: of the parameters,
    /// and of the running statistics, since those of other parameters do not fit them. The same network where the optimizer
    /// keeps no average, or has made no step.
    ///
    /// ```
    /// use conv_core::network::{Loss, Network, Targets, Workspace};
    /// use conv_core::optimizer::Optimizer;
    /// use conv_core::spec::{Layers, Spec};
    /// use ndarray::Array4;
    ///
    /// let input = Array4::from_shape_fn((2, 6, 6, 1), |(n, ..)| n as f32);
    /// let layers = Layers::new().conv(2, (3, 3)).batch_norm().relu().flatten().dense(2);
    /// let mut network = Network::new(&Spec::new((6, 6, 1), layers), 1)?;
    /// let (mut optimizer, mut workspace) = (Optimizer::sgd(0.1).average(0.5), Workspace::new());
    /// let (targets, loss) = (Targets::Labels(&[0, 1]), Loss::CrossEntropy { smoothing: 0. });
    /// network.train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)?;
    /// let first = network.averaged(&optimizer)?;
    /// network.train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)?;
    /// let averaged = network.averaged(&optimizer)?;
    /// assert_eq!(averaged.values()[0], 0.5 * first.values()[0] + 0.5 * network.values()[0]);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the optimizer has trained another network.
    pub fn averaged(&self, optimizer: &Optimizer) -> Result<Self, Error> {
        let mut network = self.clone();
        if let Some(values) = optimizer.averaged() {
            network.set_values(values)?;
            network.set_running_statistics(&optimizer.state().averaged_statistics)?;
        }
        Ok(network)
    }

    /// The normalisations, in the order of their statistics.
    #[cfg(feature = "safetensors")]
    pub(crate) fn norms(&self) -> &[layout::Norm] {
        &self.program.norms
    }

    fn images<'a>(&self, input: &'a ArrayView4<'_, f32>) -> Result<(&'a [f32], usize), Error> {
        let (n, h, w, c) = input.dim();
        expect_some("images", n)?;
        let expected = self.spec.input;
        let shape = [n, expected.rows, expected.cols, expected.channels];
        expect_shape("input", &shape, &[n, h, w, c])?;
        product("input", &shape)?;
        Ok((slice("input", input)?, n))
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
}

/// Whether no value is infinite or NaN.
fn all_finite(values: &[f32]) -> bool {
    // The maximum of the bits without their signs: one comparison a value, which the compiler makes vectors of.
    let bits = values.iter().map(|x| x.to_bits() << 1);
    bits.fold(0, u32::max) < f32::INFINITY.to_bits() << 1
}
