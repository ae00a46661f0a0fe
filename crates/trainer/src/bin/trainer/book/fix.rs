//! The faults of the listing that a command line names to be corrected.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use trainer::listing::{Fix, Fixes};

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
            Self::One(fix) => PossibleValue::new(fix.name()).help(format!(
                "{}; right: {}",
                fix.fault(),
                fix.right()
            )),
            Self::All => PossibleValue::new("all").help("all eight"),
        })
    }
}

/// Those that the arguments name.
pub(crate) fn named(args: &[FixArg]) -> Fixes {
    match args.contains(&FixArg::All) {
        true => Fixes::ALL,
        false => {
            let named = |&arg: &FixArg| match arg {
                FixArg::One(fix) => Some(fix),
                FixArg::All => None,
            };
            Fixes::of(&args.iter().filter_map(named).collect::<Vec<_>>())
        }
    }
}
