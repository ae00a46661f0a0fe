//! Windows, by Wine: the digests of the library, then [`trainer.exe`](program).

mod program;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cargo_test::{Tests, cargo};
use crate::workspace::root;

const TARGET: &str = "x86_64-pc-windows-gnu";

/// `bcryptprimitives.dll` with the one function that Rust's standard library takes from it, which Wine 8 lacks.
const RANDOM: &str = "\
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(PVOID bytes, ULONG count);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
  return SystemFunction036(bytes, (ULONG)count);
}
";

/// The environment of a program under Wine.
type Environment = [(&'static str, OsString)];

/// Does it all, and gives what was found.
pub(super) fn run(digests: &[&str]) -> Result<String> {
    let folder = root()?.join("target/portability/windows");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let environment = environment(&folder)?;
    let tests = Tests {
        folder: None,
        target: Some(TARGET),
        arguments: digests,
        skipped: &[],
        environment: &environment,
    };
    let found = tests.run_on(&["scalar"])?;
    build()?;
    let program = root()?
        .join("target")
        .join(TARGET)
        .join("debug/trainer.exe");
    let program = program::check(&program, &folder, &environment)?;
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
        // Wine reads names of files and arguments in the encoding of this.
        ("LC_ALL", "C.UTF-8".into()),
    ])
}

fn build() -> Result<()> {
    let built = cargo()
        .args(["build", "--quiet", "--package", "trainer"])
        .args(["--target", TARGET])
        .current_dir(root()?)
        .status()?;
    ensure!(built.success(), "trainer does not build");
    Ok(())
}
