//! How a rank ends the run for all, with one message.

use std::process::{Command, exit};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, io, panic};

use mpi::topology::SimpleCommunicator;
use mpi::traits::Communicator as _;

use crate::failure::{Failure, say};
use crate::terminal::interrupts::interrupted;

/// What launchers tell a process of its number: Open MPI's mpirun, anything with `PMIx`, and MPICH's mpiexec or Slurm's srun.
const NUMBERS: [&str; 3] = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"];
/// What some of them tell it of how many processes there are.
const COUNTS: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];
/// Before a rank other than the first says why it ends the run, lower ranks have this long, once for each, to say the same.
const PATIENCE: Duration = Duration::from_millis(250);
/// How often it looks whether one of them has.
const GLANCE: Duration = Duration::from_millis(10);
/// The launcher has this long to read why a rank ends the run: less than the next rank waits for that one.
const READING: Duration = Duration::from_millis(500);

/// The number of this process, if it was started by something like mpirun: known before MPI is.
pub(super) fn number_from_launcher() -> Option<usize> {
    number_from(&NUMBERS)
}

fn number_from(names: &[&str]) -> Option<usize> {
    let numbers = names.iter().filter_map(|name| env::var(name).ok());
    numbers.into_iter().find_map(|number| number.parse().ok())
}

/// How many processes it started, if it tells.
pub(super) fn count_from_launcher() -> Option<usize> {
    number_from(&COUNTS)
}

/// An error if the MPI library of this program finds one process, where the launcher started more: then each would train by
/// itself. `number` and `started` are what the launcher told before MPI was initialised, by which Open MPI sets its own.
pub(super) fn check_launcher(
    number: usize,
    started: Option<usize>,
    count: usize,
) -> Result<(), Failure> {
    let started = started.unwrap_or(count);
    if count > 1 || started <= 1 {
        return Ok(());
    }
    // It is the same on all of them, and none hears of another one's end.
    if number > 0 {
        exit(1);
    }
    let library = mpi::environment::library_version().unwrap_or_default();
    let library = library.split([',', '\n']).next().unwrap_or_default();
    let library: Vec<&str> = library.split_whitespace().collect();
    Err(Failure::Error(format!(
        "mpirun started {started} processes, and the MPI library of this program, {}, finds one: they belong to different \
         MPIs. Start it by that library's mpirun, or build trainer for the other library: MPICC names its compiler, and \
         `cargo clean -p mpi-sys` has Cargo look at it again",
        library.join(" ")
    )))
}

/// Leaves it to rank 0 to say what is wrong with a command line, which is that of all ranks.
pub(crate) fn leave_to_first(code: i32) {
    if number_from_launcher().is_some_and(|number| number > 0) {
        if code != 0 {
            // Whoever leaves first with an error takes the others along.
            sleep(Duration::from_secs(2));
        }
        exit(code);
    }
}

/// An error where `mpirun` started several processes of a command that is to be one, which rank 0 tells.
pub(crate) fn expect_one_process(advice: &str) -> Result<(), Failure> {
    let started = count_from_launcher().unwrap_or(1);
    if started <= 1 {
        return Ok(());
    }
    leave_to_first(2);
    Err(Failure::Usage(format!(
        "mpirun started {started} processes, expected one; {advice}"
    )))
}

/// Warns, on rank 0, where `mpirun` started several processes of a command that each of them does alone, as a whole.
pub(crate) fn warn_of_copies() {
    let started = count_from_launcher().unwrap_or(1);
    if started > 1 && number_from_launcher() == Some(0) {
        say(&format!(
            "warning: mpirun started {started} processes, and each of them does the whole of this command: only \
             `trainer train` divides its work among them"
        ));
    }
}

/// Has a process that this one starts not take itself for one of the ranks.
pub(crate) fn start_alone(command: &mut Command) {
    for name in NUMBERS.iter().chain(&COUNTS) {
        command.env_remove(name);
    }
}

/// A rank as people know it.
pub(super) fn name(rank: usize, host: &str) -> String {
    format!("rank {rank} on {host}")
}

