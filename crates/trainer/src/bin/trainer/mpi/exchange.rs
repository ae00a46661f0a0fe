//! The exchange of what the ranks computed in a training step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use conv_core::Error;
use conv_core::network::{Exchange, share};
use mpi::request::scope;

use super::messages::{Kind, Messages};

/// Values of a message of a sum, 32 KiB: so many that its latency counts little, and so few that the ranks after this one
/// have work soon, and that Open MPI sends it over TCP at once, without asking the receiver before. docs/SCALING.md has the
/// times.
const PART: usize = 1 << 13;

/// Bytes that MPI takes for a message beside its values, at most: the libraries ask for less than 100
/// (`MPI_BSEND_OVERHEAD`), and divide their buffer in their own ways.
const MESSAGE: usize = 1 << 10;

/// Sums go along the ranks and back; records from each rank to all.
#[derive(Debug)]
pub(crate) struct Chain {
    messages: Messages,
    /// Whether this rank wishes to stop, and whether all know that one does: it goes with every record.
    wish: Arc<AtomicBool>,
    agreed: Arc<AtomicBool>,
    own: Vec<f64>,
    all: Vec<f64>,
    /// Whether a sum goes on before it is waited for. It does not between ranks of one host: there the exchange is work of the
    /// cores that compute, and MPI asks the receiver before it sends a part.
    early: bool,
    /// The sum of all ranks, as it comes back.
    total: Vec<f32>,
    /// Parts of the sum under way that this rank has added to and sent on, and that came back to it. The last values are the
    /// first part, as their gradients are there first.
    along: usize,
    back: usize,
}

impl Chain {
    pub(super) fn new(messages: Messages, wish: Arc<AtomicBool>, agreed: Arc<AtomicBool>) -> Self {
        Self {
            early: messages.has_neighbours_elsewhere(),
            messages,
            wish,
            agreed,
            own: Vec::new(),
            all: Vec::new(),
            total: Vec::new(),
            along: 0,
            back: 0,
        }
    }

    /// Bytes for the messages of a sum that MPI copies: this rank may leave all parts in both directions to it before the other
    /// ranks take them, and MPI may keep some that were taken a little longer.
    pub(super) fn buffer(values: usize) -> usize {
        let message = PART * size_of::<f32>() + MESSAGE;
        3 * values.div_ceil(PART) * message
    }

    /// Goes on with a sum as far as this rank's values are there and parts have come, and waits for nobody: MPI copies what is
    /// sent.
    fn go_on(&mut self, values: &mut [f32], ready: usize, add: &mut dyn FnMut(usize, &mut [f32])) {
        let (messages, rank, last) = (&self.messages, self.rank(), self.ranks() - 1);
        let mut end = values.len() - self.along * PART;
        for part in values.rchunks_mut(PART).skip(self.along) {
            let first = end - part.len();
            if first < ready || rank > 0 && !messages.has_come(Kind::Along, rank - 1) {
                break;
            }
            if rank > 0 {
                messages.receive(Kind::Along, rank - 1, part);
            }
            add(first, part);
            if rank < last {
                messages.leave(Kind::Along, rank + 1, part);
            } else if rank > 0 {
                messages.leave(Kind::Back, rank - 1, part);
            }
            end = first;
            self.along += 1;
        }
        let under_way = if rank < last { self.along } else { 0 };
        let total = self.total.rchunks_mut(PART).take(under_way);
        for part in total.skip(self.back) {
            if !messages.has_come(Kind::Back, rank + 1) {
                break;
            }
            messages.receive(Kind::Back, rank + 1, part);
            if rank > 0 {
                messages.leave(Kind::Back, rank - 1, part);
            }
            self.back += 1;
        }
    }

