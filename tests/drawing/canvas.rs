//! What pictures are drawn on, and digits as ink.

use ndarray::{Array2, ArrayView2, Zip};
use png::{BitDepth, ColorType, Compression};

/// Red, green and blue, 0 to 255.
pub type Colour = [f32; 3];

/// A shade from black, 0, to white, 255.
#[must_use]
pub fn grey(level: f32) -> Colour {
    [level; 3]
}

/// A picture that is being drawn.
#[derive(Clone)]
pub struct Canvas {
    /// (rows, columns).
    pub pixels: Array2<Colour>,
}

impl Canvas {
    /// Rows and columns of one colour.
    #[must_use]
    pub fn new(shape: (usize, usize), colour: Colour) -> Self {
        Self {
            pixels: Array2::from_elem(shape, colour),
        }
    }

    /// Its rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.pixels.nrows()
    }

    /// Its columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.pixels.ncols()
    }

    /// Fills rows and columns, as far as they are there.
    pub fn fill(
        &mut self,
        rows: std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
        colour: Colour,
    ) {
        for mut row in self
            .pixels
            .rows_mut()
            .into_iter()
            .take(rows.end)
            .skip(rows.start)
        {
            for pixel in row.iter_mut().take(columns.end).skip(columns.start) {
                *pixel = colour;
            }
        }
    }

    /// Lays ink, 0 none to 1 full, with its first pixel at a place.
    pub fn draw(&mut self, ink: &Array2<f32>, (top, left): (usize, usize), pen: Colour) {
        for ((y, x), part) in ink.indexed_iter() {
            if let Some(pixel) = self.pixels.get_mut((top + y, left + x)) {
                for (level, pen) in pixel.iter_mut().zip(pen) {
                    *level += part * (pen - *level);
                }
            }
        }
    }

    /// Lays another picture on this one.
    pub fn lay(&mut self, other: &Self, (top, left): (usize, usize)) {
        for ((y, x), colour) in other.pixels.indexed_iter() {
            if let Some(pixel) = self.pixels.get_mut((top + y, left + x)) {
                *pixel = *colour;
            }
        }
    }

    /// Takes a part of the light at each place, which is told from 0 to 1 downwards and to the right.
    pub fn light(&mut self, part: impl Fn(f32, f32) -> f32) {
        let (height, width) = (self.height() as f32, self.width() as f32);
        for ((y, x), pixel) in self.pixels.indexed_iter_mut() {
            let part = part((y as f32 + 0.5) / height, (x as f32 + 0.5) / width);
            *pixel = pixel.map(|level| level * part);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let levels = self.pixels.iter().flatten();
        levels
            .map(|level| level.round().clamp(0.0, 255.0) as u8)
            .collect()
    }

    /// The file of a PNG of it.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width() as u32, self.height() as u32);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&self.bytes()).unwrap();
        drop(writer);
        file
    }

    /// The file of a JPEG of it, by a quality from 1 to 100.
    #[must_use]
    pub fn jpeg(&self, quality: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut file, quality);
        let (width, height) = (self.width() as u16, self.height() as u16);
        let colours = jpeg_encoder::ColorType::Rgb;
        encoder
            .encode(&self.bytes(), width, height, colours)
            .unwrap();
        file
    }
}

/// The value at a place of an image, linearly between its pixels, whose middles are whole numbers; outside it is 0.
#[must_use]
pub fn linear(image: &Array2<f32>, y: f32, x: f32) -> f32 {
    let (rows, columns) = image.dim();
    let level = |y: isize, x: isize| {
        let inside = (0..rows as isize).contains(&y) && (0..columns as isize).contains(&x);
        match inside {
            true => image[[y as usize, x as usize]],
            false => 0.0,
        }
    };
    let (top, left) = (y.floor(), x.floor());
    let (down, right) = (y - top, x - left);
    let (top, left) = (top as isize, left as isize);
    let upper = level(top, left) * (1.0 - right) + level(top, left + 1) * right;
    let lower = level(top + 1, left) * (1.0 - right) + level(top + 1, left + 1) * right;
    upper * (1.0 - down) + lower * down
}

