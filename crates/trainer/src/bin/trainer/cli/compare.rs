//! `trainer compare`: the chapter's claim, measured.

use clap::Args;

use super::args::RunArgs;
use crate::book::compare;
use crate::book::fix::{self, FixArg};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Bug to fix in all networks; may be given several times
    #[arg(long = "fix", value_name = "NAME")]
    fixes: Vec<FixArg>,
}

impl CompareArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        compare::run(&self.run, fix::named(&self.fixes))
    }
}
