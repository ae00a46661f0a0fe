//! What the tests of the whole program share: where it is, and how it is run.
#![forbid(unsafe_code)]
// A test that cannot go on panics; that is how it fails.
#![allow(clippy::missing_panics_doc)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The root of the project.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in the project")
}

/// The `trainer` program, built as `cargo run -p trainer` builds it.
#[must_use]
pub fn trainer() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "trainer"])
            .current_dir(root())
            .status()
            .expect("cargo runs");
        assert!(built.success(), "trainer does not build");
        // This test is `target/<profile>/deps/<name>`, the program `target/<profile>/trainer`.
        let test = std::env::current_exe().expect("a running program has a path");
        let profile = test
            .ancestors()
            .nth(2)
            .expect("tests run in a folder of the target folder");
        profile.join(format!("trainer{}", std::env::consts::EXE_SUFFIX))
    });
    let mut command = Command::new(program);
    command.env_remove("CONV_CORE_SIMD");
    command
}

/// Runs the program with these arguments to its end.
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    trainer().args(arguments).output().expect("trainer starts")
}

/// What it wrote on stdout.
#[must_use]
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8")
}

/// What it wrote on stderr.
#[must_use]
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8")
}

/// Asserts that the program succeeded, and gives its stdout.
#[must_use]
pub fn succeeds(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        stderr(output)
    );
    stdout(output)
}

/// The digest of the parameters that a run tells on stderr.
#[must_use]
pub fn digest(output: &Output) -> String {
    let text = stderr(output);
    let digest = text
        .lines()
        .find_map(|line| line.strip_prefix("SHA-256 of the parameters: "));
    let digest = digest.unwrap_or_else(|| panic!("no digest in {text:?}"));
    assert_eq!(digest.len(), 64, "{digest}");
    digest.to_owned()
}

/// The folder of the full MNIST files, where there is one: `MNIST_FULL_DIR`, or `shared/mnist` beside the
/// project.
#[must_use]
pub fn full_mnist() -> Option<PathBuf> {
    let folder = match std::env::var_os("MNIST_FULL_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => root().parent()?.join("shared").join("mnist"),
    };
    folder.is_dir().then_some(folder)
}