/// An image's ink enlarged or made smaller to `side` × `side`: between its pixels linearly, with edges as sharp as a pen's.
#[must_use]
pub fn enlarged(image: ArrayView2<'_, u8>, side: usize) -> Array2<f32> {
    let ink = image.mapv(|pixel| f32::from(pixel) / 255.0);
    let by = side as f32 / image.nrows() as f32;
    // Of a smaller picture, the mean of 4 × 4 places in a pixel.
    let places = if by < 1.0 { 4 } else { 1 };
    let sharpness = by.clamp(1.0, 4.0);
    Array2::from_shape_fn((side, side), |(y, x)| {
        let place =
            |at: usize, part: usize| (at as f32 + (part as f32 + 0.5) / places as f32) / by - 0.5;
        let mut sum = 0.0;
        for (down, right) in
            (0..places).flat_map(|down| (0..places).map(move |right| (down, right)))
        {
            sum += linear(&ink, place(y, down), place(x, right));
        }
        let mean = sum / (places * places) as f32;
        ((mean - 0.5) * sharpness + 0.5).clamp(0.0, 1.0)
    })
}

/// The middle lines of ink: T. Y. Zhang and C. Y. Suen, A fast parallel algorithm for thinning digital patterns (1984).
pub fn skeleton(ink: &Array2<f32>) -> Array2<bool> {
    let mut mask = ink.mapv(|part| part > 0.5);
    let (height, width) = mask.dim();
    let mut unchanged = 0;
    for phase in (0..2).cycle() {
        let mut gone = Vec::new();
        for (y, x) in (1..height - 1).flat_map(|y| (1..width - 1).map(move |x| (y, x))) {
            if !mask[[y, x]] {
                continue;
            }
            // Clockwise from the one above.
            let around = [
                mask[[y - 1, x]],
                mask[[y - 1, x + 1]],
                mask[[y, x + 1]],
                mask[[y + 1, x + 1]],
                mask[[y + 1, x]],
                mask[[y + 1, x - 1]],
                mask[[y, x - 1]],
                mask[[y - 1, x - 1]],
            ];
            let count = around.iter().filter(|&&set| set).count();
            let starts = (0..8)
                .filter(|&at| !around[at] && around[(at + 1) % 8])
                .count();
            let [up, _, right, _, down, _, left, _] = around;
            let kept = match phase {
                0 => right && down && (up || left),
                _ => up && left && (right || down),
            };
            if (2..=6).contains(&count) && starts == 1 && !kept {
                gone.push([y, x]);
            }
        }
        unchanged = if gone.is_empty() { unchanged + 1 } else { 0 };
        if unchanged == 2 {
            break;
        }
        for place in gone {
            mask[place] = false;
        }
    }
    mask
}

/// Lines drawn by a round pen.
pub fn drawn(lines: &Array2<bool>, radius: f32) -> Array2<f32> {
    let mut ink: Array2<f32> = Array2::zeros(lines.dim());
    let reach = radius.ceil() as isize + 1;
    for ((y, x), _) in lines.indexed_iter().filter(|&(_, &set)| set) {
        for (down, right) in
            (-reach..=reach).flat_map(|down| (-reach..=reach).map(move |right| (down, right)))
        {
            let place = (y.wrapping_add_signed(down), x.wrapping_add_signed(right));
            if let Some(part) = ink.get_mut(place) {
                let distance = ((down * down + right * right) as f32).sqrt();
                *part = part.max((radius + 0.5 - distance).clamp(0.0, 1.0));
            }
        }
    }
    ink
}

/// The ink of both.
pub fn both(one: &Array2<f32>, other: &Array2<f32>) -> Array2<f32> {
    Zip::from(one).and(other).map_collect(|a, b| a.max(*b))
}
