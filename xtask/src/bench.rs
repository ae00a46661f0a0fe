//! `cargo xtask bench`: this project beside others that do the same work, in one run on one machine.

mod book;
mod child;
mod figures;
mod machine;
mod peers;
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
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Book(args) => book::run(args),
    }
}
