//! NumPy's legacy random numbers, draw for draw: the chapter's run depends on each of them.

use super::Bits;
use crate::simd::{LANES, Op, Simd, dispatch};

/// Words of the generator's state.
const N: usize = 624;
/// The distance of the third word in the recurrence.
const M: usize = 397;

/// The Mersenne Twister MT19937 as `numpy.random.seed` and `numpy.random.RandomState` run it.
///
/// Source: M. Matsumoto and T. Nishimura, Mersenne Twister: a 623-dimensionally equidistributed uniform
/// pseudorandom number generator, ACM TOMACS 8 (1998); seeded by its `init_genrand`.
///
/// ```
/// use conv_core::NumpyRandom;
///
/// // >>> numpy.random.seed(1); numpy.random.random(); numpy.random.randint(2, size=8)
/// let mut random = NumpyRandom::new(1);
/// assert_eq!(random.random(), 0.417022004702574);
/// let mut mask = Bits::default();
/// # use conv_core::Bits;
/// random.randint2(8, &mut mask);
/// assert_eq!((0..8).map(|i| mask.get(i) as u8).collect::<Vec<_>>(), [0, 0, 1, 1, 1, 1, 1, 0]);
/// ```
#[derive(Clone, Debug)]
pub struct NumpyRandom {
    state: [u32; N],
    /// The next word of `state`; `N` when all are used up.
    next: usize,
    /// For each word of `state`, the lowest bit of the number that it gives.
    low_bits: [u64; N.div_ceil(64)],
}

impl NumpyRandom {
    /// The generator after `numpy.random.seed(seed)`.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let previous = state[i - 1];
            state[i] = 1_812_433_253_u32
                .wrapping_mul(previous ^ previous >> 30)
                .wrapping_add(i as u32);
        }
        Self {
            state,
            next: N,
            low_bits: [0; N.div_ceil(64)],
        }
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.next == N {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= y << 7 & 0x9d2c_5680;
        y ^= y << 15 & 0xefc6_0000;
        y ^ y >> 18
    }

    /// `numpy.random.random()`: uniform on \[0, 1), 53 bits from two draws.
    pub fn random(&mut self) -> f64 {
        let (a, b) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }

    /// `numpy.random.randint(2, size=n)`, appended to `bits`: one draw an element, whose lowest bit it is.
    pub fn randint2(&mut self, n: usize, bits: &mut Bits) {
        let mut left = n;
        while left > 0 {
            if self.next == N {
                self.refill();
            }
            let within = self.next % 64;
            let count = (64 - within).min(N - self.next).min(left);
            bits.push(self.low_bits[self.next / 64] >> within, count);
            self.next += count;
            left -= count;
        }
    }

    fn refill(&mut self) {
        dispatch(Refill(self));
        self.next = 0;
    }
}

/// The next `N` words of the recurrence, and the low bits they give.
struct Refill<'a>(&'a mut NumpyRandom);

impl Op for Refill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Three runs, in each of which no word depends on another one of the run.
        let old = self.0.state;
        let new = &mut self.0.state;
        for i in 0..N - M {
            new[i] = old[i + M] ^ twist(old[i], old[i + 1]);
        }
        for start in [N - M, 2 * (N - M)] {
            let (before, run) = new.split_at_mut(start);
            let length = run.len().min(N - M).min(N - 1 - start);
            let sources = old[start..=start + length]
                .windows(2)
                .zip(&before[start - (N - M)..]);
            for (word, (pair, far)) in run[..length].iter_mut().zip(sources) {
                *word = far ^ twist(pair[0], pair[1]);
            }
        }
        new[N - 1] = new[M - 1] ^ twist(old[N - 1], new[0]);

        let (words, rest) = new.as_chunks::<64>();
        let (bits, last) = self.0.low_bits.split_at_mut(words.len());
        for (words, bits) in words.iter().zip(bits) {
            *bits = low_bits(s, words);
        }
        for bits in last {
            *bits = low_bits(s, rest);
        }
    }
}

/// The lowest bits of the random numbers that up to 64 words give.
#[inline(always)]
fn low_bits<S: Simd>(s: S, words: &[u32]) -> u64 {
    let mut bits = 0;
    for (i, words) in words.as_chunks::<LANES>().0.iter().enumerate() {
        // Bit 0 of the tempered word (see `next_u32`) is the parity of bits 0, 3, 14, 18, 22 and 29.
        bits |= u64::from(s.parities::<0x2044_4009>(words)) << (i * LANES);
    }
    bits
}

#[inline(always)]
fn twist(high: u32, low: u32) -> u32 {
    let y = high & 0x8000_0000 | low & 0x7fff_ffff;
    y >> 1 ^ (0x9908_b0df & (low & 1).wrapping_neg())
}
