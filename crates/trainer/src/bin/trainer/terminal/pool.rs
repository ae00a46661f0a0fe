//! The threads that the program computes on.

use std::thread::sleep;
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::{Failure, say};

/// A pool of so many threads, or of as many as the system allows, with a word on stderr; where it allows none, all is
/// computed on this one. The results are the same.
pub(crate) fn pool(threads: usize) -> Result<ThreadPool, Failure> {
    let (mut count, mut failure) = (threads, None);
    let pool = loop {
        match ThreadPoolBuilder::new().num_threads(count).build() {
            Ok(pool) => break pool,
            Err(error) => failure = failure.or(Some(error)),
        }
        count /= 2;
        if count == 0 {
            let own = ThreadPoolBuilder::new().num_threads(1).use_current_thread();
            break own.build().map_err(|error| {
                Failure::Error(format!("cannot compute on this thread: {error}"))
            })?;
        }
        // Those that did start are about to end, and count until then.
        sleep(Duration::from_millis(10));
    };
    if let Some(failure) = failure {
        let fewer = match count {
            0 => "on the program's first one".to_owned(),
            1 => "on 1".to_owned(),
            _ => format!("on {count}"),
        };
        say(&format!(
            "warning: cannot start {threads} more threads ({failure}); computing {fewer}, with the same results"
        ));
    }
    Ok(pool)
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
