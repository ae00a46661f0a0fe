//! `cargo xtask bench record`: a recipe trained with one seed after another, and the middle of what came out.
//!
//! Every run is the `trainer` that everybody has. The test images are read once, at the end of a run, and decide
//! nothing: neither which epoch counts nor which seed.

mod latency;
mod torch;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use mnist_data::catalog;
use mnist_data::fetch::Fetcher;
use serde::{Deserialize, Serialize};

use super::machine::{self, Machine};
use super::table::{Spread, aligned, spread};
use super::{build, child, report};
use crate::workspace::root;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which record
    #[arg(value_enum)]
    name: Name,
    /// Seeds, from 1 on [default: as many as docs/RESULTS.md quotes]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Folder of the data set's files [default: fetched to where `fetch-mnist` puts them; small-data needs none]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// quick: PyTorch with four small networks as well; latency: ONNX Runtime and tract as well
    #[arg(long)]
    peers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// All of MNIST: the time to 99 %
    Quick,
    /// The first 1,000 images of MNIST: the accuracy
    SmallData,
    /// All of MNIST: the accuracy of at most 5,000 parameters
    Tiny,
    /// All of MNIST: the accuracy
    Best,
    /// Fashion-MNIST: the accuracy of `best` as it is
    Fashion,
    /// One image through the network of `quick`, one thread
    Latency,
}

/// A recipe of the trainer, on a data set, with some seeds.
struct Record {
    name: &'static str,
    recipe: &'static str,
    dataset: &'static str,
    /// The program's own images will do.
    embedded: bool,
    seeds: u64,
    /// The accuracy that every seed should reach.
    target: f64,
}

impl Name {
    fn record(self) -> Option<Record> {
        let record = |name, recipe, seeds, target| Record {
            name,
            recipe,
            dataset: "mnist",
            embedded: false,
            seeds,
            target,
        };
        Some(match self {
            Self::Quick => record("quick", "quick", 10, 0.99),
            Self::SmallData => Record {
                embedded: true,
                ..record("small-data", "small-data", 5, 0.986)
            },
            Self::Tiny => record("tiny", "tiny", 5, 0.993),
            Self::Best => record("best", "best", 3, 0.997),
            Self::Fashion => Record {
                dataset: "fashion-mnist",
                ..record("fashion", "best", 3, 0.935)
            },
            Self::Latency => return None,
        })
    }
}

/// What of `result.json` counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Outcome {
    test_accuracy: f64,
    seconds: f64,
    parameters: usize,
    epochs: u64,
    digest: String,
}

/// Everything of a record, for `target/bench`.
#[derive(Serialize)]
struct Report<'a> {
    machine: &'a Machine,
    version: &'a str,
    recipe: &'a str,
    dataset: &'a str,
    runs: &'a [Outcome],
    peers: &'a [torch::Found],
}

pub(super) fn run(args: &Args) -> Result<()> {
    let root = root()?;
    let target = build::target(root);
    if args.peers && !matches!(args.name, Name::Quick | Name::Latency) {
        bail!("only quick and latency have peers; leave out --peers");
    }
    if args.name == Name::Latency && args.seeds.is_some() {
        bail!("latency trains with one seed; leave out --seeds");
    }
    let trainer = build::ours(root, &["--release", "--package", "trainer"], "trainer")?;
    let Some(record) = args.name.record() else {
        let data = folder("mnist", args.data.as_deref())?;
        return latency::run(&trainer, &data, args.peers);
    };
    let data = match (&args.data, record.embedded) {
        (None, true) => None,
        (given, _) => Some(folder(record.dataset, given.as_deref())?),
    };
    let machine = machine::here();
    let version = machine::our_version(root);
    let seeds = args.seeds.unwrap_or(record.seeds);
    let mut runs = Vec::new();
    for seed in 1..=seeds {
        let run = train(
            &trainer,
            (record.recipe, record.dataset),
            data.as_deref(),
            seed,
        )?;
        eprintln!(
            "seed {seed} of {seeds}: {} after {} epochs in {:.2} s",
            percent(run.outcome.test_accuracy),
            run.outcome.epochs,
            run.outcome.seconds
        );
        runs.push(run.outcome);
    }
    let found = match (args.peers, &data) {
        (true, Some(data)) => torch::quick(root, &target, data, record.target)?,
        _ => Vec::new(),
    };
    println!("{}\n", machine.headline());
    print!("{}", row(&record, &runs)?);
    print!("{}", torch::table(&found, record.target, &runs));
    let everything = Report {
        machine: &machine,
        version: &version,
        recipe: record.recipe,
        dataset: record.dataset,
        runs: &runs,
        peers: &found,
    };
    report::write_json(&target, &format!("record-{}", record.name), &everything)
}

/// The folder of a data set: the one that is given, or the one where it is after fetching it.
fn folder(dataset: &str, given: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = given {
        return Ok(folder.to_owned());
    }
    let entry = catalog::ALL.iter().find(|entry| entry.name == dataset);
    let entry = entry.with_context(|| format!("{dataset} is no data set of the catalogue"))?;
    eprintln!("{}: fetched if it is not there yet", entry.title);
    Ok(Fetcher::new(entry).fetch()?)
}

