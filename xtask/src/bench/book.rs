//! `cargo xtask bench book`: the chapter's run, whole iterations, by this project and by its peers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::child::Finished;
use super::contest::{self, Entrant};
use super::line::Line;
use super::machine;
use super::python::Environment;
use super::report::Contest;
use super::table::{aligned, figures};
use super::{build, peers};
use crate::workspace::root;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(
        long,
        help = "Measure NumPy, PyTorch, JAX and the listing too, in a Python environment under target/peers"
    )]
    peers: bool,
    /// Iterations that this project's trainer is timed over
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    iterations: u32,
    /// Iterations that each peer is timed over, after one to warm up (the listing: one, and no other)
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    peer_iterations: u32,
    /// Rounds: every program runs once in each, one after another
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Folder of the four MNIST files, raw or .gz [default: the images in this project]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Time this trainer instead of building the workspace's own
    #[arg(long, value_name = "PATH")]
    trainer: Option<PathBuf>,
}

/// What the notebook of the chapter printed: the first iterations of every run that is timed must be these.
const CHAPTER: &str = include_str!("../../../tests/golden/chapter-10-conv.txt");

/// The images that the trainer holds, as the four files that the peers can read.
pub(super) const EMBEDDED: &str = "crates/mnist-data/data";

/// The one piece of work.
const ITERATION: &str = "iteration";

/// A row of this project's own.
struct Setting {
    name: &'static str,
    variable: Option<(&'static str, &'static str)>,
    arguments: &'static [&'static str],
}

const OURS: [Setting; 3] = [
    Setting {
        name: "this project",
        variable: None,
        arguments: &[],
    },
    Setting {
        name: "this project, AVX2 only",
        variable: Some(("CONV_CORE_SIMD", "avx2")),
        arguments: &[],
    },
    Setting {
        name: "this project, one thread",
        variable: None,
        arguments: &["--threads", "1"],
    },
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let root = root()?;
    let target = build::target(root);
    let trainer = match &args.trainer {
        Some(path) => path.clone(),
        None => build::ours(root, &["--package", "trainer"], "trainer")?,
    };
    let machine = machine::here();
    let able = |setting: &&Setting| {
        let level = setting.variable.map(|(_, level)| level);
        level.is_none_or(|level| machine.instruction_sets.contains(&level))
    };
    let mut entrants: Vec<Entrant> = OURS
        .iter()
        .filter(able)
        .map(|setting| Entrant {
            name: setting.name.to_owned(),
            version: machine::our_version(root),
            ours: true,
            command: Some(ours(&trainer, args, setting)),
            read: Some(of_trainer),
            ..Entrant::default()
        })
        .collect();
    if args.peers {
        entrants.extend(of_peers(args, root, &target));
    }
    contest::run(&mut entrants, args.runs)?;
    let contest = Contest {
        name: "book",
        machine: &machine,
        rounds: args.runs,
        window_ms: None,
        entrants: &entrants,
    };
    contest.tell(&target, &table(&entrants))
}

fn ours(trainer: &Path, args: &Args, setting: &Setting) -> Command {
    let mut command = Command::new(trainer);
    command
        .args(["book", "--json", "--iterations"])
        .arg(args.iterations.to_string())
        .args(setting.arguments);
    if let Some(data) = &args.data {
        command.arg("--data").arg(data);
    }
    command
        .env_remove("CONV_CORE_SIMD")
        .env_remove("RAYON_NUM_THREADS")
        .envs(setting.variable);
    command
}

fn of_peers(args: &Args, root: &Path, target: &Path) -> Vec<Entrant> {
    let embedded = root.join(EMBEDDED);
    let data = args.data.as_deref().unwrap_or(&embedded);
    let environment = Environment::make(root, target);
    let entrant = |peer: &peers::Peer| {
        let mut entrant = Entrant {
            name: peer.name.to_owned(),
            needs: peer.exact.then_some(all_checks),
            ..Entrant::default()
        };
        let iterations = if peer.once { 1 } else { args.peer_iterations };
        match peer.start(root, target, &environment) {
            Ok(start) => {
                let mut command = start.command();
                command
                    .arg("--data")
                    .arg(data)
                    .args(["--iterations", &iterations.to_string()]);
                entrant.command = Some(command);
            }
            Err(reason) => entrant.unavailable = Some(reason),
        }
        entrant
    };
    peers::of("book").map(entrant).collect()
}

