//! How a gradient changes the parameters: update rules, learning rates over time, averaging and clipping.

mod schedule;
mod state;

pub use schedule::Schedule;
pub use state::State;

use crate::Error;
use crate::ops::batch_norm::Statistics;
use crate::ops::check::expect_shape;
use crate::parameter::Parameter;
use crate::tuning::LANES;

/// The rule by which a gradient changes parameters. Decay of the weights is decoupled: it multiplies kernels and
/// weights (never biases, gamma or beta) by `1 − rate · decay` before the step, whatever the rule.
/// I. Loshchilov and F. Hutter, Decoupled weight decay regularization, ICLR (2019).
///
/// ```
/// use conv_core::optimizer::{Optimizer, Schedule};
///
/// let optimizer = Optimizer::nesterov(0.1, 0.9)
///     .weight_decay(5e-4)
///     .schedule(Schedule::OneCycle { steps: 1000 })
///     .clip(1.0)
///     .average(0.99);
/// assert_eq!(optimizer.steps(), 0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    rate: f64,
    schedule: Schedule,
    decay: f64,
    clip: Option<f64>,
    average: Option<f32>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Sgd {
        momentum: f32,
        nesterov: bool,
    },
    AdamW {
        beta1: f32,
        beta2: f32,
        epsilon: f32,
    },
}

impl Optimizer {
    /// Plain steps down the gradient: `p ← p − rate · g`.
    #[must_use]
    pub fn sgd(rate: f64) -> Self {
        Self::momentum(rate, 0.0)
    }

    /// With a velocity: `v ← momentum · v + g`, `p ← p − rate · v`. I. Sutskever et al., On the importance of
    /// initialization and momentum in deep learning, ICML (2013), in the form of `PyTorch`.
    #[must_use]
    pub fn momentum(rate: f64, momentum: f32) -> Self {
        Self::of(
            Rule::Sgd {
                momentum,
                nesterov: false,
            },
            rate,
        )
    }

    /// With a velocity that looks ahead: `v ← momentum · v + g`, `p ← p − rate · (g + momentum · v)`.
    #[must_use]
    pub fn nesterov(rate: f64, momentum: f32) -> Self {
        Self::of(
            Rule::Sgd {
                momentum,
                nesterov: true,
            },
            rate,
        )
    }

