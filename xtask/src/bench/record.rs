//! `cargo xtask bench record`: a recipe trained with one seed after another, and the middle of what came out.
//!
//! The runs are those of `trainer sweep`, which goes on where it was stopped. The test images are read once, at the end of a run, and decide
//! nothing: neither which epoch counts nor which seed.

mod latency;
mod torch;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use mnist_data::catalog;
use mnist_data::fetch::Fetcher;
use serde::{Deserialize, Serialize};

use super::machine::{self, Machine};
use super::table::{Spread, aligned, spread};
use super::{build, report};
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
    let version = machine::our_version(root);
    let Some(record) = args.name.record() else {
        let data = folder("mnist", args.data.as_deref())?;
        let runs = Runs::new(&target, "latency", &version)?;
        return latency::run(&trainer, runs, &data, args.peers);
    };
    let data = match (&args.data, record.embedded) {
        (None, true) => None,
        (given, _) => Some(folder(record.dataset, given.as_deref())?),
    };
    let machine = machine::here();
    let seeds = args.seeds.unwrap_or(record.seeds);
    let trained = sweep(
        &trainer,
        (record.recipe, record.dataset),
        data.as_deref(),
        seeds,
        Runs::new(&target, record.name, &version)?,
    )?;
    let runs = (1..=seeds).map(|seed| trained.outcome(seed));
    let runs: Vec<Outcome> = runs.collect::<Result<_>>()?;
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
    report::write_json(&target, &format!("record-{}", record.name), &everything)?;
    trained.remove()
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

/// The folder in which the runs of a record are until its end.
enum Runs {
    /// Of a commit: a record that was stopped goes on there.
    Kept(PathBuf),
    /// Of sources that were changed since a commit: the next program may be another one.
    Temporary(tempfile::TempDir),
}

impl Runs {
    /// For a record of a version as [`machine::our_version`] tells it.
    fn new(target: &Path, record: &str, version: &str) -> Result<Self> {
        let commit = version.split(['(', ')']).nth(1);
        Ok(match commit.filter(|commit| !commit.ends_with('+')) {
            Some(commit) => Self::Kept(
                target
                    .join("bench")
                    .join(format!("record-{record}-{commit}")),
            ),
            None => Self::Temporary(tempfile::tempdir().context("no temporary folder")?),
        })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(folder) => folder,
            Self::Temporary(folder) => folder.path(),
        }
    }

    /// The run of a seed.
    fn run(&self, seed: u64) -> PathBuf {
        self.path().join(format!("seed={seed}"))
    }

    /// Removes them, so that the same record is measured anew the next time.
    fn remove(self) -> Result<()> {
        let folder = self.path();
        std::fs::remove_dir_all(folder).with_context(|| folder.display().to_string())
    }

    /// What came of the run of a seed.
    fn outcome(&self, seed: u64) -> Result<Outcome> {
        let path = self.run(seed).join("result.json");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }
}

/// Trains a recipe on a data set with the seeds 1 to `seeds`, one after another on all cores; what is there already is not
/// trained again.
fn sweep(
    trainer: &Path,
    (recipe, dataset): (&str, &str),
    data: Option<&Path>,
    seeds: u64,
    runs: Runs,
) -> Result<Runs> {
    let mut command = Command::new(trainer);
    command
        .args(["sweep", recipe, "--dataset", dataset])
        .args(["--seeds", &format!("1..{seeds}")])
        .arg("--folder")
        .arg(runs.path());
    if let Some(data) = data {
        command.arg("--data").arg(data);
    }
    // It says on stderr what every run found, and its table on stdout, where the record's is to be.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().context("trainer does not start")?;
    if !status.success() {
        bail!("trainer sweep {recipe}: {status}");
    }
    Ok(runs)
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
    fn runs_of_a_commit_are_kept_and_those_of_changed_sources_are_not() {
        let target = Path::new("target");
        let kept = Runs::new(target, "quick", "0.1.0 (1a2b3c4)").expect("a folder");
        let run = target.join("bench").join("record-quick-1a2b3c4/seed=3");
        assert_eq!(kept.run(3), run);
        for version in ["0.1.0 (1a2b3c4+)", "0.1.0"] {
            let runs = Runs::new(target, "quick", version).expect("a folder");
            let folder = runs.path().to_owned();
            assert!(folder.is_dir(), "{version}");
            assert!(runs.outcome(1).is_err());
            drop(runs);
            assert!(!folder.exists(), "{version}");
        }
        let target = tempfile::tempdir().expect("a folder");
        let kept = Runs::new(target.path(), "quick", "0.1.0 (1a2b3c4)").expect("a folder");
        std::fs::create_dir_all(kept.run(1)).expect("a run");
        kept.remove().expect("it is removed");
        assert!(!target.path().join("bench/record-quick-1a2b3c4").exists());
    }

    #[test]
    fn a_folder_that_is_given_is_taken() {
        let given = Path::new("somewhere");
        assert_eq!(folder("mnist", Some(given)).expect("it"), given);
        assert!(folder("nothing", None).is_err());
    }
}
