//! Several ranks, here threads, that train one network together: the same bits as one process.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use conv_core::Error;
use conv_core::network::{Exchange, Loss, Network, Report, Targets, Workspace, share};
use conv_core::ops::batch_norm::Statistics;
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Layers, Spec};
use ndarray::{Array4, s};

use crate::{images, pooled, specs, stacked};

/// Values of a part of a sum: few, so that even small networks have several.
const PART: usize = 100;

/// What messages are of: records, and parts of a sum on their way along the ranks and back.
const RECORDS: usize = 0;
const ALONG: usize = 1;
const BACK: usize = 2;

/// A rank whose messages go through channels, of each kind one from every rank to every rank.
#[derive(Debug)]
struct Channels {
    rank: usize,
    to: Vec<[Sender<Vec<f64>>; 3]>,
    from: Vec<[Mutex<Receiver<Vec<f64>>>; 3]>,
    /// Parts of the sum that went along and came back.
    along: usize,
    back: usize,
}

impl Channels {
    /// All ranks of so many.
    fn all(ranks: usize) -> Vec<Self> {
        let mut receivers: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
        let mut all = Vec::new();
        for rank in 0..ranks {
            let mut to = Vec::new();
            for receivers in &mut receivers {
                let [records, along, back] = std::array::from_fn(|_| channel());
                to.push([records.0, along.0, back.0]);
                receivers.push([records.1, along.1, back.1].map(Mutex::new));
            }
            all.push((rank, to));
        }
        let all = all.into_iter().zip(receivers);
        all.map(|((rank, to), from)| Self {
            rank,
            to,
            from,
            along: 0,
            back: 0,
        })
        .collect()
    }

    fn send(&self, to: usize, kind: usize, values: Vec<f64>) -> Result<(), Error> {
        self.to[to][kind].send(values).map_err(|_| gone(to))
    }

    fn receive(&self, from: usize, kind: usize) -> Result<Vec<f64>, Error> {
        let receiver = self.from[from][kind].lock().unwrap();
        receiver.recv().map_err(|_| gone(from))
    }

    /// A part that came, if there is one or `wait` says that it is to be waited for.
    fn part(&self, from: usize, kind: usize, wait: bool) -> Result<Option<Vec<f32>>, Error> {
        let receiver = self.from[from][kind].lock().unwrap();
        let values = match wait {
            true => Some(receiver.recv().map_err(|_| gone(from))?),
            false => receiver.try_recv().ok(),
        };
        Ok(values.map(|values| values.into_iter().map(|x| x as f32).collect()))
    }
}

fn gone(rank: usize) -> Error {
    Error::Exchange {
        problem: format!("rank {rank} is gone"),
    }
}

impl Exchange for Channels {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.to.len()
    }

    fn gather(&mut self, values: &mut [f64], len: usize) -> Result<(), Error> {
        let (ranks, shards) = (self.ranks(), values.len() / len);
        let part = |rank| {
            let part = share(shards, rank, ranks);
            part.start * len..part.end * len
        };
        for to in (0..ranks).filter(|&to| to != self.rank) {
            self.send(to, RECORDS, values[part(self.rank)].to_vec())?;
        }
        for from in (0..ranks).filter(|&from| from != self.rank) {
            values[part(from)].copy_from_slice(&self.receive(from, RECORDS)?);
        }
        Ok(())
    }

    fn sum(
        &mut self,
        values: &mut [f32],
        ready: usize,
        add: &mut dyn FnMut(usize, &mut [f32]),
    ) -> Result<(), Error> {
        let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect();
        let (rank, last, wait) = (self.rank, self.ranks() - 1, ready == 0);
        // From the last values on.
        let (len, parts) = (values.len(), values.len().div_ceil(PART));
        let range = |part: usize| {
            let end = len - part * PART;
            end.saturating_sub(PART)..end
        };
        let (mut along, mut back) = (self.along, self.back);
        while along < parts && range(along).start >= ready {
            let part = range(along);
            if rank > 0 {
                let Some(sum) = self.part(rank - 1, ALONG, wait)? else {
                    break;
                };
                values[part.clone()].copy_from_slice(&sum);
            }
            add(part.start, &mut values[part.clone()]);
            match rank < last {
                true => self.send(rank + 1, ALONG, wide(&values[part]))?,
                false if rank > 0 => self.send(rank - 1, BACK, wide(&values[part]))?,
                false => {}
            }
            along += 1;
        }
        while rank < last && back < along {
            let Some(sum) = self.part(rank + 1, BACK, wait)? else {
                break;
            };
            values[range(back)].copy_from_slice(&sum);
            if rank > 0 {
                self.send(rank - 1, BACK, wide(&sum))?;
            }
            back += 1;
        }
        (self.along, self.back) = if wait { (0, 0) } else { (along, back) };
        Ok(())
    }
}

