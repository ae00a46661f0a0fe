use ndarray::ArrayView3;
use std::ops::Range;

use super::{CLASSES, Geometry};
use crate::Error;

/// Images with their labels, and a list of each image's sections that are not blank.
#[derive(Clone, Debug)]
pub struct Images {
    pub(super) geometry: Geometry,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    /// The first pixels of the sections that hold a pixel other than 0, image by image, ascending.
    cells: Vec<u16>,
    /// Where each image's part of `cells` begins; one more entry than images.
    starts: Vec<usize>,
}

impl Images {
    /// Copies `images` (N, H, W), 0 to 255, and their `labels` (N), 0 to 9.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images are not of the geometry's size or not as many as the labels,
    /// [`Error::Range`] if a label is above 9.
    pub fn new(
        geometry: Geometry,
        images: ArrayView3<'_, u8>,
        labels: &[u8],
    ) -> Result<Self, Error> {
        let (rows, cols) = geometry.image;
        let expected = vec![labels.len(), rows, cols];
        if images.shape() != expected {
            return Err(Error::Shape {
                what: "images",
                expected,
                found: images.shape().to_vec(),
            });
        }
        if let Some(&label) = labels.iter().find(|&&label| usize::from(label) >= CLASSES) {
            return Err(Error::Range {
                what: "labels",
                expected: "0 to 9".into(),
                found: label.into(),
            });
        }
        let mut made = Self {
            geometry,
            pixels: images.iter().copied().collect(),
            labels: labels.to_vec(),
            cells: Vec::new(),
            starts: vec![0],
        };
        let mut inked = Vec::new();
        for image in made.pixels.chunks_exact(rows * cols) {
            sections_with_ink(&geometry, image, &mut inked);
            let found = inked.iter().enumerate().filter(|&(_, &ink)| ink);
            made.cells.extend(found.map(|(cell, _)| cell as u16));
            made.starts.push(made.cells.len());
        }
        Ok(made)
    }

    /// How many images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    pub(super) fn label(&self, image: usize) -> usize {
        self.labels[image].into()
    }

    /// The first pixels of the sections of an image that are not blank.
    #[inline(always)]
    pub(super) fn cells(&self, image: usize) -> &[u16] {
        &self.cells[self.starts[image]..self.starts[image + 1]]
    }

    /// How many sections of these images are not blank.
    pub(super) fn section_count(&self, images: &Range<usize>) -> usize {
        self.starts[images.end] - self.starts[images.start]
    }

    /// The pixels of an image as `f32`, 0 to 255.
    #[inline(always)]
    pub(super) fn pixels_to(&self, image: usize, pixels: &mut [f32]) {
        let count = self.geometry.pixels();
        for (to, from) in pixels
            .iter_mut()
            .zip(&self.pixels[image * count..][..count])
        {
            *to = f32::from(*from);
        }
    }
}

/// For each pixel, whether a section begins there that holds a pixel other than 0.
fn sections_with_ink(geometry: &Geometry, image: &[u8], inked: &mut Vec<bool>) {
    let (rows, cols) = geometry.positions;
    let (kernel, width) = (geometry.kernel, geometry.image.1);
    inked.clear();
    inked.resize(geometry.cells(), false);
    for (at, _) in image.iter().enumerate().filter(|&(_, &pixel)| pixel != 0) {
        let (y, x) = (at / width, at % width);
        // Every section whose window covers the pixel.
        for row in (y + 1).saturating_sub(kernel.0)..rows.min(y + 1) {
            let (from, to) = ((x + 1).saturating_sub(kernel.1), cols.min(x + 1));
            if from < to {
                inked[row * width..][from..to].fill(true);
            }
        }
    }
}
