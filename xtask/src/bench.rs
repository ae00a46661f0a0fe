//! `cargo xtask bench`: this project beside others that do the same work, in one run on one machine.

mod book;
mod build;
mod child;
mod contest;
mod grid;
mod layers;
mod lenet;
mod line;
mod machine;
mod peers;
mod python;
mod record;
mod report;
mod stacked;
mod table;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The chapter's run: milliseconds a whole iteration
    Book(book::Args),
    /// Single convolution layers: milliseconds forward, and forward and backward
    Layers(layers::Args),
    /// A small stacked network: images a second in training and at work
    Lenet(lenet::Args),
    /// A recipe's figures over several seeds: accuracy, and time of training
    Record(record::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Book(args) => book::run(args),
        What::Layers(args) => layers::run(args),
        What::Lenet(args) => lenet::run(args),
        What::Record(args) => record::run(args),
    }
}
