//! The parameters of a network, and what follows from them.

use super::layout::FirstValues;
use super::pass::Packed;
use super::program::Program;
use crate::Error;
use crate::ops::batch_norm::Statistics;
use crate::random::Seeded;

/// Parameters, running statistics, and both as the steps compute with them.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) values: Vec<f32>,
    /// The running statistics of each normalisation, rounded to `f32`.
    pub(super) running: Vec<Statistics>,
    /// For each step.
    pub(super) packed: Vec<Packed>,
}

impl Weights {
    /// First weights, drawn from a seed: each parameter by its number.
    pub(super) fn drawn(program: &Program, seed: u64) -> Result<Self, Error> {
        let mut values = vec![0.0; program.parameters_len];
        let seeded = Seeded::new(seed);
        let parameters = program.parameters.iter().zip(&program.first_values);
        for (number, (parameter, first)) in parameters.enumerate() {
            let values = &mut values[parameter.range.clone()];
            match *first {
                FirstValues::Ones => values.fill(1.0),
                FirstValues::Drawn(init, (fan_in, fan_out)) => {
                    let mut random = seeded.part(number as u64);
                    init.fill(fan_in, fan_out, &mut random, values)?;
                }
            }
        }
        Ok(Self::new(program, values))
    }

    /// Weights of these values for all parameters of the program, and running statistics of mean 0 and variance 1.
    pub(super) fn new(program: &Program, values: Vec<f32>) -> Self {
        let running = program.norms.iter().map(|norm| {
            let mut statistics = Statistics::new(norm.channels);
            statistics.variance.fill(1.0);
            statistics
        });
        let packed = program.steps.iter().map(|step| step.step.packed());
        let mut weights = Self {
            values,
            running: running.collect(),
            packed: packed.collect(),
        };
        weights.pack(program);
        weights
    }

    /// Packs the values and running statistics anew, after they changed.
    pub(super) fn pack(&mut self, program: &Program) {
        for (step, packed) in program.steps.iter().zip(&mut self.packed) {
            step.step.pack(&self.values, &self.running, packed);
        }
    }

    /// A running average of the batches' statistics. Of the variance it has the unbiased estimate, as in
    /// `PyTorch`; both are rounded to `f32`, as which they are saved.
    pub(super) fn follow<'a>(
        &mut self,
        program: &Program,
        statistics: impl Iterator<Item = &'a Statistics>,
    ) {
        let norms = program.batch_norms().zip(statistics);
        for ((running, batch), momentum) in self
            .running
            .iter_mut()
            .zip(norms)
            .map(|(running, ((_, norm), batch))| ((running, batch), f64::from(norm.momentum)))
        {
            let count = batch.count as f64;
            let unbiased = if batch.count > 1 {
                count / (count - 1.0)
            } else {
                1.0
            };
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
}

/// Refuses statistics that would make a running average overflow `f32`.
pub(super) fn check_statistics<'a>(
    statistics: impl Iterator<Item = &'a Statistics>,
) -> Result<(), Error> {
    // The variance may become twice as large where a channel has two values.
    let largest = f64::from(f32::MAX) / 4.0;
    for statistics in statistics {
        for (what, values) in [
            ("a mean of the batch", &statistics.mean),
            ("a variance of the batch", &statistics.variance),
        ] {
            if !values.iter().all(|x| x.abs() <= largest) {
                return Err(Error::NotFinite { what });
            }
        }
    }
    Ok(())
}
