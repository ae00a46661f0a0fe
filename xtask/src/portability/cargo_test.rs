//! `cargo test` for another machine.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::root;

/// Tests to be built and run for a target.
pub(super) struct Tests<'a> {
    /// A name for the folder they are built in, since other flags make everything anew; none for the usual one.
    pub(super) folder: Option<&'a str>,
    pub(super) target: Option<&'a str>,
    /// What else `cargo test` is told.
    pub(super) arguments: &'a [&'a str],
    pub(super) environment: &'a [(&'a str, OsString)],
}

impl Tests<'_> {
    /// Runs them, and fails unless these instruction sets at least computed the digests.
    pub(super) fn run_on(&self, needed: &[&str]) -> Result<String> {
        let found = self.run()?;
        for &level in needed {
            ensure!(
                found.contains(level),
                "the digests were not computed on {level}"
            );
        }
        let found: Vec<String> = found.into_iter().collect();
        Ok(format!("digests on {}", found.join(", ")))
    }

    /// Runs them to the end, and gives the instruction sets that computed the digests.
    fn run(&self) -> Result<BTreeSet<String>> {
        let mut command = self.command("test")?;
        command.args(["--", "--nocapture"]).stdout(Stdio::piped());
        let mut child = command.spawn().context("cargo does not start")?;
        let mut levels = BTreeSet::new();
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let line = line.context("what the tests print cannot be read")?;
                levels.extend(level(&line));
                eprintln!("{line}");
            }
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("its tests fail ({status})");
        }
        Ok(levels)
    }

    /// Builds them, and gives the programs.
    pub(super) fn build(&self) -> Result<Vec<PathBuf>> {
        let mut command = self.command("test")?;
        command.args(["--no-run", "--message-format", "json"]);
        let output = command.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            bail!("its tests do not build");
        }
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
pub(super) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.stdin(Stdio::null()).env_remove("CONV_CORE_SIMD");
    command
}

/// The instruction set of a line of `same_bits`, as in `test … operations, avx2: 0160dc…`.
fn level(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("operations, ")?;
    let (level, digest) = rest.split_once(": ")?;
    (digest.len() == 64).then(|| level.to_owned())
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn the_instruction_set_stands_in_the_line_of_the_operations() {
        let digest = "0".repeat(64);
        let line = format!("test one ... operations, neon: {digest}");
        assert_eq!(level(&line).as_deref(), Some("neon"));
        assert_eq!(level(&format!("book-3-iterations, neon: {digest}")), None);
        assert_eq!(level("operations, neon: wrong"), None);
    }
}
