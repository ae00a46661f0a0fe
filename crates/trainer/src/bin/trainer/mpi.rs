//! Several processes, started by `mpirun`, that train one network together. Each is a *rank*.

pub(crate) mod agreement;
mod exchange;
mod faults;
mod hosts;
mod messages;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mpi::Threading;
use mpi::environment::Universe;
use mpi::traits::Communicator as _;
use trainer::run::records::Epoch;
use trainer::session::{Observer, Progress};

use crate::failure::Failure;
use crate::terminal::interrupts::{interrupted, watch_termination};
use exchange::Chain;
pub(crate) use faults::{expect_one_process, leave_to_first, start_alone, warn_of_copies};
use hosts::Place;
use messages::{Messages, ROOM};

/// This process as one of the ranks that `mpirun` started.
pub(crate) struct Ranks {
    messages: Messages,
    places: Vec<Place>,
    /// Whether this rank wishes to stop, and whether all know that one does.
    wish: Arc<AtomicBool>,
    agreed: Arc<AtomicBool>,
    /// Dropped last: it ends MPI.
    universe: Universe,
}

impl Ranks {
    /// Joins the other ranks, if `mpirun` or something like it started this process. A rank that says nothing for longer than
    /// `silence` ends the run.
    pub(crate) fn join(silence: Duration) -> Result<Option<Self>, Failure> {
        let Some(number) = faults::number_from_launcher() else {
            return Ok(None);
        };
        let started = faults::count_from_launcher();
        let failed = |why: &str| Failure::Error(format!("cannot use MPI: {why}"));
        // One thread at a time: the one that takes a training step.
        let (mut universe, threading) = mpi::initialize_with_threading(Threading::Serialized)
            .ok_or_else(|| failed("it was started before"))?;
        if threading < Threading::Serialized {
            return Err(failed(
                "this MPI library does not let another thread than the first one send messages \
                 (MPI_THREAD_SERIALIZED); use one that was built with threads",
            ));
        }
        watch_termination().map_err(|error| failed(&format!("no signals: {error}")))?;
        universe.set_buffer_size(ROOM);
        let world = universe.world();
        let (rank, count) = (world.rank() as usize, world.size() as usize);
        faults::check_launcher(number, started, count)?;
        let own = Place::here();
        faults::watch_panics(rank, &own.host);
        let mut messages = Messages::new(rank, count, own.host.clone(), silence);
        let places = messages.texts(&own.to_text());
        let places: Vec<Place> = places.iter().map(|text| Place::of_text(text)).collect();
        messages.know(places.iter().map(|place| place.host.clone()).collect());
        Ok(Some(Self {
            messages,
            places,
            wish: Arc::default(),
            agreed: Arc::default(),
            universe,
        }))
    }

    /// Whether there are others.
    pub(crate) fn are_several(&self) -> bool {
        self.count() > 1
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    /// Whether this is rank 0, which keeps the run's folder and says what there is to say.
    pub(crate) fn is_first(&self) -> bool {
        self.messages.rank() == 0
    }

    /// This rank's end of the exchange of gradients of so many parameters.
    pub(crate) fn exchange(&mut self, parameters: usize) -> Result<Box<Chain>, Failure> {
        let buffer = ROOM.saturating_add(Chain::buffer(parameters));
        // MPI counts in 31 bits.
        if i32::try_from(buffer).is_err() {
            return Err(Failure::Error(format!(
                "the network has {parameters} parameters, and several ranks can exchange the gradients of 170 million; train \
                 it by one process"
            )));
        }
        self.universe.set_buffer_size(buffer);
        let (wish, agreed) = (Arc::clone(&self.wish), Arc::clone(&self.agreed));
        Ok(Box::new(Chain::new(self.messages.clone(), wish, agreed)))
    }

    /// What hears of a session on this rank and asks it to stop, when all do.
    pub(crate) fn observer<'a>(&'a self, inner: &'a mut dyn Observer) -> impl Observer + 'a {
        Together { ranks: self, inner }
    }

    /// Gives every rank the bytes of rank 0, which alone has some.
    pub(crate) fn broadcast(&self, bytes: Option<Vec<u8>>) -> Vec<u8> {
        self.messages.broadcast(bytes)
    }

    /// Ends what the ranks did together: in good order where all came to the same end, and at once where this one met an
    /// error that others may not know of.
    pub(crate) fn end(self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        let code = match &outcome {
            Err(Failure::Usage(_)) => 2,
            Err(Failure::Error(_)) => 1,
            Ok(()) | Err(Failure::Interrupted | Failure::ClosedOutput) => {
                // Nobody leaves before rank 0 has written everything: mpirun may end it when one leaves.
                self.broadcast(self.is_first().then(Vec::new));
                return outcome;
            }
        };
        let failure = match outcome {
            Err(failure) => failure,
            Ok(()) => return Ok(()),
        };
        self.messages.fail(failure, code)
    }
}

/// Stops a session on all ranks at the same step.
struct Together<'a> {
    ranks: &'a Ranks,
    inner: &'a mut dyn Observer,
}

impl Observer for Together<'_> {
    fn step(&mut self, progress: &Progress) {
        self.inner.step(progress);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.inner.epoch(epoch);
    }

    fn warn(&mut self, message: &str) {
        self.inner.warn(message);
    }

    fn wants_stop(&mut self) -> bool {
        // What every rank wishes goes with the messages of the next step, so that all know it after that.
        if self.inner.wants_stop() || interrupted() {
            self.ranks.wish.store(true, Ordering::Relaxed);
        }
        self.ranks.agreed.load(Ordering::Relaxed)
    }
}
