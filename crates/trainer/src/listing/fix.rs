//! The eight faults of the chapter's listing, each with a name by which it is put right.

/// A fault of the listing, by the name of its fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// The kernels climb: the sign of their update is wrong.
    KernelSign,
    /// The last row and the last column of positions are forgotten.
    LastPosition,
    /// The delta is divided by the number of images twice.
    DeltaScale,
    /// The derivative of tanh is taken of what dropout doubled.
    TanhDerivative,
    /// Backward, dropout does not double what it kept.
    DropoutGradient,
    /// The training accuracy counts images that were not seen.
    TrainDenominator,
    /// Images that fill no batch never train.
    LastBatch,
    /// Softmax does not subtract the largest logit.
    SoftmaxOverflow,
}

impl Fix {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 8] = [
        Self::KernelSign,
        Self::LastPosition,
        Self::DeltaScale,
        Self::TanhDerivative,
        Self::DropoutGradient,
        Self::TrainDenominator,
        Self::LastBatch,
        Self::SoftmaxOverflow,
    ];

    /// Its name, what the listing does, and what is right.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::KernelSign => ("kernel-sign", "kernels -= alpha * k_update: ascent", "+="),
            Self::LastPosition => (
                "last-position",
                "25 × 25 positions of 26 × 26",
                "all positions",
            ),
            Self::DeltaScale => (
                "delta-scale",
                "delta divided by the batch size twice",
                "divided once",
            ),
            Self::TanhDerivative => (
                "tanh-derivative",
                "1 - h² of the dropout-scaled h = 2t",
                "1 - t²",
            ),
            Self::DropoutGradient => (
                "dropout-gradient",
                "backward multiplies by the mask",
                "by the mask × 2",
            ),
            Self::TrainDenominator => (
                "train-denominator",
                "Train-Acc of all images, though not all are seen",
                "of those seen",
            ),
            Self::LastBatch => (
                "last-batch",
                "images that fill no batch never train",
                "a last, smaller batch",
            ),
            Self::SoftmaxOverflow => (
                "softmax-overflow",
                "exp of the logits as they are",
                "the row's maximum subtracted first",
            ),
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fix| fix.name() == name)
    }

    /// Its name, as in `--fix kernel-sign`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// What the listing does.
    #[must_use]
    pub fn fault(self) -> &'static str {
        self.words().1
    }

    /// What is right.
    #[must_use]
    pub fn right(self) -> &'static str {
        self.words().2
    }
}

/// Which faults are put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fixes([bool; Fix::ALL.len()]);

impl Fixes {
    /// The listing as printed.
    pub const NONE: Self = Self([false; Fix::ALL.len()]);
    /// Nothing wrong any more.
    pub const ALL: Self = Self([true; Fix::ALL.len()]);

    /// One fault put right.
    #[must_use]
    pub fn only(fix: Fix) -> Self {
        Self(Fix::ALL.map(|other| other == fix))
    }

    /// All that are given.
    #[must_use]
    pub fn of(fixes: &[Fix]) -> Self {
        Self(Fix::ALL.map(|fix| fixes.contains(&fix)))
    }

    /// Whether this fault is put right.
    #[must_use]
    pub fn has(self, fix: Fix) -> bool {
        self.0[fix as usize]
    }
}
