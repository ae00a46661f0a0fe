//! Where the ranks run, and how many threads each has.

use std::fs;

use super::Ranks;
use crate::cli::args::cores;
use crate::failure::say;

/// The host of a rank, and the cores that it may use there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) host: String,
    /// Their numbers as Linux writes them, such as `0-3,8`; elsewhere nothing.
    cpus: String,
    cores: usize,
}

impl Place {
    /// That of this process.
    pub(super) fn here() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mut lines = status.lines();
        let cpus = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        Self {
            host: mpi::environment::processor_name()
                .unwrap_or_else(|_| "an unnamed host".to_owned()),
            cpus: cpus.unwrap_or_default().trim().to_owned(),
            cores: cores(),
        }
    }

    pub(super) fn to_text(&self) -> String {
        format!("{}\n{}\n{}", self.host, self.cpus, self.cores)
    }

    pub(super) fn of_text(text: &str) -> Self {
        let mut lines = text.lines().map(str::to_owned);
        let mut next = || lines.next().unwrap_or_default();
        Self {
            host: next(),
            cpus: next(),
            cores: next().parse().unwrap_or(1),
        }
    }
}

/// The ranks that share the cores of one of them.
fn sharing<'a>(places: &'a [Place], place: &'a Place) -> impl Iterator<Item = usize> + 'a {
    let all = places.iter().enumerate();
    let same = all.filter(|(_, other)| (&other.host, &other.cpus) == (&place.host, &place.cpus));
    same.map(|(rank, _)| rank)
}

/// Threads for a rank: the cores that it may use, divided by the ranks that may use the same.
fn usual_threads(places: &[Place], rank: usize) -> usize {
    let place = &places[rank];
    (place.cores / sharing(places, place).count().max(1)).max(1)
}

/// Where there are more threads than cores, a sentence for each host.
fn crowded(places: &[Place], threads: &[usize]) -> Vec<String> {
    let mut sentences = Vec::new();
    for (rank, place) in places.iter().enumerate() {
        let sharing: Vec<usize> = sharing(places, place).collect();
        let sum: usize = sharing.iter().map(|&rank| threads[rank]).sum();
        if sharing[0] == rank && sum > place.cores {
            let cores = match place.cores {
                1 => "1 core".to_owned(),
                cores => format!("{cores} cores"),
            };
            sentences.push(format!(
                "{} ranks on {} compute on {sum} threads, and may use {cores}; with fewer ranks there, or fewer \
                 --threads, all would be faster",
                sharing.len(),
                place.host
            ));
        }
    }
    sentences
}

impl Ranks {
    /// How many threads this rank computes on unless it is told.
    pub(crate) fn threads(&self) -> usize {
        usual_threads(&self.places, self.messages.rank())
    }

    /// Has rank 0 say where all ranks are, on how many threads, and where those are too many.
    pub(crate) fn introduce(&self, threads: usize, quiet: bool) {
        let mut all = vec![0_u64; self.count()];
        self.messages
            .gather(&[threads as u64], &mut all, |rank| rank..rank + 1);
        if !self.is_first() {
            return;
        }
        let threads: Vec<usize> = all.iter().map(|&threads| threads as usize).collect();
        if !quiet {
            say(&introduction(&self.places, &threads));
        }
        for sentence in crowded(&self.places, &threads) {
            say(&format!("warning: {sentence}"));
        }
    }
}

/// The hosts in their order, each with its ranks and their threads.
fn introduction(places: &[Place], threads: &[usize]) -> String {
    let mut hosts: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, &threads) in places.iter().zip(threads) {
        match hosts.iter_mut().find(|(host, _)| *host == place.host) {
            Some((_, known)) => known.push(threads),
            None => hosts.push((&place.host, vec![threads])),
        }
    }
    let hosts = hosts.iter().map(|(host, threads)| {
        let threads: Vec<String> = threads.iter().map(ToString::to_string).collect();
        format!("{host} ({} threads)", threads.join(" + "))
    });
    let hosts: Vec<String> = hosts.collect();
    format!("{} ranks: {}", places.len(), hosts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str, cpus: &str, cores: usize) -> Place {
        Place {
            host: host.to_owned(),
            cpus: cpus.to_owned(),
            cores,
        }
    }

    #[test]
    fn the_cores_of_a_host_are_divided_among_the_ranks_that_may_use_them() {
        let places = [
            place("a", "0-7", 8),
            place("a", "0-7", 8),
            place("a", "0-7", 8),
            // Bound to cores of their own.
            place("b", "0-3", 4),
            place("b", "4-7", 4),
            place("c", "0", 1),
            place("c", "0", 1),
        ];
        let threads: Vec<usize> = (0..places.len())
            .map(|rank| usual_threads(&places, rank))
            .collect();
        assert_eq!(threads, [2, 2, 2, 4, 4, 1, 1]);
        let sentences = crowded(&places, &threads);
        assert_eq!(sentences.len(), 1);
        assert!(
            sentences[0].starts_with("2 ranks on c compute on 2 threads, and may use 1 core;"),
            "{sentences:?}"
        );
        assert_eq!(crowded(&places, &[2, 2, 4, 5, 4, 1, 0]).len(), 1);
        assert_eq!(crowded(&places, &[2, 2, 5, 5, 4, 1, 0]).len(), 2);
        assert_eq!(
            introduction(&places, &threads),
            "7 ranks: a (2 + 2 + 2 threads), b (4 + 4 threads), c (1 + 1 threads)"
        );
    }

    #[test]
    fn a_place_comes_back_from_its_text() {
        for place in [place("a.example", "0-3,8", 5), place("b", "", 2)] {
            assert_eq!(Place::of_text(&place.to_text()), place);
        }
    }
}
