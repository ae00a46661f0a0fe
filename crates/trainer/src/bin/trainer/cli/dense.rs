//! `trainer dense`: the listing of chapter 9.

use clap::Args;
use trainer::listing::{Fixes, Layer};

use super::args::{RunArgs, kernels, positive};
use crate::book::listing::{self, Form};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct DenseArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Images per step
    #[arg(long, default_value = "100", value_name = "N", value_parser = positive)]
    batch_size: usize,
    /// Hidden units
    #[arg(long, default_value = "100", value_name = "N", value_parser = kernels)]
    hidden: usize,
    /// Print every Nth iteration
    #[arg(long, default_value = "10", value_name = "N", value_parser = positive)]
    print_every: usize,
}

impl DenseArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let layer = Layer::Dense { units: self.hidden };
        let settings = self.run.settings(self.batch_size, layer, Fixes::NONE);
        let print_every = self.print_every;
        let form = Form::Listing { print_every };
        listing::print(
            settings,
            self.run.splits()?,
            &self.run.threads.pool()?,
            form,
        )
    }
}
