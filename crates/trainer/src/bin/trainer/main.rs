//! The chapter's training run, and the program around it: `cargo run -p trainer`.
//!
//! stdout carries results, stderr everything else. Exit codes: 0 done, 1 something failed, 2 the command
//! line is wrong, 130 interrupted.
#![forbid(unsafe_code)]

mod book;
mod cli;
mod failure;
#[cfg(feature = "mpi")]
mod mpi;
mod terminal;

use std::process::ExitCode;

use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::from_process();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    conv_core::simd::Level::from_env()
        .map_err(|error| Failure::Usage(format!("CONV_CORE_SIMD: {error}")))?;
    let command = cli.command.unwrap_or(Command::Book(cli.book));
    if command.hears_interrupts() {
        terminal::interrupts::watch()
            .map_err(|error| Failure::Error(format!("cannot watch for Ctrl-C: {error}")))?;
    }
    #[cfg(feature = "mpi")]
    if !matches!(command, Command::Train(_) | Command::Sweep(_)) {
        mpi::warn_of_copies();
    }
    match command {
        Command::Book(args) => args.run(),
        Command::Dense(args) => args.run(),
        Command::Errata(args) => args.run(),
        Command::Compare(args) => args.run(),
        Command::Train(args) => args.run(),
        Command::Sweep(args) => args.run(),
        Command::Recipes(args) => args.run(),
        Command::Evaluate(args) => args.run(),
        Command::Report(args) => args.run(),
        Command::Predict(args) => args.run(),
        Command::Export(args) => args.run(),
        #[cfg(feature = "fetch")]
        Command::Fetch(args) => args.run(),
        Command::Completions(args) => args.run(),
    }
}
