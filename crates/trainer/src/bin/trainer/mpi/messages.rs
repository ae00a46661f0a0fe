//! Messages between ranks that nobody waits for without end.

use std::ops::Range;
use std::sync::Arc;
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use mpi::datatype::Equivalence;
use mpi::request::{Request, Scope, scope};
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;
use mpi::{Rank, Tag};

use super::faults;
use crate::failure::Failure;

/// What a message is of. Those of one kind from one rank to another come in the order in which they were sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// What all ranks tell each other, or rank 0 the others.
    Word,
    /// A part of a sum on its way along the ranks.
    Along,
    /// A part of a sum that comes back from the last rank.
    Back,
    /// That the sender waits for another rank in vain, and so is not the one that hangs.
    Here,
}

impl Kind {
    fn tag(self) -> Tag {
        self as Tag
    }
}

/// Bytes of MPI's buffer for messages of [`Kind::Here`].
pub(super) const ROOM: usize = 1 << 16;
/// Once a rank has waited in vain, the others have this long to find the same.
const GRACE: Duration = Duration::from_secs(2);
/// How often it looks whether they have.
const GLANCE: Duration = Duration::from_millis(10);
/// Looks whether a message has come, before other processes may have the core.
const SPINS: u32 = 64;

/// Sends and receives; ends the run where another rank is silent for too long.
#[derive(Clone, Debug)]
pub(super) struct Messages {
    rank: usize,
    count: usize,
    /// The host of each rank; at first of this one alone.
    hosts: Arc<[String]>,
    silence: Duration,
}

impl Messages {
    pub(super) fn new(rank: usize, count: usize, host: String, silence: Duration) -> Self {
        let hosts = (0..count).map(|other| match other == rank {
            true => host.clone(),
            false => "an unknown host".to_owned(),
        });
        Self {
            rank,
            count,
            hosts: hosts.collect(),
            silence,
        }
    }

    /// Where the other ranks are.
    pub(super) fn know(&mut self, hosts: Arc<[String]>) {
        self.hosts = hosts;
    }

    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether the ranks before and after this one are on other hosts.
    pub(super) fn has_neighbours_elsewhere(&self) -> bool {
        let near = self.rank.saturating_sub(1)..self.count.min(self.rank + 2);
        let mut others = near.filter(|&other| other != self.rank);
        others.all(|other| self.hosts[other] != self.hosts[self.rank])
    }

    /// A rank as people know it.
    pub(super) fn name(&self, rank: usize) -> String {
        faults::name(rank, &self.hosts[rank])
    }

    /// Ends the run on all ranks by a failure of this one.
    pub(super) fn fail(&self, failure: Failure, code: i32) -> ! {
        faults::end(self.rank, &self.hosts[self.rank], failure, code)
    }

    /// Waits until a message has left this rank or come from another one.
    pub(super) fn wait<'a, D: ?Sized, S: Scope<'a>>(
        &self,
        request: Request<'a, D, S>,
        peer: usize,
    ) {
        let mut request = request;
        let mut start = None;
        for spins in 1_u32.. {
            match request.test() {
                Ok(_) => return,
                Err(unfinished) => request = unfinished,
            }
            if spins.is_multiple_of(SPINS) {
                yield_now();
                let start = start.get_or_insert_with(Instant::now);
                if start.elapsed() > self.silence {
                    break;
                }
            }
        }
        let silent = Failure::Error(format!(
            "{} said nothing for {} s: it hangs, or the network between the two does not work; the last \
             checkpoint is whole, and --rank-timeout says how long to wait",
            self.name(self.silent(peer)),
            self.silence.as_secs_f64()
        ));
        self.fail(silent, 1)
    }

    /// The rank that hangs, where this one waited for `peer` in vain: that one may itself be waiting for another, as along a sum.
    fn silent(&self, peer: usize) -> usize {
        let others = (0..self.count).filter(|&other| other != self.rank);
        let mut silent: Vec<usize> = others.collect();
        for &other in &silent {
            self.leave(Kind::Here, other, &[]);
        }
        let start = Instant::now();
        while start.elapsed() < GRACE {
            silent.retain(|&other| !self.has_come(Kind::Here, other));
            sleep(GLANCE);
        }
        match silent.contains(&peer) {
            true => peer,
            false => silent.first().copied().unwrap_or(peer),
        }
    }

    /// Whether a message has come.
    pub(super) fn has_come(&self, kind: Kind, from: usize) -> bool {
        let world = SimpleCommunicator::world();
        let process = world.process_at_rank(from as Rank);
        process.immediate_probe_with_tag(kind.tag()).is_some()
    }

    /// Receives a message of this very length.
    pub(super) fn receive<T: Equivalence>(&self, kind: Kind, from: usize, values: &mut [T])
    where
        [T]: BufferMut,
    {
        let world = SimpleCommunicator::world();
        scope(|scope| {
            let process = world.process_at_rank(from as Rank);
            let request = process.immediate_receive_into_with_tag(scope, values, kind.tag());
            self.wait(request, from);
        });
    }

