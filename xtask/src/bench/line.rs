//! The line of JSON with which a program that is timed ends, and whether two programs agree.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::child::last_line;

/// What one process found.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct Line {
    /// Its version, where it knows it.
    #[serde(default)]
    pub(super) version: String,
    /// Milliseconds a call, by what was called.
    pub(super) times: BTreeMap<String, f64>,
    /// The setting in which a time was the best, of a program that tried several.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, String>,
    /// Numbers that must be the same whoever computes them,
    pub(super) checks: BTreeMap<String, f64>,
    /// but for so much; this project alone says it.
    #[serde(default)]
    pub(super) tolerances: BTreeMap<String, f64>,
    /// The most multiply-adds that the machine did with all threads, in 10⁹ operations a second.
    #[serde(default)]
    pub(super) peak_gflops: Option<f64>,
    /// The accuracy on the test images at the end, of a program that trains the chapter's network.
    #[serde(default)]
    pub(super) test_accuracy: Option<f64>,
}

impl Line {
    /// Reads the last line of a program's stdout.
    ///
    /// # Errors
    /// Where there is none, it is not the JSON agreed on, or a time is none.
    pub(super) fn read(stdout: &str) -> Result<Self> {
        let text = last_line(stdout).context("printed nothing")?;
        let line: Self = serde_json::from_str(text)
            .with_context(|| format!("its last line is not its figures: {text}"))?;
        for (what, &ms) in &line.times {
            if !(ms.is_finite() && ms > 0.0) {
                bail!("{what}: {ms} ms is no time");
            }
        }
        Ok(line)
    }

    /// Where this program computes something else than this project, of what it `needs` to have right.
    pub(super) fn disagreement(&self, ours: &Self, needs: &[String]) -> Option<String> {
        needs.iter().find_map(|need| {
            let (Some(right), Some(tolerance)) = (ours.checks.get(need), ours.tolerances.get(need))
            else {
                return Some(format!("nobody knows the right {need}"));
            };
            match self.checks.get(need) {
                None => Some(format!("it does not say its {need}")),
                Some(found) if (found - right).abs() <= *tolerance => None,
                Some(found) => Some(format!("its {need} is {found:.6}, ours is {right:.6}")),
            }
        })
    }

    /// Where two runs of this project do not have the same bits.
    pub(super) fn other_bits(&self, first: &Self) -> Option<String> {
        if self.checks.len() != first.checks.len() {
            return Some("it checks something else".to_owned());
        }
        first.checks.iter().find_map(|(what, right)| {
            let found = self.checks.get(what)?;
            (found.to_bits() != right.to_bits())
                .then(|| format!("{what} is {found:e}, in the first run {right:e}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#"{"version": "0.1.0", "detail": "avx512", "times": {"S1 forward": 0.43},
        "checks": {"S1 output": -13632.7, "S1 d_input": 5.0},
        "tolerances": {"S1 output": 0.3, "S1 d_input": 0.1}, "peak_gflops": 117.5}"#;

    fn line(text: &str) -> Line {
        Line::read(&text.replace('\n', " ")).expect("the figures")
    }

    fn needs() -> Vec<String> {
        ["S1 output", "S1 d_input"].map(str::to_owned).to_vec()
    }

    #[test]
    fn reads_ours_and_a_peers() {
        let ours = line(OURS);
        assert_eq!(ours.times["S1 forward"], 0.43);
        assert_eq!(ours.peak_gflops, Some(117.5));
        let peer = Line::read("words\n{\"times\": {}, \"checks\": {\"logits\": 1}}\n\n")
            .expect("the figures");
        assert_eq!((peer.version.as_str(), peer.peak_gflops), ("", None));
        assert_eq!(peer.checks["logits"], 1.0);
    }

    #[test]
    fn refuses_what_is_no_figure() {
        for (text, reason) in [
            ("", "printed nothing"),
            ("S1 0.43 ms", "not its figures"),
            (
                r#"{"times": {"S1 forward": NaN}, "checks": {}}"#,
                "not its figures",
            ),
            (
                r#"{"times": {"S1 forward": 0}, "checks": {}}"#,
                "S1 forward: 0 ms is no time",
            ),
            (
                r#"{"times": {"S1 forward": -1e9}, "checks": {}}"#,
                "is no time",
            ),
        ] {
            let error = Line::read(text).expect_err(text);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn a_peer_agrees_within_the_tolerance_of_each_check() {
        let ours = line(OURS);
        let peer = |output: &str, d_input: &str| {
            line(&format!(
                r#"{{"times": {{}}, "checks": {{"S1 output": {output}, "S1 d_input": {d_input}}}}}"#
            ))
            .disagreement(&ours, &needs())
        };
        assert_eq!(peer("-13632.9", "5.05"), None);
        assert_eq!(
            peer("-13632.7", "1.25").as_deref(),
            Some("its S1 d_input is 1.250000, ours is 5.000000")
        );
        assert_eq!(
            peer("-13633.7", "5").as_deref(),
            Some("its S1 output is -13633.700000, ours is -13632.700000")
        );
    }

    #[test]
    fn a_peer_that_does_not_say_what_it_computed_does_not_agree() {
        let ours = line(OURS);
        let peer = line(r#"{"times": {}, "checks": {"S1 output": -13632.7}}"#);
        assert_eq!(peer.disagreement(&ours, &needs()[..1]), None);
        assert_eq!(
            peer.disagreement(&ours, &needs()).as_deref(),
            Some("it does not say its S1 d_input")
        );
        assert!(peer.disagreement(&peer, &needs()).is_some());
    }

    #[test]
    fn our_own_runs_must_have_the_same_bits() {
        let ours = line(OURS);
        assert_eq!(ours.other_bits(&ours), None);
        let other = line(&OURS.replace("5.0", "5.0000001"));
        let difference = other.other_bits(&ours).expect("a difference");
        assert!(
            difference.starts_with("S1 d_input is 5.0000001e0"),
            "{difference}"
        );
        let fewer = line(r#"{"times": {}, "checks": {}}"#);
        assert!(fewer.other_bits(&ours).is_some());
    }
}
