//! What the backward pass of a batch reads.

use super::batch::Dropout;
use super::{Batch, Geometry};
use crate::Bits;
use crate::simd::Lanes;

/// The backward pass of a batch.
pub(super) struct Backward<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) batch: &'a Batch,
    pub(super) pixels: &'a [f32],
    pub(super) hidden: &'a [Lanes],
    pub(super) delta: &'a [Lanes],
    pub(super) masks: &'a Bits,
    pub(super) first_mask: usize,
    pub(super) alpha: f64,
    pub(super) slope: f32,
}

impl Backward<'_> {
    #[inline(always)]
    pub(super) fn pixels_of(&self, image: usize) -> &[f32] {
        &self.pixels[image * self.geometry.pixels()..][..self.geometry.pixels()]
    }

    #[inline(always)]
    pub(super) fn dropout_of(&self, image: usize) -> Dropout<'_> {
        Dropout::of_image(self.masks, self.first_mask, self.geometry, image)
    }
}
