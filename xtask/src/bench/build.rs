//! What is built before it is timed, and where.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The folder of the peers.
pub(super) fn peers(root: &Path) -> PathBuf {
    root.join("benches").join("peers")
}

/// Where cargo builds, and the figures are kept.
pub(super) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Builds a program of this workspace as `cargo run` would, and finds it.
///
/// # Errors
/// If it does not build, which cargo itself has said.
pub(super) fn ours(root: &Path, what: &[&str], program: &str) -> Result<PathBuf> {
    let output = cargo_build()
        .current_dir(root)
        .args(what)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("{program} does not build ({})", output.status);
    }
    find(&output.stdout, program)
        .with_context(|| format!("cargo built no program called {program}"))
}

/// Builds a peer, a crate of its own in a folder of `benches/peers`, for this very processor.
///
/// # Errors
/// The compiler's reason, in one line.
pub(super) fn peer(folder: &Path, target: &Path, name: &str) -> Result<PathBuf, String> {
    let output = cargo_build()
        .arg("--release")
        .arg("--locked")
        .arg("--manifest-path")
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target.join("peers-rust"))
        .env("RUSTFLAGS", "-C target-cpu=native")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("it does not build: {}", reason(&stderr)));
    }
    find(&output.stdout, name).ok_or_else(|| format!("cargo built no program called {name}"))
}

fn cargo_build() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null());
    command
}

/// The first of the compiler's errors.
fn reason(stderr: &str) -> &str {
    let error = stderr.lines().find(|line| line.starts_with("error"));
    error.map_or("cargo gave no reason", str::trim)
}

/// The program of that name among cargo's messages.
fn find(messages: &[u8], program: &str) -> Option<PathBuf> {
    String::from_utf8_lossy(messages)
        .lines()
        .find_map(|message| executable(message, program))
}

/// The path in cargo's message of a finished program.
fn executable(message: &str, program: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    (message["target"]["name"] == program).then_some(())?;
    message["executable"].as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_program_in_cargos_messages() {
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"conv_core"},"executable":null}"#;
        let program = r#"{"reason":"compiler-artifact","target":{"name":"trainer"},"executable":"/t/debug/trainer"}"#;
        let end = r#"{"reason":"build-finished","success":true}"#;
        let found =
            [library, program, end, "not JSON"].map(|message| executable(message, "trainer"));
        assert_eq!(
            found,
            [None, Some(PathBuf::from("/t/debug/trainer")), None, None]
        );
        let all = [library, program, end].join("\n");
        assert_eq!(
            find(all.as_bytes(), "trainer"),
            Some(PathBuf::from("/t/debug/trainer"))
        );
        assert_eq!(find(all.as_bytes(), "conv_core"), None);
    }

    #[test]
    fn a_failure_is_the_compilers_first_error() {
        let stderr = "   Compiling burn\nerror: failed to select a version\n\nerror: another\n";
        assert_eq!(reason(stderr), "error: failed to select a version");
        assert_eq!(reason("killed\n"), "cargo gave no reason");
    }

    #[test]
    fn a_peer_that_is_not_there_is_a_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let reason = peer(&folder.path().join("none"), folder.path(), "none").expect_err("nothing");
        assert!(reason.starts_with("it does not build: error"), "{reason}");
    }
}