    /// Begins to send a message to a rank, which is to be waited for.
    pub(super) fn begin<'a, T: Equivalence, S: Scope<'a>>(
        &self,
        scope: S,
        kind: Kind,
        to: usize,
        values: &'a [T],
    ) -> (usize, Request<'a, [T], S>)
    where
        [T]: Buffer,
    {
        let world = SimpleCommunicator::world();
        let process = world.process_at_rank(to as Rank);
        let request = process.immediate_send_with_tag(scope, values, kind.tag());
        (to, request)
    }

    /// Sends a message.
    fn send<T: Equivalence>(&self, to: usize, values: &[T])
    where
        [T]: Buffer,
    {
        scope(|scope| {
            let (to, request) = self.begin(scope, Kind::Word, to, values);
            self.wait(request, to);
        });
    }

    /// Leaves a message to MPI, which copies it into its buffer, and waits for nobody. MPI may send a long one only while this
    /// rank waits for something else.
    pub(super) fn leave(&self, kind: Kind, to: usize, values: &[f32]) {
        let world = SimpleCommunicator::world();
        let process = world.process_at_rank(to as Rank);
        process.buffered_send_with_tag(values, kind.tag());
    }

    /// Gives every rank the values of all: those of this rank are `own`, and a rank's are to come to `part` of it in `all`;
    /// the parts follow each other.
    pub(super) fn gather<T: Equivalence + Copy>(
        &self,
        own: &[T],
        all: &mut [T],
        part: impl Fn(usize) -> Range<usize>,
    ) where
        [T]: Buffer + BufferMut,
    {
        all[part(self.rank)].copy_from_slice(own);
        let tag = Kind::Word.tag();
        let world = SimpleCommunicator::world();
        scope(|scope| {
            let mut requests = Vec::with_capacity(self.count);
            let mut rest = all;
            for other in 0..self.count {
                let (values, after) = rest.split_at_mut(part(other).len());
                rest = after;
                if other != self.rank && !values.is_empty() {
                    let process = world.process_at_rank(other as Rank);
                    let request = process.immediate_receive_into_with_tag(scope, values, tag);
                    requests.push((other, request));
                }
            }
            let mut sent = Vec::with_capacity(self.count);
            // The next rank first, so that not all send to the same one.
            for other in (self.rank + 1..self.count).chain(0..self.rank) {
                if !own.is_empty() {
                    sent.push(self.begin(scope, Kind::Word, other, own));
                }
            }
            for (other, request) in requests {
                self.wait(request, other);
            }
            for (other, request) in sent {
                self.wait(request, other);
            }
        });
    }

    /// The texts of all ranks.
    pub(super) fn texts(&self, own: &str) -> Vec<String> {
        let mut lens = vec![0_u64; self.count];
        self.gather(&[own.len() as u64], &mut lens, |rank| rank..rank + 1);
        let start = |rank: usize| lens[..rank].iter().sum::<u64>() as usize;
        let part = |rank: usize| start(rank)..start(rank + 1);
        let mut all = vec![0_u8; start(self.count)];
        self.gather(own.as_bytes(), &mut all, part);
        let texts =
            (0..self.count).map(|rank| String::from_utf8_lossy(&all[part(rank)]).into_owned());
        texts.collect()
    }

    /// Gives every rank the bytes of rank 0, which alone has some.
    pub(super) fn broadcast(&self, bytes: Option<Vec<u8>>) -> Vec<u8> {
        let mut bytes = bytes.unwrap_or_default();
        let mut len = [bytes.len() as u64];
        if self.rank > 0 {
            self.receive(Kind::Word, 0, &mut len);
            bytes = vec![0; len[0] as usize];
        }
        // MPI counts in 31 bits.
        let part = 1 << 30;
        match self.rank {
            0 => {
                for other in 1..self.count {
                    self.send(other, &len);
                    for part in bytes.chunks(part) {
                        self.send(other, part);
                    }
                }
            }
            _ => {
                for part in bytes.chunks_mut(part) {
                    self.receive(Kind::Word, 0, part);
                }
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_the_ranks_before_and_after() {
        let hosts = ["a", "a", "b", "c", "a"].map(str::to_owned);
        let elsewhere = (0..hosts.len()).map(|rank| {
            let silence = Duration::from_secs(1);
            let mut messages = Messages::new(rank, hosts.len(), hosts[rank].clone(), silence);
            messages.know(hosts.to_vec().into());
            messages.has_neighbours_elsewhere()
        });
        let elsewhere: Vec<bool> = elsewhere.collect();
        assert_eq!(elsewhere, [false, false, true, true, true]);
    }
}
