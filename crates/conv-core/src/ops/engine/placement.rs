//! How images come to lie so that no window leaves them.

use super::Plan;

/// How an image is brought into the form in which no window leaves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    /// The image: rows, columns, channels.
    pub(super) image: (usize, usize, usize),
    /// Rows and columns of what it is placed in.
    pub(super) padded: (usize, usize),
    /// Where its first pixel comes to lie; it may be outside.
    pub(super) at: (isize, isize),
    /// From one of its pixels to the next; holes are zeros.
    pub(super) step: (usize, usize),
}

impl Plan {
    /// Whether images are used as they are.
    pub(crate) fn in_place(&self) -> bool {
        let Placement {
            image,
            padded,
            at,
            step,
        } = self.placement;
        (image.0, image.1) == padded && at == (0, 0) && step == (1, 1)
    }

    /// Copies an image to where the windows find it. What is around must be zeros already, and stays as it is.
    pub(crate) fn place(&self, image: &[f32], placed: &mut [f32]) {
        let Placement {
            image: (_, cols, channels),
            padded,
            at,
            step,
        } = self.placement;
        let width = padded.1 * channels;
        for (y, row) in image.chunks_exact(cols * channels).enumerate() {
            let Some(to) =
                at.0.checked_add_unsigned(y * step.0)
                    .and_then(|y| usize::try_from(y).ok())
            else {
                continue;
            };
            let Some(to) = placed.chunks_exact_mut(width).nth(to) else {
                break;
            };
            if step.1 == 1 {
                // Columns that lie inside.
                let skip = at.1.min(0).unsigned_abs();
                let start = at.1.max(0).unsigned_abs();
                let count = cols
                    .saturating_sub(skip)
                    .min(padded.1.saturating_sub(start));
                let from = row
                    .get(skip * channels..(skip + count) * channels)
                    .unwrap_or_default();
                to[start * channels..][..from.len()].copy_from_slice(from);
            } else {
                for (x, pixel) in row.chunks_exact(channels).enumerate() {
                    let x =
                        at.1.checked_add_unsigned(x * step.1)
                            .and_then(|x| usize::try_from(x).ok());
                    if let Some(to) = x.and_then(|x| to.chunks_exact_mut(channels).nth(x)) {
                        to.copy_from_slice(pixel);
                    }
                }
            }
        }
    }

    /// A buffer for as many placed images; none where images are used as they are.
    pub(crate) fn buffer(&self, images: usize) -> Vec<f32> {
        let images = if self.in_place() { 0 } else { images };
        vec![0.0; images * self.placed_len()]
    }

    /// Images where the windows find them: as they are, or copied among the zeros of a buffer.
    pub(crate) fn placed<'a>(&self, images: &'a [f32], buffer: &'a mut [f32]) -> &'a [f32] {
        if self.in_place() {
            return images;
        }
        let count = images.len() / self.input_len();
        let buffer = &mut buffer[..count * self.placed_len()];
        let pairs = images.chunks_exact(self.input_len());
        for (image, to) in pairs.zip(buffer.chunks_exact_mut(self.placed_len())) {
            self.place(image, to);
        }
        buffer
    }

    /// Copies an image back from where [`place`](Self::place) put it, zeros where it was left out.
    pub(crate) fn unplace(&self, placed: &[f32], image: &mut [f32]) {
        let Placement {
            image: (_, cols, channels),
            padded,
            at,
            ..
        } = self.placement;
        image.fill(0.0);
        let (top, left) = (at.0.unsigned_abs(), at.1.unsigned_abs());
        let rows = placed.chunks_exact(padded.1 * channels).skip(top);
        for (row, to) in rows.zip(image.chunks_exact_mut(cols * channels)) {
            let row = &row[(left * channels).min(row.len())..];
            let count = row.len().min(to.len());
            to[..count].copy_from_slice(&row[..count]);
        }
    }
}
