//! How a test says that it was skipped, and why: what it says stands among the output of an ordinary `cargo test`.
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What was said already.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Says on stderr that the test that calls this is skipped, and why.
pub fn skipped(reason: impl Display) {
    // A test runs on a thread of its name, or else on the main one.
    let thread = std::thread::current();
    let test = thread.name().filter(|&name| name != "main");
    say(format!("{}: skipped: {reason}", test.unwrap_or("a test")));
}

/// Says on stderr which instruction sets this processor lacks, and that the tests of this program are skipped on them. It is said
/// once.
pub fn skipped_on(levels: &[impl Display]) {
    if !levels.is_empty() {
        let levels: Vec<String> = levels.iter().map(ToString::to_string).collect();
        say(format!(
            "skipped on instruction sets that this processor lacks: {}",
            levels.join(", ")
        ));
    }
}

/// Writes a line to stderr, once in a process. What the macros print is kept back while a test passes; this is not.
fn say(line: String) {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.contains(&line) {
        let _ = writeln!(std::io::stderr(), "{line}");
        said.push(line);
    }
}

/// The folder of the full set of MNIST: the one that `MNIST_FULL_DIR` names, else `../shared/mnist` beside the project. If
/// there is none, the test that asks [says](skipped) that it is skipped.
#[must_use]
pub fn full_mnist() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/mnist");
    let folder = std::env::var_os("MNIST_FULL_DIR").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skipped(format_args!(
        "the full MNIST set is not in {} (MNIST_FULL_DIR)",
        folder.display()
    ));
    None
}
