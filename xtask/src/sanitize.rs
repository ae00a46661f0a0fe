//! `cargo xtask sanitize`: conv-core under Miri and LLVM's sanitizers, which find undefined behaviour and data races.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::workspace::root;

/// What LLVM's sanitizers are built for. Only with a target named do build scripts go without.
const TARGET: &str = "x86_64-unknown-linux-gnu";

#[derive(clap::Args)]
#[command(after_help = "\
Each needs a nightly toolchain:
  rustup toolchain install nightly --profile minimal --component miri,rust-src")]
pub(crate) struct Args {
    /// Tools to run, all if none is named
    #[arg(value_enum, value_name = "TOOL")]
    tools: Vec<Tool>,
}

/// A tool that watches tests while they run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tool {
    /// Undefined behaviour, in the scalar instruction set and in stages
    Miri,
    /// Memory that is not one's own, on every instruction set
    Address,
    /// Data races, in what threads do together
    Thread,
}

impl Tool {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The parts of the nightly toolchain that it needs.
    fn components(self) -> &'static [&'static str] {
        match self {
            Self::Miri => &["miri", "rust-src"],
            Self::Address => &[],
            // The standard library has to be built for it, or its own locks would count as races.
            Self::Thread => &["rust-src"],
        }
    }

    /// What `cargo` is told, and in which environment.
    fn work(
        self,
    ) -> (
        &'static [&'static str],
        &'static [(&'static str, &'static str)],
    ) {
        match self {
            // simd::math has no unsafe code, and its tests take every 61st number that there is.
            Self::Miri => (
                &[
                    "miri",
                    "test",
                    "-p",
                    "conv-core",
                    "--lib",
                    "--",
                    "simd::",
                    "parallel::",
                    "--skip",
                    "simd::math",
                ],
                // The threads of rayon's pools outlive the tests, and crossbeam's queues are right by tree borrows alone.
                &[(
                    "MIRIFLAGS",
                    "-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks -Zmiri-disable-isolation",
                )],
            ),
            Self::Address => (
                &[
                    "test",
                    "-p",
                    "conv-core",
                    "--target",
                    TARGET,
                    "--lib",
                    "--test",
                    "ops",
                    "--test",
                    "stacked_ops",
                    "--test",
                    "conv",
                    "--test",
                    "network",
                    "--test",
                    "pool",
                    "--test",
                    "hostile",
                    "--",
                    "--skip",
                    "simd::math",
                ],
                &[("RUSTFLAGS", "-Zsanitizer=address")],
            ),
            Self::Thread => (
                &[
                    "-Zbuild-std",
                    "test",
                    "-p",
                    "conv-core",
                    "--target",
                    TARGET,
                    "--lib",
                    "--",
                    "parallel::",
                ],
                &[("RUSTFLAGS", "-Zsanitizer=thread")],
            ),
        }
    }

    /// What it is told when the tests run. What a suppression hides is counted at the end of the run.
    fn options(self, root: &Path) -> Option<(&'static str, OsString)> {
        match self {
            Self::Thread => {
                // The option's value ends at a space if it is not in quotes.
                let mut options = OsString::from("print_suppressions=1:suppressions='");
                options.push(root.join("xtask/src/thread-sanitizer.txt"));
                options.push("'");
                Some(("TSAN_OPTIONS", options))
            }
            Self::Miri | Self::Address => None,
        }
    }

    /// Runs it, and fails if it finds something.
    fn run(self, root: &Path) -> Result<()> {
        let installed = nightly_components()?;
        for &component in self.components() {
            ensure!(
                installed.lines().any(|line| line.starts_with(component)),
                "the nightly toolchain has no {component}; \
                 rustup component add --toolchain nightly {component}"
            );
        }
        let (arguments, environment) = self.work();
        let folder = root.join("target/sanitize").join(self.name());
        let status = nightly("cargo")
            // Sanitizers make each access a call, which full optimisation does not make much faster.
            .args(["--config", "profile.dev.package.conv-core.opt-level=1"])
            .args(arguments)
            .current_dir(root)
            .env("CARGO_TARGET_DIR", folder)
            .envs(environment.iter().copied())
            .envs(self.options(root))
            .status()?;
        ensure!(status.success(), "{status}; what was found stands above");
        Ok(())
    }
}

/// A program of the nightly toolchain.
fn nightly(program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", program]);
    // What the cargo that runs this has set for its own toolchain.
    for name in [
        "CARGO",
        "RUSTC",
        "RUSTDOC",
        "RUSTUP_TOOLCHAIN",
        "CONV_CORE_SIMD",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).env("RUST_BACKTRACE", "0");
    command
}

/// The components of the nightly toolchain, a line each.
fn nightly_components() -> Result<String> {
    let output = Command::new("rustup")
        .args(["component", "list", "--installed", "--toolchain", "nightly"])
        .output()
        .context("rustup does not start; https://rustup.rs has it")?;
    ensure!(
        output.status.success(),
        "there is no nightly toolchain; \
         rustup toolchain install nightly --profile minimal --component miri,rust-src"
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let root = root()?;
    let tools = match args.tools.as_slice() {
        [] => Tool::value_variants(),
        some => some,
    };
    let (mut lines, mut failed) = (Vec::new(), 0);
    for &tool in tools {
        let name = tool.name();
        lines.push(match tool.run(root) {
            Ok(()) => format!("{name}: found nothing"),
            Err(error) => {
                failed += 1;
                format!("{name}: FAILED: {error:#}")
            }
        });
        eprintln!("{}", lines[lines.len() - 1]);
    }
    println!("{}", lines.join("\n"));
    ensure!(failed == 0, "{failed} of {} tools failed", lines.len());
    Ok(())
}
