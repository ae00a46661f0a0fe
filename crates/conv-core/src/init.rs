//! Initial weights, drawn from a small seeded generator.

use crate::Error;
pub use crate::random::Seeded;

/// How weights begin: uniform between −limit and limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub enum Init {
    /// A limit of one's own; 0 gives zeros.
    Uniform {
        /// At least 0, and finite.
        limit: f32,
    },
    /// `limit = √(6 / (fan_in + fan_out))`, which keeps the variance forward and backward where the activation
    /// is about the identity near 0, as tanh. X. Glorot and Y. Bengio, Understanding the difficulty of training
    /// deep feedforward neural networks, AISTATS (2010), equation 16.
    Glorot,
    /// `limit = √(6 / fan_in)`, a variance of `2 / fan_in`, which keeps it through a `ReLU`. K. He et al., Delving
    /// deep into rectifiers, ICCV (2015), equation 10.
    #[default]
    He,
}

impl Init {
    /// Fills weights. `fan_in` is how many products one output sums, `fan_out` how many outputs one input has a
    /// weight for: of a convolution, taps times the input or output channels of a group.
    ///
    /// ```
    /// use conv_core::init::{Init, Seeded};
    ///
    /// let mut weights = [0.0; 54];
    /// Init::He.fill(54, 9, &mut Seeded::new(1), &mut weights)?;
    /// let limit = (6.0_f32 / 54.0).sqrt();
    /// assert!(weights.iter().all(|w| w.abs() <= limit));
    /// assert!(weights.iter().any(|w| w.abs() > limit / 2.0));
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Range`] if a fan is 0, [`Error::Value`] if the limit is negative or not finite.
    pub fn fill(
        self,
        fan_in: usize,
        fan_out: usize,
        random: &mut Seeded,
        weights: &mut [f32],
    ) -> Result<(), Error> {
        crate::ops::check::expect_some("fan_in", fan_in)?;
        crate::ops::check::expect_some("fan_out", fan_out)?;
        let limit = match self {
            Self::Uniform { limit } => f64::from(limit),
            Self::Glorot => (6.0 / (fan_in as f64 + fan_out as f64)).sqrt(),
            Self::He => (6.0 / fan_in as f64).sqrt(),
        };
        self.check()?;
        for weight in weights {
            *weight = (limit * (2.0 * random.uniform() - 1.0)) as f32;
        }
        Ok(())
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::Uniform { limit } if !(0.0..f32::INFINITY).contains(&limit) => {
                Err(Error::Value {
                    what: "the limit of the first weights",
                    expected: "0 or more, and finite",
                    found: f64::from(limit),
                })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_the_variance_of_their_source() {
        let mut weights = vec![0.0; 100_000];
        for (init, right) in [
            (Init::Uniform { limit: 3.0 }, 3.0),
            (Init::Glorot, 2.0 / 150.0),
            (Init::He, 2.0 / 50.0),
        ] {
            init.fill(50, 100, &mut Seeded::new(3), &mut weights)
                .unwrap();
            let square = |w: &f32| f64::from(w * w);
            let variance = weights.iter().map(square).sum::<f64>() / weights.len() as f64;
            let mean = weights.iter().copied().map(f64::from).sum::<f64>() / weights.len() as f64;
            assert!(
                (variance / right - 1.0).abs() < 0.02,
                "{init:?}: {variance}"
            );
            assert!(mean.abs() < 0.02 * right.sqrt(), "{init:?}: {mean}");
        }
        let wrong = Init::Uniform { limit: f32::NAN };
        assert!(wrong.fill(1, 1, &mut Seeded::new(1), &mut weights).is_err());
        assert!(
            Init::He
                .fill(0, 1, &mut Seeded::new(1), &mut weights)
                .is_err()
        );
    }
}
