//! Several processes under `mpirun` that train one network: the bits of one process, and no end that nobody hears of.
//! They need Open MPI, which `.ci/mpi` installs, or MPICH: they run with the one that the program was built for, by `mpirun`
//! or what the environment variable `MPIRUN` names.
#![forbid(unsafe_code)]

mod faults;
mod kill;
mod same_bits;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::trainer;

/// After this long a run counts as hanging. Eight ranks of two threads, on two cores that are busy otherwise, took minutes for
/// the 1,200 steps of `stacked`.
const LIMIT: Duration = Duration::from_secs(600);

/// `mpirun` with so many ranks, which run `trainer` with these arguments.
fn mpirun(ranks: usize, arguments: &[&str]) -> Command {
    let mut command = launcher();
    command.args(program(ranks)).args(arguments);
    command
}

/// `mpirun` as it runs in a container, by root, on fewer cores than ranks.
fn launcher() -> Command {
    let mpirun = std::env::var("MPIRUN").unwrap_or_else(|_| "mpirun".to_owned());
    let mut command = Command::new(mpirun);
    if is_open_mpi() {
        command.arg("--oversubscribe");
        for name in ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] {
            command.env(name, "1");
        }
        // Without a lock in shared memory, for which PMIx would wait for ever if a rank is killed that holds it.
        command.env("PMIX_MCA_gds", "hash");
    }
    command.env_remove("CONV_CORE_SIMD");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Whether the program was built for Open MPI, and not for MPICH.
fn is_open_mpi() -> bool {
    let name = mpi::environment::library_version().unwrap();
    let is_open_mpi = name.starts_with("Open MPI");
    assert!(is_open_mpi || name.starts_with("MPICH"), "{name}");
    is_open_mpi
}

/// Its arguments for so many ranks of `trainer`.
fn program(ranks: usize) -> Vec<String> {
    let program = trainer().get_program().to_string_lossy().into_owned();
    vec!["-n".to_owned(), ranks.to_string(), program]
}

/// Starts a command.
fn begin(command: &mut Command) -> Child {
    command.spawn().expect("mpirun starts: is MPI installed?")
}

/// What a process wrote until its end, which it must come to in time.
fn ends(mut child: Child, limit: Duration) -> Output {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > limit {
            for rank in ranks_of(&child) {
                signal("-KILL", rank);
            }
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!("it did not end within {limit:?}: {output:?}");
        }
        sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

/// The ranks that an `mpirun` started, itself or by a process of its own.
fn ranks_of(mpirun: &Child) -> Vec<u32> {
    let program = trainer().get_program().to_owned();
    let children_of = |child| [vec![child], children(child)].concat();
    let all = children(mpirun.id()).into_iter().flat_map(children_of);
    let is_rank = |process: &u32| {
        let running = fs::read_link(format!("/proc/{process}/exe"));
        running.is_ok_and(|running| running.as_os_str() == program)
    };
    all.filter(is_rank).collect()
}

/// The processes that another one started.
fn children(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"));
    let children = tasks.into_iter().flatten().flatten().map(|task| {
        let children = fs::read_to_string(task.path().join("children"));
        children.unwrap_or_default()
    });
    let children: Vec<String> = children.collect();
    let all = children.iter().flat_map(|some| some.split_whitespace());
    all.map(|process| process.parse().unwrap()).collect()
}

/// Sends a signal to a process, if it is still there.
fn signal(name: &str, process: u32) {
    let mut kill = Command::new("kill");
    kill.args([name, &process.to_string()])
        .stderr(Stdio::null());
    let _ = kill.status().unwrap();
}

/// Waits until a run has a checkpoint.
fn wait_for_checkpoint(run: &Path, child: &mut Child) {
    let latest = run.join("checkpoints/latest.safetensors");
    let start = Instant::now();
    while !latest.exists() {
        assert!(start.elapsed() < LIMIT, "no checkpoint");
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        sleep(Duration::from_millis(5));
    }
}
