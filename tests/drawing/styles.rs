//! Styles of pictures by which one digit becomes several files: sizes, margins, colours and formats.

use std::fs;
use std::path::Path;

use ndarray::{Array2, ArrayView2};
use png::{BitDepth, ColorType};

use super::canvas::linear;

/// How a digit becomes a picture.
pub struct Style {
    /// What a failed test calls it.
    pub name: &'static str,
    /// The PNG's kind of colours.
    pub colour: ColorType,
    /// The PNG's bits of a channel.
    pub depth: BitDepth,
    /// Bytes of a pixel with this much ink, 0 to 255.
    pub pixel: fn(u8) -> Vec<u8>,
    /// A digit (28, 28) in the size of the picture.
    pub enlarge: fn(ArrayView2<'_, u8>) -> Array2<u8>,
    /// Pixels of paper above, below, left and right.
    pub margins: [usize; 4],
    /// Of how many pictures in 200 another class may be found.
    pub others: usize,
}

/// How the tests of `predict` draw each digit.
pub const STYLES: [Style; 8] = [
    Style {
        name: "as it is",
        colour: ColorType::Grayscale,
        depth: BitDepth::Eight,
        pixel: |ink| vec![ink],
        enlarge: |image| image.to_owned(),
        margins: [0; 4],
        others: 0,
    },
    Style {
        name: "enlarged, ink on paper, shifted",
        colour: ColorType::Grayscale,
        depth: BitDepth::Eight,
        pixel: |ink| vec![255 - ink],
        enlarge: |image| blocks(image, 7),
        margins: [130, 5, 20, 0],
        others: 0,
    },
    Style {
        name: "smooth, blue on grey paper",
        colour: ColorType::Rgb,
        depth: BitDepth::Eight,
        pixel: |ink| {
            let faded = |from: u8, to: u8| {
                let (from, to, ink) = (i32::from(from), i32::from(to), i32::from(ink));
                (from + (to - from) * ink / 255) as u8
            };
            vec![faded(200, 20), faded(200, 30), faded(195, 160)]
        },
        enlarge: |image| smooth(image, 12),
        margins: [10, 60, 100, 10],
        others: 6,
    },
    Style {
        name: "black on nothing",
        colour: ColorType::Rgba,
        depth: BitDepth::Eight,
        pixel: |ink| vec![0, 0, 0, ink],
        enlarge: |image| blocks(image, 3),
        margins: [3, 40, 0, 11],
        others: 0,
    },
    Style {
        name: "white on nothing",
        colour: ColorType::GrayscaleAlpha,
        depth: BitDepth::Eight,
        pixel: |ink| vec![255, ink],
        enlarge: |image| smooth(image, 2),
        margins: [3, 40, 0, 11],
        others: 6,
    },
    Style {
        name: "16 bits",
        colour: ColorType::Grayscale,
        depth: BitDepth::Sixteen,
        pixel: |ink| vec![255 - ink, ink],
        enlarge: |image| blocks(image, 2),
        margins: [1; 4],
        others: 0,
    },
    Style {
        name: "palette",
        colour: ColorType::Indexed,
        depth: BitDepth::Eight,
        pixel: |ink| vec![ink / 16],
        enlarge: |image| blocks(image, 5),
        margins: [9; 4],
        others: 3,
    },
    Style {
        name: "black and white",
        colour: ColorType::Grayscale,
        depth: BitDepth::Eight,
        pixel: |ink| vec![if ink < 128 { 0 } else { 255 }],
        enlarge: |image| smooth(image, 20),
        margins: [9; 4],
        others: 6,
    },
];

fn blocks(image: ArrayView2<'_, u8>, by: usize) -> Array2<u8> {
    let (height, width) = image.dim();
    Array2::from_shape_fn((by * height, by * width), |(y, x)| image[[y / by, x / by]])
}

/// Enlarged with linear interpolation.
fn smooth(image: ArrayView2<'_, u8>, by: usize) -> Array2<u8> {
    let (height, width) = image.dim();
    let levels = image.mapv(f32::from);
    let place = |i: usize| (i as f32 + 0.5) / by as f32 - 0.5;
    Array2::from_shape_fn((by * height, by * width), |(y, x)| {
        linear(&levels, place(y), place(x)).round() as u8
    })
}

/// Writes an image as a PNG file in a style.
pub fn write_picture(path: &Path, image: ArrayView2<'_, u8>, style: &Style) {
    let image = (style.enlarge)(image);
    let [top, bottom, left, right] = style.margins;
    let (height, width) = image.dim();
    let all = (top + height + bottom, left + width + right);
    let pixels: Vec<Vec<u8>> = (0..=u8::MAX).map(style.pixel).collect();
    let mut bytes = Vec::new();
    for (y, x) in (0..all.0).flat_map(|y| (0..all.1).map(move |x| (y, x))) {
        let place = y.checked_sub(top).zip(x.checked_sub(left));
        let ink = place.and_then(|place| image.get(place)).unwrap_or(&0);
        bytes.extend_from_slice(&pixels[usize::from(*ink)]);
    }
    let mut encoder =
        png::Encoder::new(fs::File::create(path).unwrap(), all.1 as u32, all.0 as u32);
    encoder.set_color(style.colour);
    encoder.set_depth(style.depth);
    if style.colour == ColorType::Indexed {
        let grey = (0..16_u8).flat_map(|ink| [250 - 15 * ink; 3]);
        encoder.set_palette(grey.collect::<Vec<_>>());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&bytes).unwrap();
}
