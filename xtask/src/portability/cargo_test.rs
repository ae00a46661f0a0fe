//! `cargo test` for another machine.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::digests::Found;
use crate::workspace::root;

/// Tests to be built and run for a target.
pub(super) struct Tests<'a> {
    /// A name for the folder they are built in, since other flags make everything anew; none for the usual one.
    pub(super) folder: Option<&'a str>,
    pub(super) target: Option<&'a str>,
    /// What else `cargo test` is told.
    pub(super) arguments: &'a [&'a str],
    /// Tests that are left out, by a part of their names.
    pub(super) skipped: &'a [&'a str],
    pub(super) environment: &'a [(&'a str, OsString)],
}

impl Tests<'_> {
    /// Runs them to the end, and fails unless they pass and these instruction sets at least have all digests.
    pub(super) fn run_on(&self, needed: &[&str]) -> Result<String> {
        let mut command = self.command("test")?;
        command.args(["--no-fail-fast", "--", "--nocapture"]);
        command.args(self.skipped.iter().flat_map(|part| ["--skip", part]));
        command.stdout(Stdio::piped());
        let mut child = command.spawn().context("cargo does not start")?;
        let mut found = Found::default();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let line = line.context("what the tests print cannot be read")?;
                found.read(&line);
                eprintln!("{line}");
            }
        }
        let status = child.wait()?;
        found.none_is_wrong()?;
        ensure!(status.success(), "its tests fail ({status})");
        found.has_all_on(needed)
    }

    /// Builds them, and gives the programs.
    pub(super) fn build(&self) -> Result<Vec<PathBuf>> {
        let mut command = self.command("test")?;
        command.args(["--no-run", "--message-format", "json"]);
        let output = command.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "its tests do not build");
        let mut programs = Vec::new();
        for line in output.stdout.split(|&byte| byte == b'\n') {
            let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else {
                continue;
            };
            programs.extend(message["executable"].as_str().map(PathBuf::from));
        }
        Ok(programs)
    }

    fn command(&self, verb: &str) -> Result<Command> {
        let mut command = cargo();
        command.arg(verb).args(self.arguments);
        command
            .current_dir(root()?)
            .envs(self.environment.iter().cloned());
        command.args(self.target.iter().flat_map(|target| ["--target", target]));
        if let Some(folder) = self.folder {
            let folder = root()?.join("target/portability").join(folder);
            command.arg("--target-dir").arg(folder);
        }
        Ok(command)
    }
}

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .stdin(Stdio::null())
        .env_remove("CONV_CORE_SIMD")
        // Tests panic on purpose.
        .env("RUST_BACKTRACE", "0");
    command
}