/// What a training leaves, in bits.
#[derive(Debug, PartialEq)]
struct Trained {
    values: Vec<u32>,
    averaged: Vec<u32>,
    gradient: Vec<u32>,
    statistics: Vec<Statistics>,
    averaged_statistics: Vec<Statistics>,
    reports: Vec<Report>,
}

/// Trains for a few steps, of which some have fewer images than others, as a rank if there is an exchange. The images of
/// other ranks are not there.
fn train(spec: &Spec, exchange: Option<Channels>) -> Trained {
    let mut network = Network::new(spec, 3).unwrap();
    let mut workspace = Workspace::new();
    let (mut rank, mut ranks) = (0, 1);
    if let Some(exchange) = exchange {
        (rank, ranks) = (exchange.rank(), exchange.ranks());
        workspace.set_exchange(Box::new(exchange));
    }
    let mut optimizer = Optimizer::nesterov(0.05, 0.9).clip(1.0).average(0.9);
    let loss = Loss::CrossEntropy { smoothing: 0.1 };
    let labels: Vec<usize> = (0..70).map(|n| n * 2 % 3).collect();
    let all = images(spec, 70, 5);
    let mut reports = Vec::new();
    for count in [70, 33, 70, 3, 1, 50] {
        let mut input = Array4::from_elem(all.slice(s![..count, .., .., ..]).raw_dim(), 1e9);
        let own = network.images_of_rank(count, rank, ranks);
        let own = s![own, .., .., ..];
        input.slice_mut(own).assign(&all.slice(own));
        let targets = Targets::Labels(&labels[..count]);
        let (input, optimizer) = (input.view(), &mut optimizer);
        let report = network.train_step(input, targets, loss, optimizer, &mut workspace);
        reports.push(report.unwrap());
    }
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect();
    Trained {
        values: bits(network.values()),
        averaged: bits(optimizer.averaged().unwrap()),
        gradient: bits(workspace.gradient()),
        statistics: network.running_statistics().to_vec(),
        averaged_statistics: optimizer.state().averaged_statistics.clone(),
        reports,
    }
}

/// Does the work on a pool of its own, as a process has one: a rank that waits for another one keeps a thread.
fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    #[cfg(feature = "rayon")]
    {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(work)
    }
    #[cfg(not(feature = "rayon"))]
    {
        let _ = threads;
        work()
    }
}

#[test]
fn any_number_of_ranks_finds_the_bits_of_one_process() {
    let mut specs = specs();
    specs.extend([stacked(), pooled()]);
    for (number, spec) in specs.iter().enumerate() {
        let alone = train(spec, None);
        for ranks in [1, 2, 3, 4, 8] {
            let all = Channels::all(ranks).into_iter();
            let trained = thread::scope(|scope| {
                let each = all.map(|own| {
                    let threads = 1 + own.rank() % 2;
                    scope.spawn(move || on_threads(threads, || train(spec, Some(own))))
                });
                let each: Vec<_> = each.collect();
                let each = each.into_iter().map(|rank| rank.join().unwrap());
                each.collect::<Vec<_>>()
            });
            for (rank, trained) in trained.iter().enumerate() {
                assert_eq!(trained, &alone, "spec {number}, rank {rank} of {ranks}");
            }
        }
    }
}

/// A single rank, which looks at each call of a sum at what is said to be there.
#[derive(Debug)]
struct Witness {
    /// Of each call of the step under way, `ready` and the values from there on.
    early: Vec<(usize, Vec<f32>)>,
    /// `ready` of all calls, step by step.
    calls: Arc<Mutex<Vec<Vec<usize>>>>,
}

impl Exchange for Witness {
    fn rank(&self) -> usize {
        0
    }

    fn ranks(&self) -> usize {
        1
    }

    fn gather(&mut self, _: &mut [f64], _: usize) -> Result<(), Error> {
        Ok(())
    }

