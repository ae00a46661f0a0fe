//! One image through the network of `quick`, trained here and handed to the others as ONNX.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Runs, sweep};
use crate::bench::contest::Entrant;
use crate::bench::grid::{self, Column, Unit};
use crate::bench::stacked::{self, Work};
use crate::bench::{child, lenet};

/// Rounds, and milliseconds of a window.
const ROUNDS: u32 = 5;
const WINDOW: u32 = 240;

pub(super) fn run(trainer: &Path, runs: Runs, data: &Path, peers: bool) -> Result<()> {
    let runs = sweep(trainer, ("quick", "mnist"), Some(data), 1, runs)?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let folder = folder.path();
    lenet::write_raw(data, folder)?;
    let model = folder.join("model.safetensors");
    let trained = runs.run(1).join("model.safetensors");
    std::fs::copy(trained, &model).with_context(|| model.display().to_string())?;
    runs.remove()?;
    export(trainer, &model, &folder.join("model.onnx"))?;
    let args = stacked::Args::new(peers, ROUNDS);
    let work = Work {
        name: "latency",
        threads: &[1],
        window: WINDOW,
        data: Some(folder),
        needs: |_, _| vec!["logits".to_owned()],
        tables,
    };
    stacked::run(&args, &work)
}

fn export(trainer: &Path, model: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new(trainer);
    command
        .arg("export")
        .arg(model)
        .args(["--to", "onnx", "--output"])
        .arg(to);
    let finished = child::run(&mut command).context("trainer does not start")?;
    if !finished.status.success() {
        bail!("trainer export: {}", finished.stderr.trim());
    }
    Ok(())
}

fn tables(entrants: &[Entrant]) -> String {
    let column = Column {
        title: "one image, µs, 1 thread".to_owned(),
        time: "latency".to_owned(),
        threads: 1,
        unit: Unit::Microseconds,
    };
    grid::markdown(entrants, &[column], [])
}
