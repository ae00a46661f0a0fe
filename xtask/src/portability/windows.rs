//! A Windows program, run by Wine.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cargo_test::{Tests, cargo};
use super::root;

const TARGET: &str = "x86_64-pc-windows-gnu";

/// `bcryptprimitives.dll` with the one function that Rust's standard library takes from it, which Wine 8 lacks.
const RANDOM: &str = "\
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(PVOID bytes, ULONG count);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
  return SystemFunction036(bytes, (ULONG)count);
}
";

/// The digests of the library, and those of the program.
pub(super) fn run(digests: &[&str]) -> Result<String> {
    let folder = root()?.join("target/portability/windows");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let environment = environment(&folder)?;
    let tests = Tests {
        folder: None,
        target: Some(TARGET),
        arguments: digests,
        environment: &environment,
    };
    let found = tests.run_on(&["scalar"])?;
    let program = program(&folder, &environment)?;
    Ok(format!("{found}; {program}"))
}

/// What Wine needs to find the library, and cargo to find Wine.
fn environment(folder: &Path) -> Result<Vec<(&'static str, OsString)>> {
    let (source, library) = (folder.join("random.c"), folder.join("bcryptprimitives.dll"));
    std::fs::write(&source, RANDOM).with_context(|| source.display().to_string())?;
    let made = Command::new("x86_64-w64-mingw32-gcc")
        .args(["-shared", "-o"])
        .args([&library, &source])
        .arg("-ladvapi32")
        .status()?;
    ensure!(made.success(), "{} cannot be made", library.display());
    Ok(vec![
        ("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine".into()),
        ("WINEPATH", folder.into()),
        ("WINEDLLOVERRIDES", "bcryptprimitives=n".into()),
        ("WINEDEBUG", "-all".into()),
        ("WINEPREFIX", folder.join("prefix").into()),
    ])
}

/// The program, in a folder with a space and an umlaut: its digests are the pinned ones.
fn program(folder: &Path, environment: &[(&'static str, OsString)]) -> Result<String> {
    let built = cargo()
        .args([
            "build",
            "--quiet",
            "--package",
            "trainer",
            "--target",
            TARGET,
        ])
        .current_dir(root()?)
        .status()?;
    ensure!(built.success(), "trainer does not build");
    let program = root()?
        .join("target")
        .join(TARGET)
        .join("debug/trainer.exe");
    let runs = folder.join("runs of Käthe");
    if runs.exists() {
        std::fs::remove_dir_all(&runs)?;
    }
    std::fs::create_dir_all(&runs)?;
    let pinned = include_str!("../../../crates/conv-core/tests/golden/digests.txt");
    let settings = ["--set", "data.train_images=1000", "--set", "batch=50"];
    for (name, arguments, more) in [
        (
            "book-3-iterations",
            &["book", "--iterations", "3"][..],
            &[][..],
        ),
        (
            "stacked-2-epochs",
            &["train", "stacked", "--epochs", "2"],
            &[],
        ),
        (
            "quick-20-steps",
            &["train", "quick", "--epochs", "1"],
            &settings,
        ),
    ] {
        let output = Command::new("wine")
            .arg(&program)
            .args(arguments)
            .args(more)
            .current_dir(&runs)
            .envs(environment.iter().cloned())
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name}: {stderr}");
        let digest = stderr
            .lines()
            .find_map(|line| line.strip_prefix("SHA-256 of the parameters: "));
        let digest = digest.with_context(|| format!("{name}: no digest in {stderr}"))?;
        let line = format!("{name} {}", digest.trim());
        ensure!(
            pinned.lines().any(|known| known == line),
            "{line} is not pinned"
        );
    }
    let report = runs.join("runs").join("stacked").join("model.safetensors");
    ensure!(report.is_file(), "{} is not there", report.display());
    Ok("trainer.exe has the digests of book, stacked and quick".to_owned())
}