    /// `AdamW` with β₁ = 0.9, β₂ = 0.999 and ε = 1e-8: `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`,
    /// `p ← p − rate · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)`, t counting from 1. D. Kingma and J. Ba, Adam,
    /// ICLR (2015).
    #[must_use]
    pub fn adamw(rate: f64) -> Self {
        let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8);
        Self::of(
            Rule::AdamW {
                beta1,
                beta2,
                epsilon,
            },
            rate,
        )
    }

    fn of(rule: Rule, rate: f64) -> Self {
        Self {
            rule,
            rate,
            schedule: Schedule::Constant,
            decay: 0.0,
            clip: None,
            average: None,
            state: State::default(),
        }
    }

    /// The same with a decay of the weights.
    #[must_use]
    pub fn weight_decay(self, decay: f64) -> Self {
        Self { decay, ..self }
    }

    /// The same with a learning rate that changes.
    #[must_use]
    pub fn schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// The same with gradients whose norm over all parameters is at most this: a longer one is shortened.
    #[must_use]
    pub fn clip(self, norm: f64) -> Self {
        Self {
            clip: Some(norm),
            ..self
        }
    }

    /// The same with a moving average of the parameters, `a ← decay · a + (1 − decay) · p` after every step, which
    /// begins as what the first step made, and one of the running statistics of batch normalisations likewise:
    /// [`Network::averaged`](crate::network::Network::averaged) is the network that has both. B. Polyak and A. Juditsky, Acceleration of stochastic approximation by
    /// averaging (1992).
    #[must_use]
    pub fn average(self, decay: f32) -> Self {
        Self {
            average: Some(decay),
            ..self
        }
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state.steps
    }

    /// The learning rate of the next step.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate * self.schedule.factor(self.state.steps)
    }

    /// The moving average of the parameters; none before the first step or where none is kept. A network has it by
    /// [`Network::averaged`](crate::network::Network::averaged).
    #[must_use]
    pub fn averaged(&self) -> Option<&[f32]> {
        (!self.state.averaged.is_empty()).then_some(&self.state.averaged)
    }

    /// One step. The `parameters` say where among the values each one stands, and whether it decays. They may be those of
    /// any model; a value that belongs to no parameter is left alone:
    ///
    /// ```
    /// use conv_core::Parameter;
    /// use conv_core::optimizer::Optimizer;
    ///
    /// // A line through (1, 3) and (2, 5) by its slope and its height at 0: the gradient of the mean of the squared errors.
    /// let parameters = [Parameter::new("slope", [1], 0, false)?, Parameter::new("height", [1], 1, false)?];
    /// let (mut values, mut optimizer) = ([0.0, 0.0], Optimizer::momentum(0.1, 0.9));
    /// for _ in 0..500 {
    ///     let errors = [(1.0, 3.0), (2.0, 5.0)].map(|(x, y)| (x, values[0] * x + values[1] - y));
    ///     let gradient = [errors.iter().map(|(x, e)| e * x).sum(), errors.iter().map(|(_, e)| e).sum()];
    ///     optimizer.step(&parameters, &mut values, &gradient)?;
    /// }
    /// assert!((values[0] - 2.0_f32).abs() < 1e-4 && (values[1] - 1.0).abs() < 1e-4);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] if the rate, the decay, the norm or a factor is out of its range; [`Error::Shape`] if
    /// there are not as many values as gradients, as the parameters say, or as the moments and the average of the steps before
    /// are for; [`Error::Range`] if a parameter's range ends before it starts or overlaps another one. Nothing has changed
    /// then.
    pub fn step(
        &mut self,
        parameters: &[Parameter],
        values: &mut [f32],
        gradient: &[f32],
    ) -> Result<(), Error> {
        self.check()?;
        let len = values.len();
        expect_shape("gradient", &[len], &[gradient.len()])?;
        let end = parameters.iter().map(|p| p.range.end).max().unwrap_or(0);
        expect_shape("values", &[end], &[len])?;
        if let Some(wrong) = parameters.iter().find(|p| p.range.start > p.range.end) {
            return Err(Error::Range {
                what: "the start of a parameter's range",
                expected: format!("at most {}, its end ({})", wrong.range.end, wrong.name),
                found: wrong.range.start,
            });
        }
        check_overlaps(parameters)?;
        if self.state.steps == 0 {
            let (first, second) = self.rule.moments(len);
            self.state.first = vec![0.0; first];
            self.state.second = vec![0.0; second];
        }
        let (first, second) = self.rule.moments(len);
        expect_shape("values", &[self.state.first.len()], &[first])?;
        expect_shape("values", &[self.state.second.len()], &[second])?;
        if !self.state.averaged.is_empty() {
            expect_shape("values", &[self.state.averaged.len()], &[len])?;
        }
        let rate = self.rate();
        let scale = self.clip.map_or(1.0, |most| {
            let norm = norm(gradient);
            if norm > most { most / norm } else { 1.0 }
        }) as f32;
        for parameter in parameters {
            let range = parameter.range.clone();
            if parameter.decays && self.decay != 0.0 {
                let kept = (1.0 - rate * self.decay) as f32;
                values[range.clone()].iter_mut().for_each(|p| *p *= kept);
            }
            self.update(range, values, gradient, (rate, scale));
        }
        self.state.steps += 1;
        if let Some(decay) = self.average {
            if self.state.averaged.is_empty() {
                self.state.averaged.extend_from_slice(values);
            }
            for (average, p) in self.state.averaged.iter_mut().zip(values.iter()) {
                *average = decay * *average + (1.0 - decay) * p;
            }
        }
        Ok(())
    }

    /// Refuses running statistics that are not of the network whose averages it keeps, once it has some.
    pub(crate) fn expect_statistics(&self, running: &[Statistics]) -> Result<(), Error> {
        if self.state.averaged.is_empty() {
            return Ok(());
        }
        let averaged = &self.state.averaged_statistics;
        expect_shape(
            "the running statistics",
            &[averaged.len()],
            &[running.len()],
        )?;
        for (averaged, running) in averaged.iter().zip(running) {
            expect_shape(
                "a running mean",
                &[averaged.mean.len()],
                &[running.mean.len()],
            )?;
        }
        Ok(())
    }

    /// Takes running statistics into their averages, after a step. They are rounded to `f32`, as those are.
    pub(crate) fn average_statistics(&mut self, running: &[Statistics]) {
        let Some(decay) = self.average.map(f64::from) else {
            return;
        };
        let averaged = &mut self.state.averaged_statistics;
        if averaged.is_empty() {
            averaged.extend_from_slice(running);
        }
        for (averaged, running) in averaged.iter_mut().zip(running) {
            let means = averaged.mean.iter_mut().zip(&running.mean);
            let variances = averaged.variance.iter_mut().zip(&running.variance);
            for (average, x) in means.chain(variances) {
                *average = f64::from((decay * *average + (1.0 - decay) * x) as f32);
            }
            averaged.count = running.count;
        }
    }

    fn update(
        &mut self,
        range: std::ops::Range<usize>,
        values: &mut [f32],
        gradient: &[f32],
        (rate, scale): (f64, f32),
    ) {
        let moved = values[range.clone()]
            .iter_mut()
            .zip(&gradient[range.clone()]);
        match self.rule {
            Rule::Sgd { momentum: 0.0, .. } => {
                let rate = rate as f32;
                for (p, g) in moved {
                    *p -= rate * (scale * g);
                }
            }
            Rule::Sgd { momentum, nesterov } => {
                let rate = rate as f32;
                for ((p, g), v) in moved.zip(&mut self.state.first[range]) {
                    let g = scale * g;
                    *v = momentum * *v + g;
                    *p -= rate * if nesterov { g + momentum * *v } else { *v };
                }
            }
            Rule::AdamW {
                beta1,
                beta2,
                epsilon,
            } => {
                let step = self.state.steps + 1;
                let rate = (rate / (1.0 - power(f64::from(beta1), step))) as f32;
                let spread = (1.0 - power(f64::from(beta2), step)) as f32;
                let moments = self.state.first[range.clone()]
                    .iter_mut()
                    .zip(&mut self.state.second[range]);
                for ((p, g), (m, v)) in moved.zip(moments) {
                    let g = scale * g;
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * (g * g);
                    *p -= rate * *m / ((*v / spread).sqrt() + epsilon);
                }
            }
        }
    }

    fn check(&self) -> Result<(), Error> {
        let finite = 0.0..f64::INFINITY;
        let momentum = match self.rule {
            Rule::Sgd { momentum, .. } => f64::from(momentum),
            Rule::AdamW { .. } => 0.0,
        };
        let average = f64::from(self.average.unwrap_or(0.0));
        let clip = self.clip.unwrap_or(1.0);
        self.schedule.check()?;
        for (what, expected, found, fits) in [
            (
                "the learning rate",
                "0 or more, and finite",
                self.rate,
                finite.contains(&self.rate),
            ),
            (
                "the weight decay",
                "0 or more, and finite",
                self.decay,
                finite.contains(&self.decay),
            ),
            (
                "the momentum",
                "0 to below 1",
                momentum,
                (0.0..1.0).contains(&momentum),
            ),
            (
                "the average's decay",
                "0 to below 1",
                average,
                (0.0..1.0).contains(&average),
            ),
            (
                "the norm to clip at",
                "above 0, and finite",
                clip,
                clip > 0.0 && clip.is_finite(),
            ),
        ] {
            if !fits {
                return Err(Error::Value {
                    what,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }
}

/// An error if two parameters share a value.
fn check_overlaps(parameters: &[Parameter]) -> Result<(), Error> {
    // Those of a network stand one behind the other, which one look tells.
    let pairs = parameters.windows(2);
    if pairs
        .into_iter()
        .all(|p| p[0].range.end <= p[1].range.start)
    {
        return Ok(());
    }
    for (number, parameter) in parameters.iter().enumerate() {
        let (start, end) = (parameter.range.start, parameter.range.end);
        let overlaps = |other: &&Parameter| other.range.start < end && start < other.range.end;
        if let Some(other) = parameters[number + 1..].iter().find(overlaps) {
            return Err(Error::Range {
                what: "the start of a parameter's range",
                expected: format!(
                    "no value of another one ({} and {} overlap)",
                    parameter.name, other.name
                ),
                found: other.range.start,
            });
        }
    }
    Ok(())
}

/// The Euclidean norm, in `f64`: sixteen sums by turns, added in their order.
fn norm(values: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    for chunk in values.chunks(LANES) {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    sums.iter().sum::<f64>().sqrt()
}

/// `base` to a whole power, by squaring: the same bits on every machine.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut power = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            power *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    power
}
