//! PyTorch's time to the same accuracy: four small networks, each for one epoch, for two, and so on.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::{Outcome, percent};
use crate::bench::child;
use crate::bench::peers;
use crate::bench::python::Environment;
use crate::bench::table::{aligned, spread};

/// A network after so many epochs: medians over some seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    version: String,
    network: String,
    epochs: u64,
    seconds: f64,
    accuracy: f64,
}

/// PyTorch's runs on the images of `data`.
///
/// # Errors
/// If there is no PyTorch here, or its script fails.
pub(super) fn quick(root: &Path, target: &Path, data: &Path, goal: f64) -> Result<Vec<Found>> {
    let environment = Environment::make(root, target);
    let peer = peers::of("quick").next().context("no peer does this")?;
    let start = peer.start(root, target, &environment);
    let start = start.map_err(|reason| anyhow!("PyTorch is not there: {reason}"))?;
    eprintln!("PyTorch, four networks for 1 to 4 epochs (some minutes)");
    let mut command = start.command();
    command
        .arg("--data")
        .arg(data)
        .args(["--target", &goal.to_string()]);
    let finished = child::run(&mut command).context("Python does not start")?;
    if !finished.status.success() {
        bail!("torch_quick.py: {}", finished.failure());
    }
    read(&finished.stdout)
}

/// A line of JSON for each.
fn read(stdout: &str) -> Result<Vec<Found>> {
    let lines = stdout.lines().filter(|line| line.starts_with('{'));
    let found: Vec<Found> = lines
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect::<Result<_>>()?;
    if found.is_empty() {
        bail!("torch_quick.py printed no figures");
    }
    Ok(found)
}

/// Their table, and how many times our time the fastest takes that reaches the goal; nothing where nothing was run.
pub(super) fn table(found: &[Found], goal: f64, ours: &[Outcome]) -> String {
    let Some(first) = found.first() else {
        return String::new();
    };
    let head = ["PyTorch", "epochs", "test accuracy", "seconds"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(found.iter().map(|it| {
        vec![
            it.network.clone(),
            it.epochs.to_string(),
            percent(it.accuracy),
            format!("{:.2}", it.seconds),
        ]
    }));
    let reached = found.iter().filter(|it| it.accuracy >= goal);
    let fastest = reached.min_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let seconds: Vec<f64> = ours.iter().map(|run| run.seconds).collect();
    let verdict = match fastest.zip(spread(&seconds)) {
        Some((peer, ours)) => format!(
            "PyTorch {} at its best: {}, {:.2} s, {:.1} times ours.",
            first.version,
            peer.network,
            peer.seconds,
            peer.seconds / ours.median
        ),
        None => format!(
            "PyTorch {} does not reach {}.",
            first.version,
            percent(goal)
        ),
    };
    format!("\n{}\n{verdict}\n", aligned(&lines, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"warning: something
{"version": "2.15.0", "network": "lenet", "epochs": 1, "seconds": 4.0, "accuracy": 0.98}
{"version": "2.15.0", "network": "lenet", "epochs": 2, "seconds": 8.0, "accuracy": 0.991}
{"version": "2.15.0", "network": "three", "epochs": 1, "seconds": 6.0, "accuracy": 0.99}
"#;

    fn ours() -> Outcome {
        Outcome {
            test_accuracy: 0.99,
            seconds: 1.5,
            parameters: 1,
            epochs: 1,
            digest: String::new(),
        }
    }

    #[test]
    fn the_fastest_that_reaches_the_goal_is_compared() {
        let found = read(LINES).expect("three lines");
        let text = table(&found, 0.99, &[ours()]);
        assert!(
            text.ends_with("PyTorch 2.15.0 at its best: three, 6.00 s, 4.0 times ours.\n"),
            "{text}"
        );
        let text = table(&found, 0.999, &[ours()]);
        assert!(
            text.ends_with("PyTorch 2.15.0 does not reach 99.90 %.\n"),
            "{text}"
        );
        assert_eq!(table(&[], 0.99, &[ours()]), "");
    }

    #[test]
    fn no_figures_and_broken_ones_are_errors() {
        assert!(read("nothing\n").is_err());
        let error = read("{\"version\": 1}\n").expect_err("broken");
        assert!(format!("{error:#}").contains("version"), "{error:#}");
    }
}
