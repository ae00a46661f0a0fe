//! The page in a browser, used by a script.

use std::io::{BufRead, BufReader};
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
        let mut child = Command::new("node")
            .arg("check.mjs")
            .args(checks)
            .envs([("BROWSER", browser), ("LEVEL", level)])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("node does not start")?;
        let (mut passed, mut skipped) = (0, 0);
        for line in child
            .stdout
            .take()
            .into_iter()
            .flat_map(|stdout| BufReader::new(stdout).lines())
        {
            let line = line.context("what the script prints cannot be read")?;
            passed += usize::from(line.starts_with("passed: "));
            skipped += usize::from(line.starts_with("skipped: "));
            eprintln!("{line}");
        }
        let status = child.wait()?;
        ensure!(status.success(), "the page fails in {browser}, {level}");
        ensure!(
            passed >= checks.len().max(1),
            "{passed} checks in {browser}, {level}"
        );
        let skipped = match skipped {
            0 => String::new(),
            number => format!(", {number} skipped"),
        };
        found.push(format!("{passed} checks in {browser}, {level}{skipped}"));
    }
    Ok(found.join("; "))
}
