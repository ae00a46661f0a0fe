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
    // Both are there until the end is reached.
    running: Option<(Receiver<T>, JoinHandle<()>)>,
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
        Ok(Self {
            running: Some((receiver, thread)),
        })
    }
}

impl<T> Iterator for Prefetch<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let (receiver, _) = self.running.as_ref()?;
        if let Ok(item) = receiver.recv() {
            return Some(item);
        }
        let (_, thread) = self.running.take()?;
        // A panic in the thread is a panic here, as it would be without the thread.
        thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        None
    }
}

impl<T> Drop for Prefetch<T> {
    fn drop(&mut self) {
        if let Some((receiver, thread)) = self.running.take() {
            drop(receiver);
            // It panicked, perhaps; to panic in a drop would end the program.
            let _ = thread.join();
        }
    }
}
