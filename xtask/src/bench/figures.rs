//! The figures of one process, read from what it printed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::child::{Finished, last_line};

/// What the notebook of the chapter printed: the first lines of every run that is timed must be these.
const CHAPTER: &str = include_str!("../../../tests/golden/chapter-10-conv.txt");

/// One process's run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Figure {
    pub(super) iterations: u32,
    pub(super) ms_per_iteration: f64,
    pub(super) test_accuracy: f64,
    pub(super) peak_bytes: Option<u64>,
    /// What a peer says of how it ran.
    pub(super) detail: String,
}

/// The JSON line with which a peer ends.
#[derive(Debug, Deserialize)]
pub(super) struct PeerLine {
    pub(super) version: String,
    detail: String,
    iterations: u32,
    warm_up: u32,
    ms_per_iteration: f64,
    test_accuracy: f64,
}

impl PeerLine {
    /// Reads the last line of a peer's stdout.
    ///
    /// # Errors
    /// Where there is none, or it is not the JSON agreed on.
    pub(super) fn read(stdout: &str) -> Result<Self> {
        let line = last_line(stdout).context("printed nothing")?;
        let peer: Self = serde_json::from_str(line)
            .with_context(|| format!("its last line is not its figures: {line}"))?;
        if !(peer.ms_per_iteration.is_finite() && peer.ms_per_iteration > 0.0) {
            bail!("{} ms an iteration is no time", peer.ms_per_iteration);
        }
        Ok(peer)
    }

    pub(super) fn figure(&self, peak_bytes: Option<u64>) -> Figure {
        Figure {
            iterations: self.iterations,
            ms_per_iteration: self.ms_per_iteration,
            test_accuracy: self.test_accuracy,
            peak_bytes,
            detail: self.detail.clone(),
        }
    }

    /// A peer that draws the listing's own random numbers must be where the chapter is after as many iterations.
    pub(super) fn agrees_with_the_chapter(&self) -> Result<()> {
        let index = self.iterations + self.warm_up - 1;
        let Some(expected) = CHAPTER.lines().nth(index as usize) else {
            return Ok(()); // the chapter ends before
        };
        let expected = test_accuracy(expected)?;
        if self.test_accuracy != expected {
            bail!(
                "its test accuracy at iteration {index} is {}, the chapter's is {expected}",
                self.test_accuracy
            );
        }
        Ok(())
    }
}

/// The trainer's run: right first, then how fast.
///
/// # Errors
/// Where a line differs from the chapter's, or the summary on stderr has no time.
pub(super) fn of_trainer(finished: &Finished) -> Result<Figure> {
    for (number, (line, expected)) in finished.stdout.lines().zip(CHAPTER.lines()).enumerate() {
        if line != expected {
            bail!(
                "line {} is `{line}`, the chapter's is `{expected}`",
                number + 1
            );
        }
    }
    let (iterations, ms_per_iteration) = finished
        .stderr
        .lines()
        .rev()
        .find_map(summary)
        .context("no `… iterations in … s (… ms an iteration)` on its stderr")?;
    let printed = finished.stdout.lines().count();
    if printed != iterations as usize {
        bail!("it printed {printed} lines for {iterations} iterations");
    }
    Ok(Figure {
        iterations,
        ms_per_iteration,
        test_accuracy: test_accuracy(last_line(&finished.stdout).context("printed nothing")?)?,
        peak_bytes: finished.peak_bytes,
        detail: String::new(),
    })
}

/// Writes everything of a run to a file, in a folder that it makes.
///
/// # Errors
/// If either cannot be made.
pub(super) fn write_json(path: &Path, report: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    let folder = path.parent().context("no folder for the figures")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("{}: not written", path.display()))
}

/// `300 iterations in 4.213 s (14.043 ms an iteration)` → (300, 14.043), wherever in the line it stands.
fn summary(line: &str) -> Option<(u32, f64)> {
    let (before, after) = line
        .split_once(" iterations in ")
        .or_else(|| line.split_once(" iteration in "))?;
    let iterations = before
        .rsplit(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()?;
    let (time, _) = after.split_once(" ms an iteration")?;
    let (_, ms) = time.rsplit_once('(')?;
    let ms: f64 = ms.trim().parse().ok()?;
    (ms.is_finite() && ms > 0.0).then_some((iterations, ms))
}

/// `I:8 Test-Acc:0.2137 Train-Acc:0.127` → 0.2137
fn test_accuracy(line: &str) -> Result<f64> {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix("Test-Acc:"))
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("no test accuracy in `{line}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_summary_in_its_line() {
        let line = "300 iterations in 4.213 s (14.043 ms an iteration)";
        assert_eq!(summary(line), Some((300, 14.043)));
        assert_eq!(
            summary(&format!("done: {line}, SHA-256 12ab")),
            Some((300, 14.043))
        );
        assert_eq!(
            summary("1 iteration in 0.020 s (20.1 ms an iteration)"),
            Some((1, 20.1))
        );
    }

    #[test]
    fn refuses_a_summary_without_a_time() {
        for line in [
            "",
            "300 iterations in 4.213 s",
            "iterations in 4 s (14 ms an iteration)",
            "300 iterations in 4 s (fast ms an iteration)",
            "300 iterations in 4 s (0 ms an iteration)",
            "300 iterations in 4 s (NaN ms an iteration)",
        ] {
            assert_eq!(summary(line), None, "{line}");
        }
    }

    #[test]
    fn reads_a_peers_last_line() {
        let line = r#"{"version": "NumPy 2.4", "detail": "float32", "iterations": 8, "warm_up": 1,
            "ms_per_iteration": 188.5, "test_accuracy": 0.2137, "train_accuracy": 0.127}"#
            .replace('\n', " ");
        let peer = PeerLine::read(&format!("\nI:0 …\n\n{line}\n")).expect("the figures");
        assert_eq!(
            peer.figure(Some(5)),
            Figure {
                iterations: 8,
                ms_per_iteration: 188.5,
                test_accuracy: 0.2137,
                peak_bytes: Some(5),
                detail: "float32".to_owned()
            }
        );
        peer.agrees_with_the_chapter()
            .expect("line I:8 of the chapter");

        let other = PeerLine::read(&line.replace("0.2137", "0.2138")).expect("the figures");
        let error = other
            .agrees_with_the_chapter()
            .expect_err("not the chapter's");
        assert!(
            error
                .to_string()
                .contains("iteration 8 is 0.2138, the chapter's is 0.2137"),
            "{error}"
        );
    }

    #[test]
    fn refuses_a_peer_that_reports_nothing() {
        for (stdout, reason) in [
            ("", "printed nothing"),
            ("I:0 Test-Acc:0.1\n", "not its figures"),
        ] {
            let error = PeerLine::read(stdout).expect_err(stdout);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
