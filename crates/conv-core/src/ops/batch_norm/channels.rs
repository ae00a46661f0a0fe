//! Loops over (pixels, C) that do the same for every channel: a block of channels at a time, so that it is a vector.
//!
//! Each channel's pixels come in their order, so the size of a block changes no bit.

use std::ops::Range;

use crate::simd::{LANES, Op, Simd, dispatch};

/// What to do for `B` channels from `first` on.
pub(super) trait Channels {
    /// Whether two vectors' channels at a time are quicker than those of one: each line of the cache next to another would else be
    /// read apart from it.
    const PAIRS: bool;

    /// Mark the implementation `#[inline(always)]`: only then is it compiled for the instruction set.
    fn block<const B: usize>(&mut self, first: usize);
}

/// Does the work for all channels.
pub(super) fn each(channels: usize, work: impl Channels) {
    dispatch(All { channels, work });
}

/// The channels of each pixel from `first` on.
#[inline(always)]
pub(super) fn pixels<const B: usize>(
    values: &[f32],
    channels: usize,
    first: usize,
) -> impl Iterator<Item = &[f32; B]> {
    let pixels = values.chunks_exact(channels);
    pixels.filter_map(move |pixel| pixel[first..].first_chunk())
}

/// As [`pixels`], to be written.
#[inline(always)]
pub(super) fn pixels_mut<const B: usize>(
    values: &mut [f32],
    channels: usize,
    first: usize,
) -> impl Iterator<Item = &mut [f32; B]> {
    let pixels = values.chunks_exact_mut(channels);
    pixels.filter_map(move |pixel| pixel[first..].first_chunk_mut())
}

struct All<W> {
    channels: usize,
    work: W,
}

impl<W: Channels> Op for All<W> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, _: S) {
        // A vector's channels, or those of two, then what is left in halves and quarters of one, then one by one.
        let (channels, work) = (self.channels, &mut self.work);
        let mut first = 0;
        if W::PAIRS {
            first += blocks::<{ 2 * LANES }>(first..channels, work);
        }
        first += blocks::<LANES>(first..channels, work);
        first += blocks::<{ LANES / 2 }>(first..channels, work);
        first += blocks::<{ LANES / 4 }>(first..channels, work);
        blocks::<1>(first..channels, work);
    }
}

/// All whole blocks of `B` channels, and how many channels they are.
#[inline(always)]
fn blocks<const B: usize>(channels: Range<usize>, work: &mut impl Channels) -> usize {
    let whole = channels.len() / B * B;
    for first in (channels.start..channels.start + whole).step_by(B) {
        work.block::<B>(first);
    }
    whole
}