/// A finished run, its folder removed with it.
struct Run {
    outcome: Outcome,
    folder: tempfile::TempDir,
}

impl Run {
    /// The network that came out.
    fn model(&self) -> PathBuf {
        self.folder.path().join("run").join("model.safetensors")
    }
}

/// Trains a recipe on a data set, on all cores.
fn train(
    trainer: &Path,
    (recipe, dataset): (&str, &str),
    data: Option<&Path>,
    seed: u64,
) -> Result<Run> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let run = folder.path().join("run");
    let mut command = Command::new(trainer);
    command
        .args(["train", recipe, "--quiet", "--dataset", dataset])
        .args(["--seed", &seed.to_string()])
        .arg("--run")
        .arg(&run);
    if let Some(data) = data {
        command.arg("--data").arg(data);
    }
    let finished = child::run(&mut command).context("trainer does not start")?;
    if !finished.status.success() {
        bail!("trainer train {recipe}: {}", finished.stderr.trim());
    }
    let path = run.join("result.json");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let outcome = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(Run { outcome, folder })
}

/// The record's line: medians, and from the least to the most.
fn row(record: &Record, runs: &[Outcome]) -> Result<String> {
    let of = |number: fn(&Outcome) -> f64| -> Result<Spread> {
        let numbers: Vec<f64> = runs.iter().map(number).collect();
        spread(&numbers).context("no run")
    };
    let accuracy = of(|run| run.test_accuracy)?;
    let seconds = of(|run| run.seconds)?;
    let first = runs.first().context("no run")?;
    let reached = runs.iter().filter(|run| run.test_accuracy >= record.target);
    let lines = [
        vec![
            "record".to_owned(),
            "parameters".to_owned(),
            "epochs".to_owned(),
            "test accuracy".to_owned(),
            format!("at {}", percent(record.target)),
            "seconds".to_owned(),
        ],
        vec![
            record.name.to_owned(),
            first.parameters.to_string(),
            first.epochs.to_string(),
            format!(
                "{} ({} to {})",
                percent(accuracy.median),
                percent(accuracy.min),
                percent(accuracy.max)
            ),
            format!("{} of {}", reached.count(), runs.len()),
            format!(
                "{:.2} ({:.2} to {:.2})",
                seconds.median, seconds.min, seconds.max
            ),
        ],
    ];
    let mut text = aligned(&lines, 1);
    if let [_, _, ..] = runs {
        writeln!(
            text,
            "\nMedians of {} seeds, and from the least to the most.",
            runs.len()
        )?;
    }
    Ok(text)
}

/// A share in percent, in hundredths: what 10,000 images can tell.
fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(test_accuracy: f64, seconds: f64) -> Outcome {
        Outcome {
            test_accuracy,
            seconds,
            parameters: 11_810,
            epochs: 1,
            digest: String::new(),
        }
    }

    #[test]
    fn every_record_has_a_shipped_recipe_and_a_data_set() {
        let recipes = root()
            .expect("the repository")
            .join("crates/trainer/recipes");
        for name in <Name as clap::ValueEnum>::value_variants() {
            let Some(record) = name.record() else {
                assert_eq!(*name, Name::Latency);
                continue;
            };
            let recipe = recipes.join(record.recipe).with_extension("toml");
            assert!(recipe.is_file(), "{}", recipe.display());
            assert!(
                catalog::ALL
                    .iter()
                    .any(|entry| entry.name == record.dataset)
            );
            // An odd number has a run in the middle; of ten seeds eight must reach it.
            assert!(record.seeds % 2 == 1 || record.seeds == 10);
        }
    }

    #[test]
    fn the_row_has_the_middle_and_the_ends() {
        let record = Name::Quick.record().expect("a record");
        let runs = [
            outcome(0.9898, 1.2),
            outcome(0.991, 1.0),
            outcome(0.9905, 1.1),
        ];
        let text = row(&record, &runs).expect("a row");
        let cells: Vec<&str> = text
            .lines()
            .nth(2)
            .expect("a row")
            .split('|')
            .map(str::trim)
            .collect();
        assert_eq!(
            cells[1..=6],
            [
                "quick",
                "11810",
                "1",
                "99.05 % (98.98 % to 99.10 %)",
                "2 of 3",
                "1.10 (1.00 to 1.20)"
            ]
        );
        assert!(row(&record, &[]).is_err());
    }

    #[test]
    fn a_result_is_read_whatever_else_stands_in_it() {
        let text = r#"{"test_loss":0.1,"test_accuracy":0.99,"epochs":1,"steps":600,"seconds":1.5,
            "parameters":7,"digest":"ab","stopped":"finished"}"#;
        let outcome: Outcome = serde_json::from_str(text).expect("an outcome");
        assert_eq!((outcome.parameters, outcome.seconds), (7, 1.5));
        assert!(serde_json::from_str::<Outcome>(r#"{"seconds":1.0}"#).is_err());
    }

    #[test]
    fn a_folder_that_is_given_is_taken() {
        let given = Path::new("somewhere");
        assert_eq!(folder("mnist", Some(given)).expect("it"), given);
        assert!(folder("nothing", None).is_err());
    }
}