/// A peer that draws the listing's own random numbers must be where the chapter is after as many iterations.
fn all_checks(_: &str, line: &Line) -> Vec<String> {
    match line.checks.is_empty() {
        true => vec![check(0)],
        false => line.checks.keys().cloned().collect(),
    }
}

/// The name of an iteration's check, here and in `book.py`.
fn check(iteration: usize) -> String {
    format!("test accuracy of I:{iteration}")
}

/// An iteration as `trainer book --json` prints it.
#[derive(Deserialize)]
struct Iteration {
    iteration: usize,
    test_accuracy: f64,
    train_accuracy: f64,
}

/// The line with which it ends.
#[derive(Deserialize)]
struct Outcome {
    iterations: usize,
    ms_per_iteration: f64,
    digest: String,
}

/// The trainer's run: right first, then how fast.
///
/// # Errors
/// If an iteration differs from the chapter's, or the result is not there.
fn of_trainer(finished: &Finished) -> Result<Line> {
    let mut lines: Vec<&str> = finished.stdout.lines().collect();
    let last = lines.pop().context("printed nothing")?;
    let outcome: Outcome = serde_json::from_str(last)
        .with_context(|| format!("its last line is not its result: {last}"))?;
    if lines.len() != outcome.iterations {
        bail!(
            "it printed {} lines for {} iterations",
            lines.len(),
            outcome.iterations
        );
    }
    let mut line = Line::default();
    let mut chapter = CHAPTER.lines();
    for text in lines {
        let found: Iteration = serde_json::from_str(text).with_context(|| text.to_owned())?;
        line.test_accuracy = Some(found.test_accuracy);
        let Some(expected) = chapter.next() else {
            continue; // the chapter ends before
        };
        let (test, train) = (found.test_accuracy, found.train_accuracy);
        let printed = format!(
            "I:{} Test-Acc:{test:?} Train-Acc:{train:?}",
            found.iteration
        );
        if printed != expected {
            bail!("an iteration is `{printed}`, the chapter's is `{expected}`");
        }
    }
    for (iteration, expected) in CHAPTER.lines().enumerate() {
        line.checks
            .insert(check(iteration), test_accuracy(expected)?);
        line.tolerances.insert(check(iteration), 0.0);
    }
    // 52 bits of the parameters' digest are a number exactly: all runs of this project must have the same.
    let bits = outcome.digest.get(..13);
    let bits = bits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let bits = bits.with_context(|| format!("{:?} is not a digest", outcome.digest))?;
    line.checks.insert("parameters".to_owned(), bits as f64);
    let ms = outcome.ms_per_iteration;
    if !(ms.is_finite() && ms > 0.0) {
        bail!("{ms} ms an iteration is not a time");
    }
    line.times.insert(ITERATION.to_owned(), ms);
    Ok(line)
}

/// `I:8 Test-Acc:0.2137 Train-Acc:0.127` → 0.2137
fn test_accuracy(line: &str) -> Result<f64> {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix("Test-Acc:"))
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("no test accuracy in `{line}`"))
}

