//! What `cargo xtask bench layers`, `bench lenet` and `bench record latency` share: this project's program, its peers, and the rounds.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::contest::{self, Entrant};
use super::line::Line;
use super::machine;
use super::python::Environment;
use super::report::Contest;
use super::{build, peers};
use crate::workspace::root;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(
        long,
        help = "Measure PyTorch and others too: in a Python environment under target/peers, and in crates that are built under target/peers-rust (candle and burn take a quarter of an hour)"
    )]
    peers: bool,
    /// Rounds: every program runs once in each, one after another
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Milliseconds of a window; of three a time is the fastest one's mean [default: 120 for layers, 480 for lenet]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..))]
    window: Option<u32>,
}

impl Args {
    pub(super) fn new(peers: bool, rounds: u32) -> Self {
        Self {
            peers,
            rounds,
            window: None,
        }
    }
}

/// This project's rows: a name, and the instruction set if it is not the best.
const OURS: [(&str, Option<&str>); 2] = [
    ("this project", None),
    ("this project, AVX2 only", Some("avx2")),
];

/// The numbers of threads on which every program runs, where the work names no others.
pub(super) const THREADS: &[usize] = &[1, 2];

/// The pieces of work, and their tables.
pub(super) struct Work<'a> {
    pub(super) name: &'static str,
    pub(super) threads: &'static [usize],
    /// Milliseconds of a window, if none are asked for.
    pub(super) window: u32,
    /// The folder of the images.
    pub(super) data: Option<&'a Path>,
    /// What a program must have right for a time to count.
    pub(super) needs: fn(&str, &Line) -> Vec<String>,
    pub(super) tables: fn(&[Entrant]) -> String,
}

pub(super) fn run(args: &Args, work: &Work<'_>) -> Result<()> {
    let root = root()?;
    let target = build::target(root);
    let program = build::ours(
        root,
        &[
            "--package",
            "conv-core",
            "--features",
            "safetensors",
            "--bench",
            "stacked",
        ],
        "stacked",
    )?;
    let machine = machine::here();

    let mut entrants = Vec::new();
    for (name, level) in OURS {
        if level.is_some_and(|level| !machine.instruction_sets.contains(&level)) {
            continue;
        }
        for &threads in work.threads {
            let mut command = Command::new(&program);
            tell(&mut command, (args, work), threads);
            command.env_remove("CONV_CORE_SIMD");
            command.envs(level.map(|level| ("CONV_CORE_SIMD", level)));
            entrants.push(Entrant {
                name: name.to_owned(),
                version: machine::our_version(root),
                threads,
                ours: true,
                command: Some(command),
                needs: Some(work.needs),
                ..Entrant::default()
            });
        }
    }
    if args.peers {
        entrants.extend(of_peers((args, work), root, &target));
    }
    contest::run(&mut entrants, args.rounds)?;
    let contest = Contest {
        name: work.name,
        machine: &machine,
        rounds: args.rounds,
        window_ms: Some(args.window.unwrap_or(work.window)),
        entrants: &entrants,
    };
    contest.tell(&target, &(work.tables)(&entrants))
}

/// The peers of this work, each on its numbers of threads.
fn of_peers((args, work): (&Args, &Work<'_>), root: &Path, target: &Path) -> Vec<Entrant> {
    let environment = Environment::make(root, target);
    let mut entrants = Vec::new();
    for peer in peers::of(work.name) {
        let start = peer.start(root, target, &environment);
        if let Err(reason) = &start {
            eprintln!("{}: {reason}", peer.name);
        }
        for &threads in work.threads {
            let mut entrant = Entrant {
                name: peer.name.to_owned(),
                version: peer.version(root),
                threads,
                needs: Some(work.needs),
                ..Entrant::default()
            };
            match &start {
                Ok(start) => {
                    let mut command = start.command();
                    tell(&mut command, (args, work), threads);
                    entrant.command = Some(command);
                }
                Err(reason) => entrant.unavailable = Some(reason.clone()),
            }
            entrants.push(entrant);
        }
    }
    entrants
}

/// Every program takes the same arguments.
fn tell(command: &mut Command, (args, work): (&Args, &Work<'_>), threads: usize) {
    let window = args.window.unwrap_or(work.window);
    command
        .arg(work.name)
        .args(["--threads", &threads.to_string()])
        .args(["--window", &window.to_string()])
        // For the pools of those that have no setting of their own.
        .env("RAYON_NUM_THREADS", threads.to_string())
        .env("MATMUL_NUM_THREADS", threads.to_string());
    if let Some(data) = work.data {
        command.arg("--data").arg(data);
    }
}
