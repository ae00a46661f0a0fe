//! The page in a browser, used by a script.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::cargo_test::cargo;
use crate::workspace::root;

/// Checks that compute, by parts of their names: enough for a module whose page is the same.
const COMPUTES: [&str; 3] = [
    "opens at once",
    "a network learns to the program's digest",
    "200 test digits",
];

/// A run of the script: a browser, the instruction set that the page computes on there, and the checks, all if none is named.
type Run<'a> = (&'a str, &'a str, &'a [&'a str]);

/// In Chromium all checks with the relaxed module, and with the other those that compute.
pub(super) fn chromium() -> Result<String> {
    check(&[
        ("chromium", "relaxed", &[]),
        ("chromium", "simd128", &COMPUTES),
    ])
}

/// The same page in Firefox.
pub(super) fn firefox() -> Result<String> {
    check(&[("firefox", "relaxed", &[])])
}

/// Builds the page and the program, and has browsers compare them.
fn check(runs: &[Run]) -> Result<String> {
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
    ensure!(
        installed.success(),
        "what the script needs cannot be installed"
    );
    let mut found = Vec::new();
    for &(browser, level, checks) in runs {
        let output = Command::new("node")
            .arg("check.mjs")
            .args(checks)
            .envs([("BROWSER", browser), ("LEVEL", level)])
            .current_dir(&folder)
            .stderr(Stdio::inherit())
            .output()
            .context("node does not start")?;
        let printed = String::from_utf8_lossy(&output.stdout);
        eprint!("{printed}");
        ensure!(
            output.status.success(),
            "the page fails in {browser}, {level}"
        );
        let passed = count(&printed, "passed: ");
        ensure!(
            passed >= checks.len().max(1),
            "{passed} checks in {browser}, {level}"
        );
        let skipped = match count(&printed, "skipped: ") {
            0 => String::new(),
            number => format!(", {number} skipped"),
        };
        found.push(format!("{passed} checks in {browser}, {level}{skipped}"));
    }
    Ok(found.join("; "))
}

fn count(printed: &str, begins: &str) -> usize {
    let lines = printed.lines();
    lines.filter(|line| line.starts_with(begins)).count()
}