    /// Does the rest of a sum, and waits for the other ranks.
    fn finish(&mut self, values: &mut [f32], add: &mut dyn FnMut(usize, &mut [f32])) {
        let (messages, rank, last) = (&self.messages, self.rank(), self.ranks() - 1);
        let mut end = values.len() - self.along * PART;
        let mut total = self.total.rchunks_mut(PART).skip(self.back);
        scope(|scope| {
            let mut sent = Vec::new();
            // A part of the sum of all ranks comes back, and goes on to those before.
            let mut comes_back = |sent: &mut Vec<_>| {
                let Some(part) = total.next() else {
                    return false;
                };
                messages.receive(Kind::Back, rank + 1, part);
                if rank > 0 {
                    sent.push(messages.begin(scope, Kind::Back, rank - 1, &*part));
                }
                true
            };
            for part in values.rchunks_mut(PART).skip(self.along) {
                if rank > 0 {
                    messages.receive(Kind::Along, rank - 1, part);
                }
                end -= part.len();
                add(end, part);
                let part = &*part;
                if rank < last {
                    sent.push(messages.begin(scope, Kind::Along, rank + 1, part));
                    // What has come back meanwhile need not wait for the other parts.
                    while messages.has_come(Kind::Back, rank + 1) && comes_back(&mut sent) {}
                } else if rank > 0 {
                    sent.push(messages.begin(scope, Kind::Back, rank - 1, part));
                }
            }
            while rank < last && comes_back(&mut sent) {}
            for (to, request) in sent {
                messages.wait(request, to);
            }
        });
        if rank < last {
            values.copy_from_slice(&self.total);
        }
        (self.along, self.back) = (0, 0);
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
        ready: usize,
        add: &mut dyn FnMut(usize, &mut [f32]),
    ) -> Result<(), Error> {
        self.total.resize(values.len(), 0.0);
        match ready {
            0 => self.finish(values, add),
            _ if self.early => self.go_on(values, ready, add),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::mpi::Ranks;
    use crate::mpi::faults::tests::{is_a_rank, under_mpirun};

    /// Values of a sum: of several messages, the last one short. `best` has 298,410 parameters.
    const VALUES: usize = 298_410;
    /// Shards, and values of the record of one: those of a batch normalisation of 128 channels.
    const SHARDS: usize = 15;
    const RECORD: usize = 257;

    /// The values of a shard, of different sizes, so that another order of additions gives other bits.
    fn shard(shard: usize) -> impl Iterator<Item = f32> {
        (0..VALUES).map(move |at| {
            let mixed = (at as u32 ^ (shard as u32) << 24).wrapping_mul(2_654_435_761);
            (mixed as f32 - 2_147_483_648.0) * [1e-6, 1.0, 1e3][(at + shard) % 3]
        })
    }

    fn record(shard: usize) -> Vec<f64> {
        (0..RECORD).map(|at| (shard * RECORD + at) as f64).collect()
    }

    /// As one of some ranks: sums and records are those of one process. Rank 0 tells the shortest of some times.
    fn exchanges() {
        let ranks = Ranks::join(Duration::from_secs(100)).ok().flatten();
        let mut ranks = ranks.expect("mpirun started this process");
        let mut chain = ranks.exchange(VALUES).expect("it has room");
        let own = share(SHARDS, chain.rank(), chain.ranks());
        let gradients: Vec<Vec<f32>> = own.clone().map(|at| shard(at).collect()).collect();
        let mut expected = vec![0.0_f32; VALUES];
        for at in 0..SHARDS {
            for (sum, x) in expected.iter_mut().zip(shard(at)) {
                *sum += x;
            }
        }
        let mut sum = vec![0.0; VALUES];
        let mut records = vec![f64::NAN; SHARDS * RECORD];
        let (mut summed, mut gathered) = (Duration::MAX, Duration::MAX);
        for round in 0..40 {
            sum.fill(0.0);
            for at in own.clone() {
                records[at * RECORD..][..RECORD].copy_from_slice(&record(at));
            }
            chain.gather(&mut records, RECORD).unwrap();
            let clock = Instant::now();
            chain.gather(&mut records, RECORD).unwrap();
            gathered = gathered.min(clock.elapsed());
            let clock = Instant::now();
            let add = &mut |first: usize, part: &mut [f32]| {
                for gradient in &gradients {
                    for (sum, x) in part.iter_mut().zip(&gradient[first..]) {
                        *sum += x;
                    }
                }
            };
            // As in a step: in every other one what is there goes on before the last values are, here on one host too.
            chain.early = round % 2 == 1;
            let calls: &[usize] = [&[0][..], &[280_000, 279_999, 100_000, 0]][round % 2];
            for &ready in calls {
                chain.sum(&mut sum, ready, add).unwrap();
            }
            if round % 2 == 0 {
                summed = summed.min(clock.elapsed());
            }
            assert!(sum == expected, "the sum has other bits");
        }
        let expected: Vec<f64> = (0..SHARDS).flat_map(record).collect();
        assert_eq!(records, expected);
        assert!(!chain.agreed.load(Ordering::Relaxed));
        chain.wish.store(chain.rank() == 0, Ordering::Relaxed);
        chain.gather(&mut records, RECORD).unwrap();
        assert!(
            chain.agreed.load(Ordering::Relaxed),
            "all know of rank 0's wish"
        );
        if ranks.is_first() {
            println!(
                "{} ranks: a sum {:.2} ms, records {:.3} ms",
                ranks.count(),
                1e3 * summed.as_secs_f64(),
                1e3 * gathered.as_secs_f64()
            );
        }
        assert!(ranks.end(Ok(())).is_ok());
    }

    /// `TRAINER_TEST_IS_A_RANK=1 mpirun -n N` with this test measures; docs/SCALING.md has the command.
    #[test]
    fn sums_and_records_of_any_number_of_ranks_are_those_of_one_process() {
        if is_a_rank() {
            return exchanges();
        }
        let test = "mpi::exchange::tests::sums_and_records_of_any_number_of_ranks_are_those_of_one_process";
        for ranks in [2, 3, 4] {
            let output = under_mpirun(ranks, test);
            let text = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{text}{errors}");
            assert!(text.contains(&format!("{ranks} ranks: a sum ")), "{text}");
        }
    }
}
