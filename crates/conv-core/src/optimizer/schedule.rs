use super::power;
use crate::Error;

/// How the learning rate changes from step to step.
///
/// ```
/// use conv_core::optimizer::Schedule;
///
/// let schedule = Schedule::Step { every: 100, factor: 0.1 };
/// assert_eq!(schedule.factor(99), 1.0);
/// assert_eq!(schedule.factor(100), 0.1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(rename_all = "snake_case", deny_unknown_fields)
)]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It is multiplied by a factor every so many steps.
    Step {
        /// At least 1.
        every: u64,
        /// From 0 to 1.
        factor: f64,
    },
    /// It falls to 0 along half a cosine, and stays there. I. Loshchilov and F. Hutter, SGDR, ICLR (2017).
    Cosine {
        /// Until it is 0, at least 1.
        steps: u64,
    },
    /// It rises from 1/25 of itself over three tenths of the steps, and falls to 1/250,000 over the others, along
    /// half a cosine each. L. Smith and N. Topin, Super-convergence (2018), with the numbers of `PyTorch`'s
    /// `OneCycleLR`.
    OneCycle {
        /// At least 1.
        steps: u64,
    },
}

impl Schedule {
    /// What the learning rate is multiplied by in a step, counted from 0.
    ///
    /// ```
    /// use conv_core::optimizer::Schedule;
    ///
    /// let schedule = Schedule::Cosine { steps: 100 };
    /// assert_eq!(schedule.factor(0), 1.0);
    /// assert!((schedule.factor(50) - 0.5).abs() < 1e-15);
    /// assert_eq!(schedule.factor(100), 0.0);
    /// ```
    #[must_use]
    pub fn factor(self, step: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Step { every, factor } => power(factor, step / every.max(1)),
            Self::Cosine { steps } => fall(step as f64 / steps.max(1) as f64),
            Self::OneCycle { steps } => {
                let (start, end) = (1.0 / 25.0, 1.0 / 25.0 / 10_000.0);
                let rise = (0.3 * steps as f64 - 1.0).max(0.0);
                let rest = (steps as f64 - 1.0 - rise).max(1.0);
                let step = step as f64;
                if step < rise {
                    1.0 + (start - 1.0) * fall(step / rise)
                } else {
                    end + (1.0 - end) * fall((step - rise) / rest)
                }
            }
        }
    }

    pub(super) fn check(self) -> Result<(), Error> {
        let (what, expected, found, fits) = match self {
            Self::Constant => return Ok(()),
            Self::Step { every: 0, .. } => ("the steps of the schedule", "1 or more", 0.0, false),
            Self::Step { factor, .. } => {
                let fits = (0.0..=1.0).contains(&factor);
                ("the factor of the schedule", "0 to 1", factor, fits)
            }
            Self::Cosine { steps } | Self::OneCycle { steps } => (
                "the steps of the schedule",
                "1 or more",
                steps as f64,
                steps > 0,
            ),
        };
        if fits {
            return Ok(());
        }
        Err(Error::Value {
            what,
            expected,
            found,
        })
    }
}

/// `(1 + cos πt) / 2` for t from 0 to 1, 0 beyond. The crate's own cosine, by its series on \[0, π/2\]: a
/// platform's differs from the next one's in the last bits.
fn fall(t: f64) -> f64 {
    if t >= 1.0 {
        return 0.0;
    }
    let folded = if t > 0.5 { 1.0 - t } else { t };
    let square = (std::f64::consts::PI * folded) * (std::f64::consts::PI * folded);
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..14 {
        term *= -square / f64::from(2 * n * (2 * n - 1));
        sum += term;
    }
    0.5 * (1.0 + if t > 0.5 { -sum } else { sum })
}
