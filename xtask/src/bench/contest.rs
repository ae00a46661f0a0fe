//! Programs that do the same work, each a process of its own, one after another in every round.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::child::{self, Finished};
use super::line::Line;
use super::table::{self, Spread};

/// A program on so many threads, and all that was measured of it, or why nothing was.
#[derive(Debug, Default, Serialize)]
pub(super) struct Entrant {
    pub(super) name: String,
    pub(super) version: String,
    /// Threads that it is told to use; 0 if it is told nothing.
    pub(super) threads: usize,
    /// This project, whose runs must all have the same bits.
    pub(super) ours: bool,
    #[serde(skip)]
    pub(super) command: Option<Command>,
    /// How its figures are read, if they are not a [`Line`] at the end of stdout.
    #[serde(skip)]
    pub(super) read: Option<fn(&Finished) -> Result<Line>>,
    /// What it must have right for a time to count: names of checks, by the time's name and its line. Without, every
    /// time counts.
    #[serde(skip)]
    pub(super) needs: Option<fn(&str, &Line) -> Vec<String>>,
    /// Milliseconds a call, a round each.
    pub(super) times: BTreeMap<String, Vec<f64>>,
    /// The setting of each time, of the last round.
    pub(super) settings: BTreeMap<String, String>,
    pub(super) peak_gflops: Vec<f64>,
    /// The most memory that it held in any round; known on Linux alone.
    pub(super) peak_bytes: Option<u64>,
    /// The accuracy on the test images, of the last round.
    pub(super) test_accuracy: Option<f64>,
    /// Times that do not count, and what the program computed wrong.
    pub(super) disagrees: BTreeMap<String, String>,
    /// Why there is nothing at all.
    pub(super) unavailable: Option<String>,
}

impl Entrant {
    /// The median of a time, in milliseconds a call.
    pub(super) fn time(&self, what: &str) -> Option<Spread> {
        if self.unavailable.is_some() || self.disagrees.contains_key(what) {
            return None;
        }
        table::spread(self.times.get(what)?)
    }

    /// The machine's peak, as this program measured it.
    pub(super) fn peak(&self) -> Option<Spread> {
        table::spread(&self.peak_gflops)
    }

    /// Runs it once.
    fn run(&mut self) -> Result<Line> {
        let command = self.command.as_mut().context("there is no program")?;
        let finished =
            child::run(command).with_context(|| command.get_program().display().to_string())?;
        if !finished.status.success() {
            bail!("{}", finished.failure());
        }
        self.peak_bytes = self.peak_bytes.max(finished.peak_bytes);
        match self.read {
            Some(read) => read(&finished),
            None => Line::read(&finished.stdout),
        }
    }

    /// Keeps the figures that count.
    fn keep(&mut self, line: Line, ours: &Line) {
        if !line.version.is_empty() && !self.ours {
            self.version = line.version.clone();
        }
        for (what, &ms) in &line.times {
            if self.disagrees.contains_key(what) {
                continue;
            }
            let needs = self.needs.map(|needs| needs(what, &line));
            match line.disagreement(ours, &needs.unwrap_or_default()) {
                None => self.times.entry(what.clone()).or_default().push(ms),
                Some(difference) => {
                    eprintln!("  {what}: {difference}");
                    self.times.remove(what);
                    self.disagrees.insert(what.clone(), difference);
                }
            }
        }
        self.settings = line.settings;
        self.test_accuracy = line.test_accuracy;
        self.peak_gflops.extend(line.peak_gflops);
    }
}

/// All rounds: every program runs once in each, one after another. The first entrant is this project, and the others
/// must agree with it.
///
/// # Errors
/// If this project fails, or does not have the same bits in all its runs. A peer that fails is out.
pub(super) fn run(entrants: &mut [Entrant], rounds: u32) -> Result<()> {
    let mut first = None;
    for round in 1..=rounds {
        for entrant in entrants.iter_mut().filter(|it| it.unavailable.is_none()) {
            let threads = match entrant.threads {
                0 => String::new(),
                n => format!(", {}", threads(n)),
            };
            eprintln!("round {round} of {rounds}: {}{threads}", entrant.name);
            match entrant.run() {
                Ok(line) => {
                    let ours = first.get_or_insert_with(|| line.clone());
                    if let Some(difference) = line.other_bits(ours).filter(|_| entrant.ours) {
                        bail!("this project's runs differ: {}: {difference}", entrant.name);
                    }
                    entrant.keep(line, ours);
                }
                Err(error) if entrant.ours => {
                    return Err(error.context("this project has no figures to compare with"));
                }
                Err(error) => {
                    eprintln!("  {error:#}");
                    entrant.unavailable = Some(format!("{error:#}"));
                }
            }
        }
    }
    Ok(())
}

/// `2 threads`
pub(super) fn threads(n: usize) -> String {
    if n == 1 {
        "1 thread".to_owned()
    } else {
        format!("{n} threads")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ms: f64, output: f64) -> Line {
        let text = format!(
            r#"{{"version": "2.0", "times": {{"S1 forward": {ms}}}, "checks": {{"S1 output": {output}}},
            "tolerances": {{"S1 output": 0.5}}, "peak_gflops": 100}}"#
        );
        Line::read(&text.replace('\n', " ")).expect("the figures")
    }

    fn entrant() -> Entrant {
        Entrant {
            needs: Some(|_, _| vec!["S1 output".to_owned()]),
            ..Entrant::default()
        }
    }

    #[test]
    fn a_time_counts_where_the_program_agrees() {
        let mut entrant = entrant();
        for ms in [1.0, 3.0, 2.0] {
            entrant.keep(line(ms, 10.1), &line(9.0, 10.0));
        }
        let time = entrant.time("S1 forward").expect("a time");
        assert_eq!((time.min, time.median, time.max), (1.0, 2.0, 3.0));
        assert_eq!(entrant.version, "2.0");
        assert_eq!(entrant.peak().map(|it| it.median), Some(100.0));
        assert_eq!(entrant.time("S1 both"), None);
    }

    #[test]
    fn a_time_that_once_was_of_something_else_never_counts() {
        let mut entrant = entrant();
        for output in [10.0, 11.0, 10.0] {
            entrant.keep(line(1.0, output), &line(9.0, 10.0));
        }
        assert_eq!(entrant.time("S1 forward"), None);
        assert_eq!(
            entrant.disagrees["S1 forward"],
            "its S1 output is 11.000000, ours is 10.000000"
        );
        assert_eq!(entrant.times.get("S1 forward"), None);
    }

    /// The one program that is surely there where this test runs; it prints no figures.
    fn cargo() -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.arg("--version");
        cargo
    }

    #[test]
    fn a_peer_that_fails_is_out_and_this_project_must_not() {
        let entrant = |ours| Entrant {
            ours,
            command: Some(cargo()),
            ..entrant()
        };
        let mut peers = [entrant(false)];
        run(&mut peers, 2).expect("the others go on");
        let reason = peers[0].unavailable.as_deref().expect("a reason");
        assert!(reason.contains("not its figures: cargo"), "{reason}");

        let error = run(&mut [entrant(true)], 1).expect_err("no figures");
        assert!(
            error.to_string().contains("no figures to compare"),
            "{error}"
        );
    }
}
