//! The exchange of what the ranks computed in a training step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use conv_core::Error;
use conv_core::network::{Exchange, share};
use mpi::Rank;
use mpi::request::scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

use super::messages::Messages;

/// Values of a message of a sum: so many that its latency counts little, and so few that the ranks after this one have work
/// soon. docs/SCALING.md has the times.
const PART: usize = 1 << 14;

/// Sums go along the ranks and back; records from each rank to all.
#[derive(Debug)]
pub(crate) struct Chain {
    messages: Messages,
    /// Whether this rank wishes to stop, and whether all know that one does: it goes with every record.
    wish: Arc<AtomicBool>,
    agreed: Arc<AtomicBool>,
    own: Vec<f64>,
    all: Vec<f64>,
}

impl Chain {
    pub(super) fn new(messages: Messages, wish: Arc<AtomicBool>, agreed: Arc<AtomicBool>) -> Self {
        Self {
            messages,
            wish,
            agreed,
            own: Vec::new(),
            all: Vec::new(),
        }
    }
}

impl Exchange for Chain {
    fn rank(&self) -> usize {
        self.messages.rank()
    }

    fn ranks(&self) -> usize {
        self.messages.count()
    }

    fn gather(&mut self, values: &mut [f64], len: usize) -> Result<(), Error> {
        let (rank, ranks, shards) = (self.rank(), self.ranks(), values.len() / len);
        let records = |rank| {
            let part = share(shards, rank, ranks);
            part.start * len..part.end * len
        };
        // Each message begins with the wish.
        let message = |rank: usize| {
            let records = records(rank);
            records.start + rank..records.end + rank + 1
        };
        let wish = self.wish.load(Ordering::Relaxed);
        self.own.clear();
        self.own.push(f64::from(u8::from(wish)));
        self.own.extend_from_slice(&values[records(rank)]);
        self.all.resize(values.len() + ranks, 0.0);
        self.messages.gather(&self.own, &mut self.all, message);
        for other in 0..ranks {
            let message = &self.all[message(other)];
            values[records(other)].copy_from_slice(&message[1..]);
            if message[0] != 0.0 {
                self.agreed.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn sum(
        &mut self,
        values: &mut [f32],
        add: &mut dyn FnMut(usize, &mut [f32]),
    ) -> Result<(), Error> {
        let (messages, rank, last) = (&self.messages, self.rank(), self.ranks() - 1);
        let world = SimpleCommunicator::world();
        // Along the ranks: the last one has the sum, and sends it back.
        scope(|scope| {
            let mut sent = Vec::new();
            for (number, part) in values.chunks_mut(PART).enumerate() {
                if rank > 0 {
                    messages.receive(rank - 1, part);
                }
                add(number * PART, part);
                let to = if rank < last {
                    rank + 1
                } else {
                    rank.saturating_sub(1)
                };
                if to != rank {
                    let process = world.process_at_rank(to as Rank);
                    sent.push((to, process.immediate_send(scope, &*part)));
                }
            }
            for (to, request) in sent {
                messages.wait(request, to);
            }
        });
        if rank == last {
            return Ok(());
        }
        scope(|scope| {
            let mut sent = Vec::new();
            for part in values.chunks_mut(PART) {
                messages.receive(rank + 1, part);
                if rank > 0 {
                    let process = world.process_at_rank(rank as Rank - 1);
                    sent.push((rank - 1, process.immediate_send(scope, &*part)));
                }
            }
            for (to, request) in sent {
                messages.wait(request, to);
            }
        });
        Ok(())
    }
}
