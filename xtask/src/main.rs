//! The project's chores, run as `cargo xtask CHORE`.
#![forbid(unsafe_code)]

mod bench;
mod embed;
mod fetch_mnist;
mod page;
mod portability;
mod sanitize;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's chores"
)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Download MNIST, verify it, and keep it in a folder
    FetchMnist(fetch_mnist::Args),
    /// Make the embedded data of `mnist-data` from the four full MNIST files
    Embed(embed::Args),
    /// Measure this project against its peers
    Bench(bench::Args),
    /// Build the page in the browser: one HTML file
    Page(page::Args),
    /// Find the pinned digests on other machines: ARM, WebAssembly, 32 bits, Windows
    Portability(portability::Args),
    /// Run tests under Miri and sanitizers, which find undefined behaviour
    Sanitize(sanitize::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::FetchMnist(args) => fetch_mnist::run(&args),
        Chore::Embed(args) => embed::run(&args),
        Chore::Bench(args) => bench::run(&args),
        Chore::Page(args) => page::run(&args),
        Chore::Portability(args) => portability::run(&args),
        Chore::Sanitize(args) => sanitize::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With its causes, and without a backtrace: what went wrong is outside the program.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
