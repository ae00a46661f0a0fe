//! `cargo xtask bench book`: the chapter's run, whole iterations, here and in other hands.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::build;
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
pub(super) const EMBEDDED: &str = "crates/mnist-data/data";

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
    let root = build::root()?;
    let trainer = match &args.trainer {
        Some(path) => path.clone(),
        None => build::ours(root, &["--package", "trainer"], "trainer")?,
    };
    let target = build::target(root);
    let machine = machine::here();

    let mut contestants: Vec<(Row, Option<Program>)> = OURS
        .iter()
        .map(|setting| {
            let mut row = Row::new(setting.name);
            row.version = machine::our_version(root);
            (row, Some(Program::Ours(ours(&trainer, args, setting))))
        })
        .collect();
    if args.peers {
        contestants.extend(peers(args, root, &target));
    }
    for round in 1..=args.runs {
        for (index, (row, program)) in contestants.iter_mut().enumerate() {
            let Some(program) = program.as_mut().filter(|_| row.unavailable.is_none()) else {
                continue;
            };
            eprintln!("round {round} of {}: {}", args.runs, row.name);
            if let Err(error) = measure(program, row) {
                if index == 0 {
                    return Err(
                        error.context("this project's trainer has no figures to compare with")
                    );
                }
                eprintln!("  {error:#}");
                row.unavailable = Some(format!("{error:#}"));
                row.figures.clear();
            }
        }
    }

    let mut rows: Vec<Row> = contestants.into_iter().map(|(row, _)| row).collect();
    table::compare(&mut rows);
    println!("{}", machine.headline());
    println!();
    print!("{}", table::markdown(&rows));
    let path = target.join("bench").join("book.json");
    figures::write_json(
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

/// The peers' rows, and what each runs where it can.
fn peers(args: &Args, root: &Path, target: &Path) -> Vec<(Row, Option<Program>)> {
    let embedded = root.join(EMBEDDED);
    let data = args.data.as_deref().unwrap_or(&embedded);
    let environment = Environment::make(root, target);
    let contestant = |peer: &'static Peer| {
        let mut row = Row::new(peer.name);
        let program = match &environment {
            Ok(environment) => {
                row.unavailable = environment.lacks(peer.needs);
                let command = peer.command(environment, root, data, args.peer_iterations);
                Some(Program::Peer(peer, command))
            }
            Err(reason) => {
                row.unavailable = Some(reason.clone());
                None
            }
        };
        (row, program)
    };
    PEERS.iter().map(contestant).collect()
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
