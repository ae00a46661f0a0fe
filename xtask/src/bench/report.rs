//! What a bench leaves: its table on stdout, and every figure as JSON under `target/bench`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::contest::Entrant;
use super::grid;
use super::machine::Machine;

/// Everything of a contest, for the file.
#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    rounds: u32,
    /// Milliseconds of a window, of programs that time in windows.
    window_ms: Option<u32>,
    programs: &'a [Entrant],
}

/// A contest that is over.
pub(super) struct Contest<'a> {
    pub(super) name: &'a str,
    pub(super) machine: &'a Machine,
    pub(super) rounds: u32,
    pub(super) window_ms: Option<u32>,
    pub(super) entrants: &'a [Entrant],
}

impl Contest<'_> {
    /// Prints the tables below a line about the machine, and writes the file to the build's folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn tell(&self, target: &Path, tables: &str) -> Result<()> {
        println!("{}\n", self.machine.headline());
        print!("{tables}");
        print!("{}", grid::reasons(self.entrants));
        let report = Report {
            machine: self.machine,
            rounds: self.rounds,
            window_ms: self.window_ms,
            programs: self.entrants,
        };
        write_json(target, self.name, &report)
    }
}

/// Writes everything of a run to `bench/NAME.json` in the build's folder.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write_json(target: &Path, name: &str, report: &impl Serialize) -> Result<()> {
    let folder = target.join("bench");
    let path = folder.join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(report)? + "\n";
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("{}: not written", path.display()))?;
    eprintln!("every figure: {}", path.display());
    Ok(())
}
