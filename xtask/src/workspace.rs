//! Where the project stands, and what the toolchain has.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// The root of the project.
pub(crate) fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask stands in the project")
}

/// Whether the toolchain in use has the standard library for a target.
pub(crate) fn has_target(target: &str) -> Result<bool> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("rustc does not start")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}