/// A row for each program, its median compared with the first one's.
fn table(entrants: &[Entrant]) -> String {
    let head = [
        "program",
        "version",
        "ms an iteration (median)",
        "min",
        "max",
        "times ours",
        "rounds",
        "peak MB",
        "test accuracy",
    ];
    let ours = entrants.first().and_then(|it| it.time(ITERATION));
    let row = |entrant: &Entrant| {
        let name = match entrant.settings.get(ITERATION) {
            Some(setting) if !setting.is_empty() => format!("{}, {setting}", entrant.name),
            _ => entrant.name.clone(),
        };
        let mut cells = vec![name, entrant.version.clone()];
        let Some(time) = entrant.time(ITERATION) else {
            let why = match entrant.disagrees.is_empty() {
                true => "not measured",
                false => "disagrees",
            };
            cells.push(why.to_owned());
            return cells;
        };
        let rounds = entrant.times.get(ITERATION).map_or(0, Vec::len);
        let dash = || "–".to_owned();
        cells.extend([
            figures(time.median),
            figures(time.min),
            figures(time.max),
            ours.map_or_else(dash, |ours| figures(time.median / ours.median)),
            rounds.to_string(),
            entrant
                .peak_bytes
                .map_or_else(dash, |bytes| format!("{:.0}", bytes as f64 / 1e6)),
            entrant
                .test_accuracy
                .map_or_else(dash, |accuracy| accuracy.to_string()),
        ]);
        cells
    };
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(entrants.iter().map(row));
    aligned(&lines, 2)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::bench::child;

    /// What a process prints that ends well.
    fn finished(stdout: &str) -> Finished {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let done = child::run(Command::new(cargo).arg("--version")).expect("cargo starts");
        Finished {
            stdout: stdout.to_owned(),
            ..done
        }
    }

    const RUN: &str = r#"{"iteration":0,"test_accuracy":0.0288,"train_accuracy":0.055}
{"iteration":1,"test_accuracy":0.0273,"train_accuracy":0.037}
{"iterations":2,"seconds":0.04,"ms_per_iteration":20.5,"threads":2,"digest":"0f00000000001abc"}
"#;

    #[test]
    fn the_trainers_time_counts_where_its_lines_are_the_chapters() {
        let line = of_trainer(&finished(RUN)).expect("figures");
        assert_eq!(line.times["iteration"], 20.5);
        assert_eq!(line.test_accuracy, Some(0.0273));
        assert_eq!(line.checks["test accuracy of I:0"], 0.0288);
        assert_eq!(line.checks["parameters"], 0xf000_0000_0001_u64 as f64);
        for (from, to, says) in [
            ("0.0273", "0.0274", "I:1 Test-Acc:0.0274 Train-Acc:0.037"),
            ("20.5", "0.0", "is not a time"),
            ("\"iterations\":2", "\"iterations\":3", "2 lines for 3"),
            ("0f00000000001abc", "none", "is not a digest"),
            ("ms_per_iteration", "ms", "not its result"),
        ] {
            let error = of_trainer(&finished(&RUN.replace(from, to))).expect_err(says);
            assert!(format!("{error:#}").contains(says), "{error:#}");
        }
        assert!(of_trainer(&finished("")).is_err());
    }

    #[test]
    fn another_digest_is_another_run() {
        let first = of_trainer(&finished(RUN)).expect("figures");
        let other = RUN.replace("0f00000000001abc", "0f00000000002abc");
        let other = of_trainer(&finished(&other)).expect("figures");
        assert_eq!(first.other_bits(&first), None);
        assert!(other.other_bits(&first).is_some());
    }

    #[test]
    fn a_peer_with_the_listings_numbers_must_be_where_the_chapter_is() {
        let ours = of_trainer(&finished(RUN)).expect("figures");
        let disagreement = |checks: &str| {
            let text = format!(r#"{{"times": {{"iteration": 188.5}}, "checks": {{{checks}}}}}"#);
            let line = Line::read(&text).expect("figures");
            line.disagreement(&ours, &all_checks(ITERATION, &line))
        };
        assert_eq!(disagreement(r#""test accuracy of I:8": 0.2137"#), None);
        let other = disagreement(r#""test accuracy of I:8": 0.2138"#).expect("a difference");
        assert!(other.contains("0.213800, ours is 0.213700"), "{other}");
        assert!(disagreement("").is_some());
    }

    #[test]
    fn the_table_compares_with_the_first_program() {
        let entrant = |name: &str, times: &[f64]| Entrant {
            name: name.to_owned(),
            version: "1.0".to_owned(),
            times: [(ITERATION.to_owned(), times.to_vec())].into(),
            peak_bytes: Some(104_000_000),
            test_accuracy: Some(0.5),
            ..Entrant::default()
        };
        let mut peer = entrant("peer", &[100.0]);
        let setting = (ITERATION.to_owned(), "chunks of 50".to_owned());
        peer.settings = [setting].into();
        let mut absent = entrant("absent", &[]);
        absent.unavailable = Some("no Python".to_owned());
        let table = table(&[entrant("ours", &[10.0, 30.0, 20.0]), peer, absent]);
        let cells = |row: usize| -> Vec<&str> {
            let line = table.lines().nth(row).expect("a row");
            line.trim_matches('|').split('|').map(str::trim).collect()
        };
        assert_eq!(
            cells(2),
            [
                "ours", "1.0", "20.0", "10.0", "30.0", "1.00", "3", "104", "0.5"
            ]
        );
        assert_eq!(cells(3)[..3], ["peer, chunks of 50", "1.0", "100"]);
        assert_eq!(cells(3)[5], "5.00");
        assert_eq!(cells(4)[..3], ["absent", "1.0", "not measured"]);
    }
}
