//! `trainer book`: the listing of chapter 10.

use clap::{Args, ValueEnum};
use conv_core::chapter::Pooling;
use trainer::listing::Layer;

use super::args::{RunArgs, kernels, positive};
use crate::book::fix::{self, FixArg};
use crate::book::listing::{self, Form};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct BookArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Images per step
    #[arg(long, default_value = "128", value_name = "N", value_parser = positive)]
    batch_size: usize,
    /// Number of kernels
    #[arg(long, default_value = "16", value_name = "N", value_parser = kernels)]
    kernels: usize,
    /// Height and width of a kernel, in pixels
    #[arg(long, default_value = "3", value_name = "PIXELS", value_parser = positive)]
    kernel_size: usize,
    /// Pooling across kernels at each position
    #[arg(long, default_value = "none")]
    combine: Combine,
    /// Bug in the listing to fix; may be given several times
    #[arg(long = "fix", value_name = "NAME")]
    fixes: Vec<FixArg>,
    /// One JSON object per line: each iteration, then the result
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Combine {
    /// No pooling: each kernel has its own weights
    None,
    /// Sum of the kernels' outputs
    Sum,
    /// Mean of the kernels' outputs
    Mean,
    /// Max of the kernels' outputs
    Max,
}

impl From<Combine> for Option<Pooling> {
    fn from(combine: Combine) -> Self {
        match combine {
            Combine::None => None,
            Combine::Sum => Some(Pooling::Sum),
            Combine::Mean => Some(Pooling::Mean),
            Combine::Max => Some(Pooling::Max),
        }
    }
}

impl BookArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let layer = Layer::Kernels {
            count: self.kernels,
            size: self.kernel_size,
            pooling: self.combine.into(),
        };
        let settings = self
            .run
            .settings(self.batch_size, layer, fix::named(&self.fixes));
        let form = match self.json {
            true => Form::Json,
            false => Form::Listing { print_every: 1 },
        };
        listing::print(
            settings,
            self.run.splits()?,
            &self.run.threads.pool()?,
            form,
        )
    }
}
