//! A picture as its rows come, averaged to a size at which a figure is still whole.

use ndarray::{Array2, Array3, Axis};

use super::Orientation;
use crate::picture::pixels::Picture;

/// Pixels of the longer side at most: of a figure a fiftieth as long, 32 are left.
const LONGEST: usize = 1600;

/// Averages blocks of `factor` × `factor` pixels.
pub(super) struct Reducer {
    width: usize,
    height: usize,
    channels: usize,
    factor: usize,
    /// Of the row of blocks that is being filled: red, green and blue times opacity, and opacity.
    sums: Vec<[u64; 4]>,
    rows_in_sums: usize,
    rows_pushed: usize,
    /// Red, green, blue and opacity of the blocks that are done.
    done: Vec<[u8; 4]>,
}

impl Reducer {
    /// For rows of `width` pixels of 1 (grey), 2 (grey, opacity), 3 (red, green, blue) or 4 (and opacity) bytes.
    pub(super) fn new(width: usize, height: usize, channels: usize) -> Self {
        let factor = width.max(height).div_ceil(LONGEST).max(1);
        let columns = width.div_ceil(factor);
        Self {
            width,
            height,
            channels,
            factor,
            sums: vec![[0; 4]; columns],
            rows_in_sums: 0,
            rows_pushed: 0,
            done: Vec::with_capacity(columns * height.div_ceil(factor)),
        }
    }

    /// The next row; what is too much of it, or are too many rows, is left out.
    pub(super) fn push(&mut self, row: &[u8]) {
        if self.rows_pushed == self.height {
            return;
        }
        self.rows_pushed += 1;
        if self.factor == 1 {
            // Most pictures: each pixel as it is, black where nothing is to be seen, as the mean of a block would be.
            let end = self.rows_pushed * self.width;
            push_pixels(&mut self.done, row, self.channels, self.width);
            return self.done.resize(end, [0; 4]);
        }
        let blocks = row.chunks(self.factor * self.channels);
        for (sum, block) in self.sums.iter_mut().zip(blocks) {
            add(sum, block, self.channels);
        }
        self.rows_in_sums += 1;
        if self.rows_in_sums == self.factor || self.rows_pushed == self.height {
            self.close_row();
        }
    }

    fn close_row(&mut self) {
        for (block, sum) in self.sums.iter_mut().enumerate() {
            let columns = self.factor.min(self.width - block * self.factor);
            let pixels = (columns * self.rows_in_sums) as u64;
            let [r, g, b, opacity] = *sum;
            let mean = |sum: u64, of: u64| ((sum + of / 2) / of.max(1)).min(255) as u8;
            self.done.push([
                mean(r, opacity),
                mean(g, opacity),
                mean(b, opacity),
                mean(opacity, pixels),
            ]);
            *sum = [0; 4];
        }
        self.rows_in_sums = 0;
    }

    /// The picture, seen as its orientation says, laid on a background where it is transparent.
    pub(super) fn finish(mut self, orientation: Orientation) -> Picture {
        let shape = (
            self.height.div_ceil(self.factor),
            self.width.div_ceil(self.factor),
        );
        // Rows that never came are transparent.
        self.done.resize(shape.0 * shape.1, [0; 4]);
        let mut pixels = Array2::from_shape_vec(shape, self.done).unwrap_or_default();
        if orientation.mirrored_x {
            pixels.invert_axis(Axis(1));
        }
        if orientation.mirrored_y {
            pixels.invert_axis(Axis(0));
        }
        let mut size = (self.height, self.width);
        if orientation.transposed {
            pixels = pixels.reversed_axes();
            size = (size.1, size.0);
        }
        lay_on_background(&mut pixels);
        let (rows, columns) = pixels.dim();
        let mut colours = Vec::with_capacity(3 * rows * columns);
        for &[r, g, b, _] in &pixels {
            colours.extend_from_slice(&[r, g, b]);
        }
        let pixels = Array3::from_shape_vec((rows, columns, 3), colours).unwrap_or_default();
        Picture::new(pixels, size, self.factor)
    }
}

/// The first pixels of a row.
fn push_pixels(done: &mut Vec<[u8; 4]>, row: &[u8], channels: usize, width: usize) {
    let visible = |pixel: [u8; 4]| if pixel[3] == 0 { [0; 4] } else { pixel };
    match channels {
        1 => done.extend(row.iter().take(width).map(|&l| [l, l, l, 255])),
        2 => {
            let (pixels, _) = row.as_chunks();
            let pixels = pixels.iter().take(width);
            done.extend(pixels.map(|&[l, opacity]| visible([l, l, l, opacity])));
        }
        3 => {
            let (pixels, _) = row.as_chunks();
            let pixels = pixels.iter().take(width);
            done.extend(pixels.map(|&[r, g, b]| [r, g, b, 255]));
        }
        _ => {
            let (pixels, _) = row.as_chunks();
            done.extend(pixels.iter().take(width).map(|&pixel| visible(pixel)));
        }
    }
}

