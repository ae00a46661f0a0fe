//! What the numbers of a recipe may be: the same for a text that is read and for a recipe made in Rust.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::problem::Problem;

/// What a number may be, in words that follow "expected a number".
pub(super) struct Number {
    pub(super) expected: &'static str,
    pub(super) fits: fn(f64) -> bool,
}

/// The whole numbers that are allowed.
pub(super) struct Whole(pub(super) RangeInclusive<u64>);

pub(super) const SEED: Whole = Whole(0..=i64::MAX as u64);
/// Epochs, the images of a batch, epochs of patience: far beyond any use, and small enough to count with.
pub(super) const COUNT: Whole = Whole(1..=1_000_000);
pub(super) const TRAIN_IMAGES: Whole = Whole(1..=u32::MAX as u64);
pub(super) const VALIDATION: Whole = Whole(0..=u32::MAX as u64);

pub(super) const SHARE: Number = Number {
    expected: "from 0 to 1",
    fits: |x| (0.0..=1.0).contains(&x),
};
pub(super) const SHIFT: Number = Number {
    expected: "of pixels from 0 to 1000",
    fits: |x| (0.0..=1000.0).contains(&x),
};
pub(super) const ROTATION: Number = Number {
    expected: "of degrees from 0 to 180",
    fits: |x| (0.0..=180.0).contains(&x),
};
pub(super) const SCALE: Number = Number {
    expected: "from 0 to 0.9, a part of the size",
    fits: |x| (0.0..=0.9).contains(&x),
};
pub(super) const SHEAR: Number = Number {
    expected: "from 0 to 10, a part of the height",
    fits: |x| (0.0..=10.0).contains(&x),
};
pub(super) const ELASTIC_ALPHA: Number = Number {
    expected: "from 0 to 10000",
    fits: |x| (0.0..=1e4).contains(&x),
};
pub(super) const ELASTIC_SIGMA: Number = Number {
    expected: "of pixels from 0.1 to 100",
    fits: |x| (0.1..=100.0).contains(&x),
};
pub(super) const RATE: Number = Number {
    expected: "above 0",
    fits: |x| x > 0.0 && x.is_finite(),
};
/// Momentum and the decay of averaged weights, which conv-core takes as f32.
pub(super) const DECAY: Number = Number {
    expected: "from 0 to below 1",
    fits: |x| (0.0..1.0).contains(&(x as f32)),
};
pub(super) const WEIGHT_DECAY: Number = Number {
    expected: "0 or more",
    fits: |x| x >= 0.0 && x.is_finite(),
};
pub(super) const CLIP: Number = Number {
    expected: "above 0, the largest norm of a gradient",
    fits: |x| x > 0.0 && x.is_finite(),
};

impl Number {
    /// Checks the value of a key.
    pub(super) fn check(&self, path: &str, value: f64) -> Result<(), Problem> {
        match (self.fits)(value) {
            true => Ok(()),
            false => Err(wrong(path, value, &format!("a number {}", self.expected))),
        }
    }
}

impl Whole {
    /// In words.
    pub(super) fn expected(&self) -> String {
        let (least, most) = (self.0.start(), self.0.end());
        format!("a whole number from {least} to {most}")
    }

    /// Checks the value of a key.
    pub(super) fn check(&self, path: &str, value: u64) -> Result<(), Problem> {
        match self.0.contains(&value) {
            true => Ok(()),
            false => Err(wrong(path, value, &self.expected())),
        }
    }
}

fn wrong(path: &str, found: impl Display, expected: &str) -> Problem {
    Problem::new(path, format!("{path} is {found}, expected {expected}"))
}
