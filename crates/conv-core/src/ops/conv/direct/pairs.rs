//! Taps two by two, for kernels that fill half a tile at most: a vector then holds each kernel twice, once for
//! either tap of a pair, and an output is the sum of the two.

use super::super::geometry::Problem;

#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    /// Where the first tap of each lies from the window's beginning; the second lies beside it.
    pub(super) at: Vec<u32>,
    /// The number of the first tap, and whether an earlier pair has it already.
    pub(super) taps: Vec<(usize, bool)>,
}

impl Pairs {
    /// Values of four bytes that the pairs of a problem take: an offset and a tap of sixteen bytes each, in lists that may
    /// have grown to twice what they need.
    pub(super) fn len(problem: &Problem) -> usize {
        pair_count(problem).saturating_mul(2 * (1 + 4))
    }

    /// Of taps each of which has a neighbour ([`pair_count`] is not 0).
    pub(super) fn new(taps: &[u32]) -> Self {
        let mut pairs = Self {
            at: Vec::new(),
            taps: Vec::new(),
        };
        let mut first = 0;
        for run in taps.chunk_by(|a, b| a + 1 == *b) {
            for i in (0..run.len()).step_by(2) {
                let skip = i + 1 == run.len();
                let i = i - usize::from(skip);
                pairs.at.push(run[i]);
                pairs.taps.push((first + i, skip));
            }
            first += run.len();
        }
        pairs
    }
}

/// How many pairs the taps of a kernel make; 0 if a tap has no neighbour.
pub(crate) fn pair_count(problem: &Problem) -> usize {
    let (mut pairs, mut run, mut last) = (0, 0, None);
    for tap in problem.tap_offsets() {
        if last.is_some_and(|last: u32| last + 1 != tap) {
            if run < 2 {
                return 0;
            }
            pairs += usize::div_ceil(run, 2);
            run = 0;
        }
        (run, last) = (run + 1, Some(tap));
    }
    if run < 2 { 0 } else { pairs + run.div_ceil(2) }
}
