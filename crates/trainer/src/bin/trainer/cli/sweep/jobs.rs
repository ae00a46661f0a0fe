//! The runs of a sweep as processes of this program.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use trainer::run::Contents;
use trainer::run::shell;

use super::SweepArgs;
use crate::failure::{Failure, say};
use crate::terminal::interrupts::interrupted;

/// How often it looks whether a run has ended.
const GLANCE: Duration = Duration::from_millis(20);
/// After Ctrl-C, which every run hears itself, each has so long to write its checkpoint.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    New,
    Begun,
    Finished,
}

/// A run of the sweep.
pub(super) struct Run {
    pub(super) state: State,
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// `KEY=VALUE`
    pub(super) set: Vec<String>,
    pub(super) seed: u64,
    /// The name of its data set.
    pub(super) dataset: String,
}

impl SweepArgs {
    /// The arguments of `trainer` that begin a run or go on with it.
    fn arguments(&self, run: &Run, threads: Option<usize>) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["train".into()];
        match run.state {
            State::Begun | State::Finished => {
                arguments.extend(["--resume".into(), run.path.clone().into_os_string()]);
            }
            State::New => {
                arguments.push(self.recipe.clone().into());
                for set in &run.set {
                    arguments.extend(["--set".into(), set.into()]);
                }
                arguments.extend(["--seed".into(), run.seed.to_string().into()]);
                if let Some(epochs) = self.epochs {
                    arguments.extend(["--epochs".into(), epochs.to_string().into()]);
                }
                if let Some(dataset) = &self.dataset {
                    arguments.extend(["--dataset".into(), dataset.into()]);
                }
                arguments.extend(["--run".into(), run.path.clone().into_os_string()]);
            }
        }
        if let Some(data) = &self.data {
            arguments.extend(["--data".into(), data.clone().into_os_string()]);
        }
        if let Some(threads) = threads {
            arguments.extend(["--threads".into(), threads.to_string().into()]);
        }
        arguments.push("--quiet".into());
        arguments
    }

    /// The command of a run, for a shell.
    pub(super) fn line(&self, program: &str, run: &Run) -> String {
        let arguments = self.arguments(run, self.threads).into_iter();
        let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
        shell::command([program.to_owned()].into_iter().chain(arguments))
    }

    /// Trains some runs, `--jobs` of them at a time. One that fails does not end the others.
    pub(super) fn train(&self, runs: &[&Run], all: usize) -> Result<(), Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::Error(format!("cannot find this program: {error}")))?;
        let at_once = self.jobs.min(runs.len());
        let threads = Some(self.threads(at_once));
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(all - runs.len()));
        let failed = AtomicUsize::new(0);
        let warned = Mutex::new(HashSet::new());
        let work = || {
            while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                if interrupted() {
                    return;
                }
                let mut command = Command::new(&program);
                command.args(self.arguments(run, threads));
                #[cfg(feature = "mpi")]
                crate::mpi::start_alone(&mut command);
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped());
                let (ended, told) = match command.spawn() {
                    Ok(child) => end_of(child),
                    Err(error) => (false, format!("error: cannot start a run: {error}")),
                };
                if interrupted() && !ended {
                    return;
                }
                if let Ok(mut warned) = warned.lock() {
                    let lines = told.lines().filter(|line| line.starts_with("warning: "));
                    for line in lines.filter(|line| warned.insert((*line).to_owned())) {
                        say(line);
                    }
                }
                if ended {
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    say(&format!("{done} of {all}: {}: {}", run.name, found(run)));
                } else {
                    failed.fetch_add(1, Ordering::Relaxed);
                    let lines = told.lines().filter(|line| !line.starts_with("warning: "));
                    let lines: Vec<&str> = lines.collect();
                    say(&format!("{} failed:\n{}", run.name, lines.join("\n")));
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(work);
            }
        });
        match (interrupted(), failed.into_inner()) {
            (true, _) => Err(Failure::Interrupted),
            (false, 0) => Ok(()),
            (false, 1) => Err(Failure::Error(
                "1 run failed; the others are kept".to_owned(),
            )),
            (false, failed) => Err(Failure::Error(format!(
                "{failed} runs failed; the others are kept"
            ))),
        }
    }
}

/// Whether a run ended well, and what it said on stderr.
fn end_of(mut child: Child) -> (bool, String) {
    let stderr = child.stderr.take();
    thread::scope(|scope| {
        // Read while it runs, so that it never waits for its reader.
        let told = scope.spawn(|| {
            let mut bytes = Vec::new();
            let read = stderr.map(|mut stderr| stderr.read_to_end(&mut bytes));
            drop(read);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let mut since = None;
        let ended = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.success(),
                Ok(None) => {}
                Err(_) => break false,
            }
            if interrupted() {
                let since = since.get_or_insert_with(Instant::now);
                if since.elapsed() > PATIENCE {
                    // Its last checkpoint is whole.
                    let _ = child.kill();
                }
            }
            sleep(GLANCE);
        };
        (ended, told.join().unwrap_or_default())
    })
}

/// What a finished run found.
fn found(run: &Run) -> String {
    let result = Contents::read(&run.path).ok().and_then(|run| run.result);
    result.map_or_else(
        || "finished".to_owned(),
        |result| {
            format!(
                "test accuracy {:.4} in {:.1} s",
                result.test_accuracy, result.seconds
            )
        },
    )
}
