//! `cargo xtask page`: the page in the browser, one HTML file with everything in it.

mod inline;
mod module;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace::{has_target, root};
use module::Module;

#[derive(clap::Args)]
#[command(after_help = "\
It needs the standard library for WebAssembly, which it adds with rustup where
it is missing, and the first time it builds wasm-bindgen's generator, which
takes some minutes.")]
pub(crate) struct Args {
    /// Open it in the browser
    #[arg(long)]
    open: bool,
}

/// Bytes of the page, at most.
const LARGEST: usize = 6_000_000;
const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) fn run(args: &Args) -> Result<()> {
    let root = root()?;
    let folder = root.join("target/page");
    add_target()?;
    let generator = module::generator(root, &folder)?;
    let simd128 = Module::SIMD128.build(root, &folder, &generator)?;
    let relaxed = Module::RELAXED.build(root, &folder, &generator)?;
    let page = inline::page(root, &simd128, &relaxed)?;
    ensure!(
        page.len() <= LARGEST,
        "the page has {} bytes, expected at most {LARGEST}",
        page.len()
    );
    let file = folder.join("index.html");
    fs::write(&file, &page).with_context(|| file.display().to_string())?;
    println!("{}", file.display());
    eprintln!("{:.1} MB", page.len() as f64 / 1e6);
    if args.open { open(&file) } else { Ok(()) }
}

/// Adds the standard library for WebAssembly, unless it is there.
fn add_target() -> Result<()> {
    if has_target(TARGET)? {
        return Ok(());
    }
    eprintln!("rustup target add {TARGET}");
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .stdout(Stdio::null())
        .status();
    ensure!(
        added.is_ok_and(|status| status.success()),
        "there is no standard library for {TARGET}; `rustup target add {TARGET}` adds it"
    );
    Ok(())
}

/// Opens a file as the system does on a double click.
fn open(file: &Path) -> Result<()> {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let started = Command::new(program).arg(file).status();
    started.map(|_| ()).with_context(|| {
        format!(
            "{program} does not start; open {} in a browser",
            file.display()
        )
    })
}
