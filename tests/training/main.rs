//! `trainer train` from outside: what a run leaves behind, how it goes on, and how it ends.
#![forbid(unsafe_code)]

mod batches;
mod best;
mod data;
mod ends;
mod folder;
mod resume;
#[cfg(target_os = "linux")]
mod threads;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output};

use serde_json::Value;
use tests::{SMALL_RECIPE, small_data, stderr, trainer};

/// A small data set and a recipe for it, in temporary folders.
struct Place {
    data: tempfile::TempDir,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("small.toml"), SMALL_RECIPE).unwrap();
        Self {
            data: small_data(),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Trains by the recipe in the folder of this name.
    fn train(&self, name: &str, further: &[&str]) -> Output {
        self.command(name, further).output().unwrap()
    }

    fn command(&self, name: &str, further: &[&str]) -> Command {
        let mut command = trainer();
        command.arg("train").arg(self.path("small.toml"));
        command.arg("--data").arg(self.data.path());
        command.arg("--run").arg(self.path(name)).args(further);
        command
    }

    fn resume(&self, name: &str, further: &[&str]) -> Output {
        let mut command = trainer();
        command.args(["train", "--resume"]).arg(self.path(name));
        command.args(further).output().unwrap()
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Asserts that it failed with this exit code, and gives what stderr says.
fn fails(output: &Output, code: i32) -> String {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// Waits until a line came out, so that the run is under way.
fn first_line(child: &mut Child) -> BufReader<ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("epoch "), "{line}");
    lines
}