fn add(sum: &mut [u64; 4], block: &[u8], channels: usize) {
    let mut add = |r: u8, g: u8, b: u8, opacity: u8| {
        let opacity = u64::from(opacity);
        sum[0] += u64::from(r) * opacity;
        sum[1] += u64::from(g) * opacity;
        sum[2] += u64::from(b) * opacity;
        sum[3] += opacity;
    };
    match channels {
        1 => block
            .iter()
            .for_each(|&level| add(level, level, level, 255)),
        2 => {
            let (pixels, _) = block.as_chunks();
            pixels
                .iter()
                .for_each(|&[level, opacity]| add(level, level, level, opacity));
        }
        3 => {
            let (pixels, _) = block.as_chunks();
            pixels.iter().for_each(|&[r, g, b]| add(r, g, b, 255));
        }
        _ => {
            let (pixels, _) = block.as_chunks();
            pixels
                .iter()
                .for_each(|&[r, g, b, opacity]| add(r, g, b, opacity));
        }
    }
}

/// What is transparent gets the colour of the border; where the border is transparent itself, white under dark ink and
/// black under light ink.
fn lay_on_background(pixels: &mut Array2<[u8; 4]>) {
    if pixels.iter().all(|pixel| pixel[3] == 255) {
        return;
    }
    let (height, width) = pixels.dim();
    let outermost = |(y, x): (usize, usize)| y == 0 || x == 0 || y + 1 == height || x + 1 == width;
    let border: Vec<[u8; 4]> = pixels
        .indexed_iter()
        .filter(|&(place, _)| outermost(place))
        .map(|(_, &pixel)| pixel)
        .collect();
    let visible: Vec<[u8; 4]> = border.iter().copied().filter(|p| p[3] >= 128).collect();
    let background = if 2 * visible.len() > border.len() {
        std::array::from_fn(|channel| {
            let mut levels: Vec<u8> = visible.iter().map(|pixel| pixel[channel]).collect();
            let middle = levels.len() / 2;
            *levels.select_nth_unstable(middle).1
        })
    } else {
        let (mut sum, mut weight) = (0_u64, 0_u64);
        for &[r, g, b, opacity] in &*pixels {
            let luma = 2126 * u64::from(r) + 7152 * u64::from(g) + 722 * u64::from(b);
            sum += luma / 10_000 * u64::from(opacity);
            weight += u64::from(opacity);
        }
        // The other end of the scale than the ink.
        if 2 * sum > 255 * weight {
            [0; 3]
        } else {
            [255; 3]
        }
    };
    for pixel in pixels {
        let opacity = u32::from(pixel[3]);
        for (level, &behind) in pixel.iter_mut().zip(&background) {
            let mixed = opacity * u32::from(*level) + (255 - opacity) * u32::from(behind);
            *level = ((mixed + 127) / 255) as u8;
        }
        pixel[3] = 255;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_averaged_also_where_they_are_cut_off() {
        // 1601 columns: blocks of 2, the last one of a single column.
        let mut rows = Reducer::new(1601, 3, 1);
        let row: Vec<u8> = (0..1601).map(|x| (x % 200) as u8).collect();
        for by in [0, 20, 50] {
            rows.push(&row.iter().map(|level| level + by).collect::<Vec<_>>());
        }
        let picture = rows.finish(Orientation::default());
        let pixels = picture.pixels();
        assert_eq!(pixels.dim(), (2, 801, 3));
        // (0 + 1 + 20 + 21) / 4 = 10.5, rounded up.
        assert_eq!(pixels[[0, 0, 0]], 11);
        assert_eq!(pixels[[0, 800, 2]], 10);
        assert_eq!(pixels[[1, 800, 1]], 50);
        assert_eq!(picture.size(), (3, 1601));
    }

    /// The corners of a picture of 2 × 3 by how it is seen.
    #[test]
    fn orientations_are_applied() {
        // As Exif draws an F: the first row is seen at the top, the right, ...
        let expected: [(u16, &[&[u8]]); 8] = [
            (1, &[&[0, 1, 2], &[3, 4, 5]]),
            (2, &[&[2, 1, 0], &[5, 4, 3]]),
            (3, &[&[5, 4, 3], &[2, 1, 0]]),
            (4, &[&[3, 4, 5], &[0, 1, 2]]),
            (5, &[&[0, 3], &[1, 4], &[2, 5]]),
            (6, &[&[3, 0], &[4, 1], &[5, 2]]),
            (7, &[&[5, 2], &[4, 1], &[3, 0]]),
            (8, &[&[2, 5], &[1, 4], &[0, 3]]),
        ];
        for (value, expected) in expected {
            let mut exif = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0".to_vec();
            exif[18] = value as u8;
            let mut rows = Reducer::new(3, 2, 1);
            rows.push(&[0, 1, 2]);
            rows.push(&[3, 4, 5]);
            let picture = rows.finish(Orientation::of_exif(&exif));
            let pixels = picture.pixels();
            let pixels = pixels.index_axis(Axis(2), 0);
            let found: Vec<Vec<u8>> = pixels.rows().into_iter().map(|row| row.to_vec()).collect();
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn transparent_pixels_get_the_colour_of_the_border_or_the_other_end_of_the_scale() {
        let finished = |pixels: [[u8; 2]; 9]| {
            let mut rows = Reducer::new(3, 3, 2);
            pixels
                .chunks(3)
                .for_each(|row| rows.push(row.as_flattened()));
            rows.finish(Orientation::default()).pixels()[[1, 1, 0]]
        };
        let mut seen = [[90, 255]; 9];
        seen[4] = [0, 0];
        assert_eq!(finished(seen), 90);
        let mut dark = [[7, 0]; 9];
        dark[4] = [0, 128];
        assert_eq!(finished(dark), 127);
        let mut light = [[7, 0]; 9];
        light[4] = [255, 64];
        assert_eq!(finished(light), 64);
    }
}
