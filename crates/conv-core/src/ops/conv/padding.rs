//! Images in a frame of zeros, so that no window leaves them.

use crate::shape::ImageShape;

/// How an image lies in the array that the windows slide over. What it does not cover is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PaddedImage {
    pub(crate) image: ImageShape,
    /// Rows and columns of the array.
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// The row and the column of the array at which the image begins. Where one is negative, the image is cropped.
    pub(crate) top: isize,
    pub(crate) left: isize,
    /// From one of the image's pixels to the next, down and to the right: more than 1 leaves holes.
    pub(crate) step: (usize, usize),
}

impl PaddedImage {
    /// An image with nothing around it.
    pub(crate) const fn bare(image: ImageShape) -> Self {
        Self {
            image,
            rows: image.rows,
            cols: image.cols,
            top: 0,
            left: 0,
            step: (1, 1),
        }
    }

    /// Values of a padded image.
    pub(crate) const fn len(&self) -> usize {
        self.rows * self.cols * self.image.channels
    }

    /// Whether the padded image is the image itself, so that none need be copied.
    pub(crate) fn is_image(&self) -> bool {
        let image = (self.image.rows, self.image.cols);
        image == (self.rows, self.cols) && (self.top, self.left) == (0, 0) && self.step == (1, 1)
    }

    /// Values of the buffer that this many images need to be padded: none where they are used as they are.
    pub(crate) fn buffer_len(&self, images: usize) -> usize {
        if self.is_image() {
            0
        } else {
            images.saturating_mul(self.len())
        }
    }

    /// Copies an image to where it lies. What is around must be zeros already, and stays as it is.
    pub(crate) fn pad(&self, image: &[f32], padded: &mut [f32]) {
        let (cols, channels) = (self.image.cols, self.image.channels);
        let width = self.cols * channels;
        for (y, row) in image.chunks_exact(cols * channels).enumerate() {
            let y = self.top.checked_add_unsigned(y * self.step.0);
            let Some(y) = y.and_then(|y| usize::try_from(y).ok()) else {
                continue;
            };
            let Some(to) = padded.chunks_exact_mut(width).nth(y) else {
                break;
            };
            if self.step.1 == 1 {
                // Columns that lie inside.
                let skip = self.left.min(0).unsigned_abs();
                let start = self.left.max(0).unsigned_abs();
                let count = cols
                    .saturating_sub(skip)
                    .min(self.cols.saturating_sub(start));
                let from = row
                    .get(skip * channels..(skip + count) * channels)
                    .unwrap_or_default();
                to[start * channels..][..from.len()].copy_from_slice(from);
            } else {
                for (x, pixel) in row.chunks_exact(channels).enumerate() {
                    let x = self.left.checked_add_unsigned(x * self.step.1);
                    let x = x.and_then(|x| usize::try_from(x).ok());
                    if let Some(to) = x.and_then(|x| to.chunks_exact_mut(channels).nth(x)) {
                        to.copy_from_slice(pixel);
                    }
                }
            }
        }
    }

    /// The images padded: themselves where nothing is around them, else copied among the zeros of the buffer.
    pub(crate) fn pad_all<'a>(&self, images: &'a [f32], buffer: &'a mut [f32]) -> &'a [f32] {
        if self.is_image() {
            return images;
        }
        let count = images.len() / self.image.len();
        let buffer = &mut buffer[..count * self.len()];
        let images = images.chunks_exact(self.image.len());
        for (image, to) in images.zip(buffer.chunks_exact_mut(self.len())) {
            self.pad(image, to);
        }
        buffer
    }

    /// Copies an image back from where [`pad`](Self::pad) put it, zeros where it was cropped.
    pub(crate) fn crop(&self, padded: &[f32], image: &mut [f32]) {
        let (cols, channels) = (self.image.cols, self.image.channels);
        image.fill(0.0);
        let (top, left) = (self.top.unsigned_abs(), self.left.unsigned_abs());
        let rows = padded.chunks_exact(self.cols * channels).skip(top);
        for (row, to) in rows.zip(image.chunks_exact_mut(cols * channels)) {
            let row = &row[(left * channels).min(row.len())..];
            let count = row.len().min(to.len());
            to[..count].copy_from_slice(&row[..count]);
        }
    }

    /// [`crop`](Self::crop) for some images.
    pub(crate) fn crop_all(&self, padded: &[f32], images: &mut [f32]) {
        let padded = padded.chunks_exact(self.len());
        for (padded, image) in padded.zip(images.chunks_exact_mut(self.image.len())) {
            self.crop(padded, image);
        }
    }
}
