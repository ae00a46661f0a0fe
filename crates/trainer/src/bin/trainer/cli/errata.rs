//! `trainer errata`: what each fault of the listing costs.

use clap::Args;

use super::args::RunArgs;
use crate::book::errata;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct ErrataArgs {
    #[command(flatten)]
    run: RunArgs,
}

impl ErrataArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        errata::run(&self.run)
    }
}
