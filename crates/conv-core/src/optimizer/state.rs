use super::{Optimizer, Rule};
use crate::Error;
use crate::ops::batch_norm::Statistics;
use crate::ops::check::expect_shape;

/// What an optimizer remembers of its steps: with it, and with the network's values, another process goes on to the
/// same bits.
///
/// ```
/// use conv_core::network::{Loss, Network, Targets, Workspace};
/// use conv_core::optimizer::Optimizer;
/// use conv_core::spec::{Layers, Spec};
/// use ndarray::Array4;
///
/// let mut network = Network::new(&Spec::new((1, 1, 3), Layers::new().dense(2)), 1)?;
/// let (images, labels) = (Array4::ones((2, 1, 1, 3)), [0, 1]);
/// let loss = Loss::CrossEntropy { smoothing: 0.0 };
/// let (mut optimizer, mut workspace) = (Optimizer::adamw(0.1), Workspace::new());
/// let targets = Targets::Labels(&labels);
/// network.train_step(images.view(), targets, loss, &mut optimizer, &mut workspace)?;
///
/// let kept = optimizer.state().clone();
/// let again = Optimizer::adamw(0.1).with_state(kept, network.values().len())?;
/// assert_eq!(again, optimizer);
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Steps taken.
    pub steps: u64,
    /// The velocity, or Adam's first moment: a value for each of the network's, or none.
    pub first: Vec<f32>,
    /// Adam's second moment, or none.
    pub second: Vec<f32>,
    /// The moving average of the parameters, or none.
    pub averaged: Vec<f32>,
    /// The moving averages of the network's running statistics, of each batch normalisation, or none.
    pub averaged_statistics: Vec<Statistics>,
}

impl Optimizer {
    /// What it remembers of its steps.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The same with what another one of the same settings remembered, of a network of so many `values`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are not as many values of a kind as this optimizer keeps, [`Error::NotFinite`] or
    /// [`Error::Value`] if one of them is none that a step leaves.
    pub fn with_state(self, state: State, values: usize) -> Result<Self, Error> {
        let begun = if state.steps == 0 { 0 } else { values };
        let (first, second) = self.rule.moments(begun);
        let averaged = self.average.map_or(0, |_| begun);
        for (what, found, expected) in [
            ("the first moment", &state.first, first),
            ("the second moment", &state.second, second),
            ("the average", &state.averaged, averaged),
        ] {
            expect_shape(what, &[expected], &[found.len()])?;
            if found.iter().any(|x| !x.is_finite()) {
                return Err(Error::NotFinite { what });
            }
        }
        let statistics = &state.averaged_statistics;
        if averaged == 0 {
            expect_shape("the averaged statistics", &[0], &[statistics.len()])?;
        }
        for Statistics { mean, variance, .. } in statistics {
            expect_shape("an averaged variance", &[mean.len()], &[variance.len()])?;
            let what = "an averaged statistic";
            if mean.iter().chain(variance).any(|x| !x.is_finite()) {
                return Err(Error::NotFinite { what });
            }
        }
        let variances = statistics.iter().flat_map(|each| &each.variance).copied();
        let second = state.second.iter().map(|&v| f64::from(v));
        let squares = second.map(|v| ("a second moment", v));
        let squares = squares.chain(variances.map(|v| ("an averaged variance", v)));
        for (what, found) in squares {
            if found < 0.0 {
                let expected = "0 or more";
                return Err(Error::Value {
                    what,
                    expected,
                    found,
                });
            }
        }
        Ok(Self { state, ..self })
    }
}

impl Rule {
    /// How many values of the first and the second moment it keeps for so many parameters.
    pub(super) fn moments(self, values: usize) -> (usize, usize) {
        match self {
            Self::Sgd { momentum: 0.0, .. } => (0, 0),
            Self::Sgd { .. } => (values, 0),
            Self::AdamW { .. } => (values, values),
        }
    }
}
