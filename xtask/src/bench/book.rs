//! `cargo xtask bench book`: the chapter's run, whole iterations, here and in other hands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::child;
use super::figures::{self, PeerLine};
use super::machine::{self, Machine};
use super::peers::{Environment, PEERS, Peer};
use super::table::{self, Row};

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

/// The images that the trainer holds, as the four files that the peers can read.
const EMBEDDED: &str = "crates/mnist-data/data";

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

/// Everything of a run, for `target/bench/book.json`.
#[derive(Serialize)]
struct Report<'a> {
    machine: Machine,
    rounds: u32,
    rows: &'a [Row],
}

/// What a row runs.
enum Program {
    Ours(Command),
    Peer(&'static Peer, Command),
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask has no parent folder")?;
    let trainer = match &args.trainer {
        Some(path) => path.clone(),
        None => build_trainer(root)?,
    };
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let machine = machine::here();

    let (mut rows, mut programs) = (Vec::new(), Vec::new());
    for setting in &OURS {
        let mut row = Row::new(setting.name);
        row.version = machine::our_version(root);
        rows.push(row);
        programs.push(Some(Program::Ours(ours(&trainer, args, setting))));
    }
    if args.peers {
        let embedded = root.join(EMBEDDED);
        let data = args.data.as_deref().unwrap_or(&embedded);
        let environment = Environment::make(root, &target);
        for peer in &PEERS {
            let mut row = Row::new(peer.name);
            let command = match &environment {
                Ok(environment) => {
                    row.unavailable = environment.lacks(peer);
                    Some(Program::Peer(
                        peer,
                        peer.command(environment, root, data, args.peer_iterations),
                    ))
                }
                Err(reason) => {
                    row.unavailable = Some(reason.clone());
                    None
                }
            };
            rows.push(row);
            programs.push(command);
        }
    }

    for round in 1..=args.runs {
        for (row, program) in rows.iter_mut().zip(&mut programs) {
            let Some(program) = program.as_mut().filter(|_| row.unavailable.is_none()) else {
                continue;
            };
            eprintln!("round {round} of {}: {}", args.runs, row.name);
            if let Err(error) = measure(program, row) {
                eprintln!("  {error:#}");
                if matches!(program, Program::Ours(_)) && row.name == OURS[0].name {
                    return Err(
                        error.context("this project's trainer has no figures to compare with")
                    );
                }
                row.unavailable = Some(format!("{error:#}"));
                row.figures.clear();
            }
        }
    }

    table::compare(&mut rows);
    println!("{}", machine.headline());
    println!();
    print!("{}", table::markdown(&rows));
    let path = target.join("bench").join("book.json");
    write_json(
        &path,
        &Report {
            machine,
            rounds: args.runs,
            rows: &rows,
        },
    )?;
    eprintln!("every figure: {}", path.display());
    Ok(())
}

fn ours(trainer: &Path, args: &Args, setting: &Setting) -> Command {
    let mut command = Command::new(trainer);
    command
        .arg("book")
        .args(["--iterations", &args.iterations.to_string()])
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

/// Runs a row's program once and keeps its figure.
fn measure(program: &mut Program, row: &mut Row) -> Result<()> {
    let command = match program {
        Program::Ours(command) | Program::Peer(_, command) => command,
    };
    let finished =
        child::run(command).with_context(|| command.get_program().display().to_string())?;
    if !finished.status.success() {
        bail!("{}", finished.failure());
    }
    let figure = match program {
        Program::Ours(_) => figures::of_trainer(&finished)?,
        Program::Peer(peer, _) => {
            let line = PeerLine::read(&finished.stdout)?;
            if peer.exact {
                line.agrees_with_the_chapter()?;
            }
            row.version.clone_from(&line.version);
            line.figure(finished.peak_bytes)
        }
    };
    eprintln!("  {:.2} ms an iteration", figure.ms_per_iteration);
    row.figures.push(figure);
    Ok(())
}

/// Builds the trainer as `cargo run -p trainer` does, and finds it.
fn build_trainer(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args([
            "build",
            "--package",
            "trainer",
            "--message-format",
            "json-render-diagnostics",
        ])
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("the trainer does not build ({})", output.status);
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(executable)
        .context("cargo built no program called trainer")
}

/// The path in cargo's message of a finished program called `trainer`.
fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    (message["target"]["name"] == "trainer").then_some(())?;
    message["executable"].as_str().map(PathBuf::from)
}

fn write_json(path: &Path, report: &Report<'_>) -> Result<()> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    let folder = path.parent().context("no folder for the figures")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("{}: not written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_program_in_cargos_messages() {
        let library =
            r#"{"reason":"compiler-artifact","target":{"name":"conv_core"},"executable":null}"#;
        let program = r#"{"reason":"compiler-artifact","target":{"name":"trainer"},"executable":"/t/debug/trainer"}"#;
        let found = [
            library,
            program,
            r#"{"reason":"build-finished","success":true}"#,
            "not JSON",
        ]
        .map(executable);
        assert_eq!(
            found,
            [None, Some(PathBuf::from("/t/debug/trainer")), None, None]
        );
    }
}
