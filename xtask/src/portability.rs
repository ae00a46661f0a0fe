//! `cargo xtask portability`: the pinned digests on every machine that this one can be, or can imitate.

mod browser;
mod cargo_test;
mod digests;
mod machines;
mod needs;
pub(crate) mod relaxed;
mod windows;

use anyhow::{Result, ensure};
use clap::ValueEnum;

pub(crate) use cargo_test::cargo;
use machines::Machine;

#[derive(clap::Args)]
#[command(after_help = "\
Each machine runs conv-core's tests of its instruction sets and of the pinned
digests (crates/conv-core/tests/same_bits), or more of them. What a machine needs
and this one lacks is named, with the command that installs it, and that
machine is skipped; with --require it counts as failed.")]
pub(crate) struct Args {
    /// Machines to be, all if none is named
    #[arg(value_enum, value_name = "MACHINE")]
    machines: Vec<Machine>,
    /// Fail where something is missing
    #[arg(long)]
    require: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let machines = match args.machines.as_slice() {
        [] => Machine::value_variants(),
        some => some,
    };
    let mut lines = Vec::new();
    let (mut failed, mut skipped) = (0, 0);
    for &machine in machines {
        let name = machine.name();
        let missing = needs::missing(machine.needs())?;
        let line = if missing.is_empty() {
            eprintln!("{name}: {}", machine.work());
            match machine.run() {
                Ok(found) => format!("{name}: passed, {found}"),
                Err(error) => {
                    failed += 1;
                    format!("{name}: FAILED: {error:#}")
                }
            }
        } else {
            skipped += 1;
            let missing = missing.join("; ");
            format!("{name}: SKIPPED ({}): {missing}", machine.work())
        };
        eprintln!("{line}");
        lines.push(line);
    }
    println!("{}", lines.join("\n"));
    ensure!(failed == 0, "{failed} of {} machines failed", lines.len());
    ensure!(
        skipped == 0 || !args.require,
        "{skipped} of {} machines were skipped",
        lines.len()
    );
    Ok(())
}
