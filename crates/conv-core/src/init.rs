//! First weights, drawn from a small seeded generator.

use crate::Error;

/// A generator whose n-th number follows from its seed alone: any of them can be drawn without the ones before.
///
/// `SplitMix64`: G. Steele, D. Lea and C. Flood, Fast splittable pseudorandom number generators, OOPSLA (2014).
///
/// ```
/// use conv_core::init::Seeded;
///
/// let mut random = Seeded::new(7);
/// let first = random.uniform();
/// assert!((0.0..1.0).contains(&first));
/// assert_eq!(Seeded::new(7).uniform(), first);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeded(u64);

impl Seeded {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another generator, for part number `part` of what this one is for.
    #[must_use]
    pub fn part(&self, part: u64) -> Self {
        Self(mix(self.0 ^ mix(part.wrapping_add(Self::STEP))))
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        mix(self.0)
    }

    /// The bits that the n-th call of [`next_u64`](Self::next_u64) from now gives, counted from 0.
    #[inline]
    #[must_use]
    pub fn at(&self, n: u64) -> u64 {
        mix(self
            .0
            .wrapping_add(Self::STEP.wrapping_mul(n.wrapping_add(1))))
    }

    /// Uniform on \[0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

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
    /// Fills weights. `fan_in` is how many numbers one output sums, `fan_out` how many outputs one input has a
    /// weight for: of a convolution, taps times the input or output channels of a group.
    ///
    /// ```
    /// use conv_core::init::{Init, Seeded};
    ///
    /// let mut weights = [0.0; 54];
    /// Init::He.fill((54, 9), &mut Seeded::new(1), &mut weights)?;
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
        (fan_in, fan_out): (usize, usize),
        random: &mut Seeded,
        weights: &mut [f32],
    ) -> Result<(), Error> {
        crate::ops::expect_some("fan_in", fan_in)?;
        crate::ops::expect_some("fan_out", fan_out)?;
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

    /// The first numbers from seed 1234567 of the reference implementation (S. Vigna, splitmix64.c).
    #[test]
    fn is_splitmix64() {
        let mut random = Seeded::new(1_234_567);
        let right = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        for (n, right) in right.into_iter().enumerate() {
            assert_eq!(Seeded::new(1_234_567).at(n as u64), right);
            assert_eq!(random.next_u64(), right);
        }
    }

    #[test]
    fn weights_have_the_variance_of_their_source() {
        let mut weights = vec![0.0; 100_000];
        for (init, right) in [
            (Init::Uniform { limit: 3.0 }, 3.0),
            (Init::Glorot, 2.0 / 150.0),
            (Init::He, 2.0 / 50.0),
        ] {
            init.fill((50, 100), &mut Seeded::new(3), &mut weights)
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
        assert!(
            wrong
                .fill((1, 1), &mut Seeded::new(1), &mut weights)
                .is_err()
        );
        assert!(
            Init::He
                .fill((0, 1), &mut Seeded::new(1), &mut weights)
                .is_err()
        );
    }
}
