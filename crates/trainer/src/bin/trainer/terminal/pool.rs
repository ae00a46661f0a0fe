//! The threads that the program computes on.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::Failure;

/// A pool of so many threads.
pub(crate) fn pool(threads: usize) -> Result<ThreadPool, Failure> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::Error(format!("cannot start {threads} threads: {error}")))
}

#[cfg(test)]
mod tests {
    use super::pool;

    /// It did once, by way of the handler of Ctrl-C that the first one installed.
    #[test]
    fn a_second_pool_meets_nothing_that_the_first_one_left() {
        for threads in [1, 2] {
            let pool = pool(threads).unwrap_or_else(|failure| panic!("{failure:?}"));
            assert_eq!(pool.current_num_threads(), threads);
        }
    }
}
