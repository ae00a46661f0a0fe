//! How a rank ends the run for all, with one message.

use std::process::exit;
use std::thread::sleep;
use std::time::Duration;
use std::{env, panic};

use mpi::topology::SimpleCommunicator;
use mpi::traits::Communicator as _;

use crate::failure::Failure;

/// What launchers tell a process of its number: Open MPI's mpirun, anything with `PMIx`, and MPICH's mpiexec or Slurm's srun.
const NUMBERS: [&str; 3] = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"];
/// Before a rank other than the first says why it ends the run, lower ranks have so long to say the same.
const PATIENCE: Duration = Duration::from_millis(250);

/// The number of this process, if it was started by something like mpirun: known before MPI is.
pub(super) fn number_from_launcher() -> Option<usize> {
    let numbers = NUMBERS.iter().filter_map(|name| env::var(name).ok());
    numbers.into_iter().find_map(|number| number.parse().ok())
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

/// A rank as people know it.
pub(super) fn name(rank: usize, host: &str) -> String {
    format!("rank {rank} on {host}")
}

/// Ends the run on all ranks, after a word by this one. An error that all ranks meet is told by the first of them.
pub(super) fn end(rank: usize, host: &str, failure: Failure, code: i32) -> ! {
    if rank > 0 {
        sleep(PATIENCE * (rank as u32 + 2));
    }
    let failure = match failure {
        // One that names a rank is not about this one.
        Failure::Error(message) if !message.starts_with("rank ") => {
            Failure::Error(format!("{}: {message}", name(rank, host)))
        }
        other => other,
    };
    failure.report();
    SimpleCommunicator::world().abort(code)
}

/// From now on a panic on any thread ends the run on all ranks: the others would wait for this one.
pub(super) fn watch_panics(rank: usize, host: &str) {
    let host = host.to_owned();
    panic::set_hook(Box::new(move |panic| {
        end(rank, &host, Failure::Error(panic.to_string()), 101)
    }));
}
