//! The next items, made while this one is used.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use crate::{Error, ErrorKind};

/// An iterator that runs on a thread of its own, some items ahead. The items and their order stay
/// the same. Dropping it stops the thread.
///
/// ```
/// use mnist_data::Prefetch;
///
/// let squares = Prefetch::new((0..5).map(|n| n * n), 2)?;
/// assert_eq!(squares.collect::<Vec<_>>(), [0, 1, 4, 9, 16]);
/// # Ok::<(), mnist_data::Error>(())
/// ```
#[derive(Debug)]
pub struct Prefetch<T> {
    // Each is there until its end is reached.
    threads: Vec<Option<(Receiver<T>, JoinHandle<()>)>>,
    /// Whose item is next.
    turn: usize,
}

impl<T: Send + 'static> Prefetch<T> {
    /// Starts the thread; up to `depth` items wait to be used, and one more is being made.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub fn new<I>(items: I, depth: usize) -> Result<Self, Error>
    where
        I: Iterator<Item = T> + Send + 'static,
    {
        Self::in_turn([items], depth)
    }

    /// Starts a thread for each of several iterators and takes one item of each in turn, until the
    /// one whose turn it is has none left. Where making an item takes longer than using it, several
    /// threads that make every n-th one keep up.
    ///
    /// ```
    /// use mnist_data::Prefetch;
    ///
    /// let every_third = |first: usize| (first..8).step_by(3).map(|n| n * n);
    /// let squares = Prefetch::in_turn((0..3).map(every_third), 2)?;
    /// assert_eq!(squares.collect::<Vec<_>>(), [0, 1, 4, 9, 16, 25, 36, 49]);
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a thread cannot be started.
    pub fn in_turn<I>(all: impl IntoIterator<Item = I>, depth: usize) -> Result<Self, Error>
    where
        I: Iterator<Item = T> + Send + 'static,
    {
        // Should a thread not start, dropping this stops those that did.
        let mut prefetch = Self {
            threads: Vec::new(),
            turn: 0,
        };
        for items in all {
            let (sender, receiver) = sync_channel(depth);
            let thread = thread::Builder::new()
                .name("mnist-data prefetch".to_owned())
                .spawn(move || {
                    for item in items {
                        // Nobody takes it once the other end is dropped.
                        if sender.send(item).is_err() {
                            break;
                        }
                    }
                })
                .map_err(ErrorKind::Io)?;
            prefetch.threads.push(Some((receiver, thread)));
        }
        Ok(prefetch)
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let turn = self.turn;
        let (receiver, _) = self.threads.get(turn)?.as_ref()?;
        if let Ok(item) = receiver.recv() {
            self.turn = (turn + 1) % self.threads.len();
            return Some(item);
        }
        let (_, thread) = self.threads.get_mut(turn)?.take()?;
        // A panic in the thread is a panic here, as it would be without the thread.
        thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        None
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        // First all are told, so that they end at the same time.
        let threads = self.threads.drain(..).flatten();
        let threads: Vec<_> = threads.map(|(_, thread)| thread).collect();
        for thread in threads {
            // It panicked, perhaps; to panic in a drop would end the program.
            let _ = thread.join();
        }
    }
}
