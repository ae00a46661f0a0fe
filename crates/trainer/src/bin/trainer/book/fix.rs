//! The eight faults of the chapter's listing, each with a name by which it is put right.

use clap::ValueEnum;
use clap::builder::PossibleValue;

/// A fault of the listing, by the name of its fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fix {
    KernelSign,
    LastPosition,
    DeltaScale,
    TanhDerivative,
    DropoutGradient,
    TrainDenominator,
    LastBatch,
    SoftmaxOverflow,
}

impl Fix {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: [Self; 8] = [
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

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        self.words().0
    }

    /// What the listing does.
    pub(crate) fn fault(self) -> &'static str {
        self.words().1
    }
}

/// What `--fix` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FixArg {
    One(Fix),
    All,
}

impl ValueEnum for FixArg {
    fn value_variants<'a>() -> &'a [Self] {
        const VARIANTS: [FixArg; 9] = [
            FixArg::One(Fix::KernelSign),
            FixArg::One(Fix::LastPosition),
            FixArg::One(Fix::DeltaScale),
            FixArg::One(Fix::TanhDerivative),
            FixArg::One(Fix::DropoutGradient),
            FixArg::One(Fix::TrainDenominator),
            FixArg::One(Fix::LastBatch),
            FixArg::One(Fix::SoftmaxOverflow),
            FixArg::All,
        ];
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::One(fix) => {
                let (name, fault, right) = fix.words();
                PossibleValue::new(name).help(format!("{fault}; right: {right}"))
            }
            Self::All => PossibleValue::new("all").help("all eight"),
        })
    }
}

/// Which faults are put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fixes([bool; Fix::ALL.len()]);

impl Fixes {
    /// The listing as printed.
    pub(crate) const NONE: Self = Self([false; Fix::ALL.len()]);
    /// Nothing wrong any more.
    pub(crate) const ALL: Self = Self([true; Fix::ALL.len()]);

    /// One fault put right.
    pub(crate) fn only(fix: Fix) -> Self {
        Self(Fix::ALL.map(|other| other == fix))
    }

    /// Those that the arguments name.
    pub(crate) fn of(args: &[FixArg]) -> Self {
        Self(Fix::ALL.map(|fix| args.contains(&FixArg::One(fix)) || args.contains(&FixArg::All)))
    }

    /// Whether this fault is put right.
    pub(crate) fn has(self, fix: Fix) -> bool {
        self.0[fix as usize]
    }
}
