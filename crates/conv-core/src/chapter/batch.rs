//! What a training step works on: its images, their dropout masks, its buffers.

use std::ops::Range;

use super::{Geometry, Images};
use crate::simd::Lanes;
use crate::{Bits, Error};

/// Which images a step takes, and where which of their sections are not blank.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(super) images: Range<usize>,
    /// The sections cell by cell: image and index, see [`Section`].
    pub(super) sections: Vec<(u32, u32)>,
    /// Where each cell's part of `sections` begins; one more entry than cells.
    starts: Vec<usize>,
}

/// A section that is not blank.
pub(super) struct Section {
    /// Its image, counted from the first one of the batch.
    pub(super) image: usize,
    /// Its index among the sections of the batch, image by image.
    pub(super) index: usize,
}

impl Batch {
    /// The batch of these images.
    ///
    /// # Errors
    /// [`Error::Range`] if the range is empty or ends beyond the images.
    pub fn new(images: &Images, range: Range<usize>) -> Result<Self, Error> {
        if range.is_empty() || range.end > images.len() {
            let expected = format!(
                "a range that is not empty, of at most {} images",
                images.len()
            );
            return Err(Error::Range {
                what: "range",
                expected,
                found: range.end,
            });
        }
        let mut starts = vec![0; images.geometry.cells() + 1];
        for image in range.clone() {
            for &cell in images.cells(image) {
                starts[usize::from(cell) + 1] += 1;
            }
        }
        for cell in 1..starts.len() {
            starts[cell] += starts[cell - 1];
        }
        let mut next = starts.clone();
        let mut sections = vec![(0, 0); images.section_count(&range)];
        let mut index = 0;
        for image in range.clone() {
            for &cell in images.cells(image) {
                let at = &mut next[usize::from(cell)];
                sections[*at] = ((image - range.start) as u32, index);
                *at += 1;
                index += 1;
            }
        }
        Ok(Self {
            images: range,
            sections,
            starts,
        })
    }

    /// How many images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Never: a batch has at least one image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    #[inline(always)]
    pub(super) fn sections_at(&self, cell: usize) -> impl Iterator<Item = Section> {
        self.sections[self.starts[cell]..self.starts[cell + 1]]
            .iter()
            .map(|&(image, index)| Section {
                image: image as usize,
                index: index as usize,
            })
    }
}

/// The buffers of a training step; one serves every step, so that none allocates.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The batch's images as `f32` (image, pixel).
    pub(super) pixels: Vec<f32>,
    /// What each section gave (section, group, 16).
    pub(super) hidden: Vec<Lanes>,
    /// (label − prediction) / divisor, of each image.
    pub(super) delta: Vec<Lanes>,
    /// The kernels' gradients, task by task.
    pub(super) d_taps: Vec<Lanes>,
}

impl Workspace {
    /// The buffers for the steps on these batches.
    #[must_use]
    pub fn new<'a>(geometry: &Geometry, batches: impl IntoIterator<Item = &'a Batch>) -> Self {
        let (mut images, mut sections) = (0, 0);
        for batch in batches {
            images = images.max(batch.len());
            sections = sections.max(batch.sections.len());
        }
        Self {
            pixels: vec![0.0; images * geometry.pixels()],
            hidden: vec![Lanes::ZERO; sections * geometry.groups()],
            delta: vec![Lanes::ZERO; images],
            d_taps: vec![Lanes::ZERO; geometry.positions.0 * geometry.groups() * geometry.taps()],
        }
    }
}

/// The dropout masks of one image.
#[derive(Clone, Copy)]
pub(super) struct Dropout<'a> {
    masks: Option<&'a Bits>,
    first: usize,
}

impl<'a> Dropout<'a> {
    pub(super) const NONE: Self = Self {
        masks: None,
        first: 0,
    };

    /// Sixteen masks from unit `unit` on.
    #[inline(always)]
    pub(super) fn get16(self, unit: usize) -> u16 {
        self.masks.map_or(0, |masks| masks.get16(self.first + unit))
    }

    /// The factor by which dropout multiplies a unit: 0 or 2.
    #[inline(always)]
    pub(super) fn scale(self, unit: usize) -> f32 {
        if self.get16(unit) & 1 == 1 { 2.0 } else { 0.0 }
    }

    pub(super) fn of_image(
        masks: &'a Bits,
        first: usize,
        geometry: &Geometry,
        image: usize,
    ) -> Self {
        Self {
            masks: Some(masks),
            first: first + image * geometry.hidden(),
        }
    }
}
