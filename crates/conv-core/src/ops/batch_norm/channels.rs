//! Loops over (pixels, C) that do the same for every channel: some channels at a time, so that they are vectors.
//!
//! Each channel's pixels come in their order, so how many channels go together changes no bit.

use crate::simd::{Op, Simd, dispatch};

/// What to do for `B` channels from `first` on.
pub(super) trait Channels {
    /// Mark the implementation `#[inline(always)]`: only then is it compiled for the instruction set.
    fn some<const B: usize>(&mut self, first: usize);
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
        let mut first = 0;
        while self.channels - first >= 16 {
            self.work.some::<16>(first);
            first += 16;
        }
        if self.channels - first >= 8 {
            self.work.some::<8>(first);
            first += 8;
        }
        if self.channels - first >= 4 {
            self.work.some::<4>(first);
            first += 4;
        }
        while first < self.channels {
            self.work.some::<1>(first);
            first += 1;
        }
    }
}
