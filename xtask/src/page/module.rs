//! The two WebAssembly modules of the page: one for engines with relaxed SIMD, and one for all others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::TARGET;
use crate::portability::{cargo, relaxed};

/// A module to build.
pub(super) struct Module {
    name: &'static str,
    features: &'static str,
    /// Whether it has the relaxed multiply-add.
    relaxed: bool,
}

/// What a browser loads of a module.
pub(super) struct Built {
    pub(super) wasm: Vec<u8>,
    /// The script that stands between it and JavaScript.
    pub(super) script: String,
}

impl Module {
    pub(super) const SIMD128: Self = Self {
        name: "simd128",
        features: "",
        relaxed: false,
    };
    pub(super) const RELAXED: Self = Self {
        name: "relaxed",
        features: "relaxed-simd",
        relaxed: true,
    };

    /// Builds it in a folder of its own, since other flags make everything anew. An ordinary build is optimised here.
    pub(super) fn build(&self, root: &Path, folder: &Path, generator: &Path) -> Result<Built> {
        let target = folder.join(self.name);
        let built = cargo()
            .args(["build", "--profile", "page", "--package", "page", "--lib"])
            .args(["--target", TARGET, "--features", self.features])
            .arg("--target-dir")
            .arg(&target)
            .env("RUSTFLAGS", "-C target-feature=+simd128")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .current_dir(root)
            .status()
            .context("cargo does not start")?;
        ensure!(built.success(), "crates/page does not build");
        let output = target.join("output");
        let made = Command::new(generator)
            .arg(target.join(TARGET).join("page/page.wasm"))
            .arg(&output)
            .status()
            .with_context(|| generator.display().to_string())?;
        ensure!(made.success(), "wasm-bindgen's generator failed");
        let wasm = read(&output.join("page_bg.wasm"))?;
        let script = read(&output.join("page.js"))?;
        self.check(&wasm)?;
        Ok(Built {
            wasm,
            script: String::from_utf8(script).context("page.js")?,
        })
    }

    /// Engines without relaxed SIMD refuse a module with any of it, and but for the multiply-add it has no one result.
    fn check(&self, wasm: &[u8]) -> Result<()> {
        let counted = relaxed::count(wasm)?;
        ensure!(
            counted.others.is_empty(),
            "{} has relaxed instructions beside the multiply-add: {}",
            self.name,
            counted.others.join(", ")
        );
        ensure!(
            (counted.multiply_adds > 0) == self.relaxed,
            "{} has {} relaxed multiply-adds",
            self.name,
            counted.multiply_adds
        );
        Ok(())
    }
}

/// wasm-bindgen's generator, built where it is not there yet.
pub(super) fn generator(root: &Path, folder: &Path) -> Result<PathBuf> {
    let target = folder.join("bindgen");
    let built = cargo()
        .args(["build", "--locked", "--manifest-path"])
        .arg(root.join("crates/page/bindgen/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .context("cargo does not start")?;
    ensure!(built.success(), "wasm-bindgen's generator does not build");
    let name = format!("debug/page-bindgen{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join(name))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| file.display().to_string())
}
