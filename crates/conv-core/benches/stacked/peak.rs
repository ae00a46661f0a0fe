//! How many multiply-adds the machine can do: twelve sums in registers, and nothing read or written.

use std::hint::black_box;
use std::time::{Duration, Instant};

use conv_core::simd::{Lanes, Op, Simd, dispatch};

/// Sums that do not wait for each other: as many as two units with a latency of four or five cycles take.
const SUMS: u64 = 12;
/// Multiply-adds of each sum in a call.
const DEPTH: u64 = 200_000;

struct Sums {
    factor: Lanes,
}

impl Op for Sums {
    /// Floating-point operations, and a number that depends on all of them.
    type Output = (u64, f32);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> (u64, f32) {
        let x = simd.load(&self.factor, 0);
        let y = simd.splat(self.factor.0[0]);
        // Different numbers, so that no sum is another one as well.
        let mut sums = [y; SUMS as usize];
        let mut start = y;
        for sum in &mut sums {
            start = simd.add(start, y);
            *sum = start;
        }
        for _ in 0..DEPTH {
            for sum in &mut sums {
                *sum = simd.mul_add_in_order(x, y, *sum);
            }
        }
        let mut total = sums[0];
        for &sum in &sums[1..] {
            total = simd.add(total, sum);
        }
        let mut lanes = Lanes::ZERO;
        simd.store(total, &mut lanes, 0);
        (2 * S::WIDTH as u64 * SUMS * DEPTH, lanes.0[0])
    }
}

/// 10⁹ operations a second of all threads of the pool together, each at work for the three windows, and of each
/// thread its fastest call.
pub(crate) fn gflops(pool: &rayon::ThreadPool, window: Duration) -> f64 {
    let fastest = |_: rayon::BroadcastContext<'_>| {
        let factor = black_box(Lanes([1e-3; 16]));
        let (start, mut fastest) = (Instant::now(), 0.0_f64);
        while start.elapsed() < 3 * window {
            let call = Instant::now();
            let (operations, total) = dispatch(Sums { factor });
            black_box(total);
            fastest = fastest.max(operations as f64 / call.elapsed().as_secs_f64());
        }
        fastest
    };
    pool.broadcast(fastest).iter().sum::<f64>() / 1e9
}
