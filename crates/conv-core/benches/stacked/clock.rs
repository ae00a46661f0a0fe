//! One way to take the time, the same as in `benches/peers`.

use std::time::{Duration, Instant};

/// Milliseconds a call: the mean of the fastest of three windows, after one call to warm up. In each, `call` is
/// repeated until the window is over; of a call that takes longer than all three, the first counts.
pub(crate) fn fastest<E>(
    window: Duration,
    mut call: impl FnMut() -> Result<(), E>,
) -> Result<f64, E> {
    call()?;
    let mut fastest = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        let mut calls = 0.0;
        let mean = loop {
            call()?;
            calls += 1.0;
            let elapsed = start.elapsed();
            if elapsed >= window {
                break elapsed.as_secs_f64() / calls;
            }
        };
        fastest = mean.min(fastest);
        if mean >= 3.0 * window.as_secs_f64() {
            break;
        }
    }
    Ok(fastest * 1e3)
}