/// Ends the run on all ranks, after a word by this one. An error that all ranks meet is told by the first of them.
pub(super) fn end(rank: usize, host: &str, failure: Failure, code: i32) -> ! {
    let start = Instant::now();
    while rank > 0 && start.elapsed() < PATIENCE * (rank as u32 + 2) {
        // The launcher ends this process, since another one has ended the run.
        if interrupted() {
            exit(code);
        }
        sleep(GLANCE);
    }
    let failure = match failure {
        // One that names a rank is not about this one.
        Failure::Error(message) if !message.starts_with("rank ") => {
            Failure::Error(format!("{}: {message}", name(rank, host)))
        }
        other => other,
    };
    failure.report();
    wait_for_reader();
    SimpleCommunicator::world().abort(code)
}

/// Waits until the launcher has read what this process wrote on stderr. When a rank ends the run, MPICH's drops what it has not
/// read yet, and with it the reason.
fn wait_for_reader() {
    let start = Instant::now();
    while rustix::io::ioctl_fionread(io::stderr()) != Ok(0) && start.elapsed() < READING {
        sleep(GLANCE);
    }
}

/// From now on a panic on any thread ends the run on all ranks: the others would wait for this one.
pub(super) fn watch_panics(rank: usize, host: &str) {
    let host = host.to_owned();
    panic::set_hook(Box::new(move |panic| {
        end(rank, &host, Failure::Error(panic.to_string()), 101)
    }));
}

#[cfg(test)]
pub(super) mod tests {
    use std::process::{Command, Output, Stdio};
    use std::time::{Duration, Instant};

    use super::super::Ranks;
    use super::super::messages::Kind;

    /// Tells a test that it is one of the ranks that it started.
    const RANK: &str = "TRAINER_TEST_IS_A_RANK";

    pub(in crate::mpi) fn is_a_rank() -> bool {
        std::env::var_os(RANK).is_some()
    }

    /// Runs a test as so many ranks, by `mpirun` or what `MPIRUN` names.
    pub(in crate::mpi) fn under_mpirun(ranks: usize, test: &str) -> Output {
        let mpirun = std::env::var("MPIRUN").unwrap_or_else(|_| "mpirun".to_owned());
        let mut command = Command::new(mpirun);
        // Open MPI's option for more ranks than cores; MPICH needs none.
        if mpi::environment::library_version().is_ok_and(|name| name.starts_with("Open MPI")) {
            command.arg("--oversubscribe");
        }
        let root = ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"];
        for name in root.into_iter().chain([RANK]) {
            command.env(name, "1");
        }
        command.args(["-n", &ranks.to_string()]);
        command.arg(std::env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", test]);
        command.stdin(Stdio::null());
        command.output().expect("mpirun starts: is MPI installed?")
    }

    /// Rank 1 panics on a thread of the pool, while the others wait for it.
    #[test]
    fn a_panic_on_any_thread_ends_all_ranks_with_one_message() {
        if is_a_rank() {
            let ranks = Ranks::join(Duration::from_secs(600));
            let ranks = ranks.ok().flatten().expect("mpirun started this process");
            match ranks.messages.rank() {
                1 => rayon::scope(|scope| scope.spawn(|_| panic!("a hole in rank 1"))),
                _ => ranks.messages.receive(Kind::Word, 1, &mut [0_u8]),
            }
            return;
        }
        let clock = Instant::now();
        let test = "mpi::faults::tests::a_panic_on_any_thread_ends_all_ranks_with_one_message";
        let output = under_mpirun(3, test);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(101), "{text}");
        let errors = text.lines().filter(|line| line.contains("error: "));
        let errors: Vec<&str> = errors.collect();
        assert_eq!(errors.len(), 1, "{text}");
        assert!(errors[0].starts_with("error: rank 1 on "), "{text}");
        assert!(text.contains("a hole in rank 1"), "{text}");
        assert!(clock.elapsed() < Duration::from_secs(30), "{text}");
    }
}