    fn sum(
        &mut self,
        values: &mut [f32],
        ready: usize,
        add: &mut dyn FnMut(usize, &mut [f32]),
    ) -> Result<(), Error> {
        assert!(values.iter().all(|&x| x == 0.0));
        let mut there = vec![0.0; values.len() - ready];
        add(ready, &mut there);
        self.early.push((ready, there));
        if ready == 0 {
            add(0, values);
            let early = std::mem::take(&mut self.early);
            for (ready, there) in &early {
                assert_eq!(&values[*ready..], there, "from {ready} on");
            }
            let calls = early.iter().map(|(ready, _)| *ready).collect();
            self.calls.lock().unwrap().push(calls);
        }
        Ok(())
    }
}

/// The sum of the last layers' gradients may go on while those of the layers before are computed.
#[test]
fn the_gradients_of_the_last_layers_are_there_first() {
    let mut specs = specs();
    specs.extend([stacked(), pooled()]);
    let mut several = 0;
    for spec in &specs {
        let mut network = Network::new(spec, 3).unwrap();
        let mut workspace = Workspace::new();
        let calls: Arc<Mutex<Vec<Vec<usize>>>> = Arc::default();
        let (early, own) = (Vec::new(), Arc::clone(&calls));
        workspace.set_exchange(Box::new(Witness { early, calls: own }));
        let (input, labels) = (images(spec, 30, 5), [1; 30]);
        let mut optimizer = Optimizer::nesterov(0.05, 0.9);
        for _ in 0..2 {
            let loss = Loss::CrossEntropy { smoothing: 0.1 };
            let targets = Targets::Labels(&labels);
            let step =
                network.train_step(input.view(), targets, loss, &mut optimizer, &mut workspace);
            let _ = step.unwrap();
        }
        let calls = calls.lock().unwrap();
        assert_eq!(calls.len(), 2);
        for calls in calls.iter() {
            assert_eq!(calls.len(), network.running_statistics().len() + 1);
            assert!(
                calls.is_sorted_by(|before, after| before > after),
                "{calls:?}"
            );
            assert_eq!(calls.last(), Some(&0));
            // Only where a normalisation is the last layer, nothing is there yet at the first call.
            several += usize::from(calls.len() > 1 && calls[0] < network.values().len());
        }
    }
    // Two steps of each of at least two networks.
    assert!(several >= 4, "{several}");
}

#[test]
fn the_ranks_of_a_batch_share_its_images_without_gap() {
    let network = Network::new(&stacked(), 1).unwrap();
    for images in [0, 1, 5, 8, 50, 99, 100, 1000] {
        assert!(network.shards(images) <= 16.min(images));
        for ranks in [1, 2, 3, 4, 7, 8, 16, 20] {
            let mut next = 0;
            for rank in 0..ranks {
                let own = network.images_of_rank(images, rank, ranks);
                assert_eq!(own.start, next, "{images} images, rank {rank} of {ranks}");
                next = own.end;
            }
            assert_eq!(next, images, "{ranks} ranks");
        }
    }
}

/// A rank that is gone is an error of the others, and their networks have not changed.
#[test]
fn an_exchange_that_fails_is_an_error_and_changes_nothing() {
    let dense = Spec::new((3, 3, 1), Layers::new().flatten().dense(3));
    for (spec, call) in [(dense, "the reports"), (stacked(), "the statistics")] {
        let mut network = Network::new(&spec, 1).unwrap();
        let (before, statistics) = (network.clone(), network.running_statistics().to_vec());
        let mut workspace = Workspace::new();
        // The second of two, of which the first is dropped here.
        workspace.set_exchange(Box::new(Channels::all(2).remove(1)));
        let input = images(&spec, 20, 1);
        let (labels, mut optimizer) = ([1; 20], Optimizer::adamw(0.1));
        let refused = network.train_step(
            input.view(),
            Targets::Labels(&labels),
            Loss::CrossEntropy { smoothing: 0.0 },
            &mut optimizer,
            &mut workspace,
        );
        let error = refused.unwrap_err();
        assert_eq!(error, gone(0), "{call}");
        let text = "cannot train with other processes: rank 0 is gone";
        assert_eq!(error.to_string(), text);
        assert_eq!(network.values(), before.values());
        assert_eq!(network.running_statistics(), statistics);
        assert_eq!(optimizer.steps(), 0);
        // What needs no other rank goes on.
        assert!(network.predict(input.view(), &mut workspace).is_ok());
    }
}
