//! The page in a browser, used by a script.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cargo_test::cargo;
use crate::workspace::root;

/// Builds the page and the program, and has Chromium compare them.
pub(super) fn run() -> Result<String> {
    let root = root()?;
    for arguments in [&["xtask", "page"][..], &["build", "--package", "trainer"]] {
        let status = cargo().args(arguments).current_dir(root).status()?;
        ensure!(status.success(), "cargo {} fails", arguments.join(" "));
    }
    let folder = root.join("crates/page/browser");
    let installed = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .status()
        .context("npm does not start")?;
    ensure!(installed.success(), "playwright-core cannot be installed");
    let output = Command::new("node")
        .arg("check.mjs")
        .current_dir(&folder)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("node does not start")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    eprint!("{printed}");
    ensure!(output.status.success(), "the page fails in the browser");
    let passed = printed
        .lines()
        .filter(|line| line.starts_with("passed: "))
        .count();
    ensure!(passed > 0, "nothing was checked in the browser");
    Ok(format!("{passed} checks of the page in Chromium"))
}
