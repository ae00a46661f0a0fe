//! A picture of a digit, from a PNG file to what a network was trained on.

mod digit;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use ndarray::Array2;
use png::{ColorType, DecodingError, Limits, Transformations};

pub use digit::digit;

use crate::error::Error;

/// Pixels of a picture; a page of A4 at 600 dots an inch has half as many.
const MOST_PIXELS: u64 = 1 << 26;
/// Bytes that the decoder may take beside the picture's.
const LIMIT: usize = 1 << 26;

/// A PNG file as grey levels, 0 black to 255 white, (rows, columns): of any size and colour type, also with a palette, 16
/// bits or transparent pixels.
///
/// Colours become grey by their luma (ITU-R BT.709). What is transparent has the colour of the border; where the
/// border is transparent itself, it is white under dark ink and black under light ink.
///
/// # Errors
/// If the file is not there, is no PNG or a damaged one, or has too many pixels; the error names it.
pub fn read(path: &Path) -> Result<Array2<u8>, Error> {
    decode(path).map_err(|problem| Error::Failed(format!("{}: {problem}", path.display())))
}

fn decode(path: &Path) -> Result<Array2<u8>, String> {
    // A folder can be opened; even to open a pipe may take for ever.
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("this is not a regular file, expected a PNG".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut decoder = png::Decoder::new_with_limits(BufReader::new(file), Limits { bytes: LIMIT });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(no_png)?;
    let (width, height) = (header.width, header.height);
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!(
            "it has {width}×{height} pixels, expected at most {MOST_PIXELS} in all; make it smaller"
        ));
    }
    let mut reader = decoder.read_info().map_err(no_png)?;
    let size = reader
        .output_buffer_size()
        .ok_or("it has too many pixels")?;
    let mut bytes = vec![0; size];
    let frame = reader.next_frame(&mut bytes).map_err(no_png)?;
    reader.finish().map_err(no_png)?;
    bytes.truncate(frame.buffer_size());
    let (levels, opacities) = split(frame.color_type, &bytes)?;
    drop(bytes);
    let shape = (height as usize, width as usize);
    let mut levels = Array2::from_shape_vec(shape, levels).map_err(|error| error.to_string())?;
    if let Some(opacities) = opacities {
        let opacities =
            Array2::from_shape_vec(shape, opacities).map_err(|error| error.to_string())?;
        lay_on_background(&mut levels, &opacities);
    }
    Ok(levels)
}

fn no_png(error: DecodingError) -> String {
    let advice = "convert the picture to PNG, or save it anew";
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            format!("the file ends before the picture does; {advice}")
        }
        error => format!("no PNG that can be read: {error}; {advice}"),
    }
}

/// Grey levels, and opacities where there are any.
type Levels = (Vec<u8>, Option<Vec<u8>>);

fn split(colour: ColorType, bytes: &[u8]) -> Result<Levels, String> {
    Ok(match colour {
        ColorType::Grayscale => (bytes.to_vec(), None),
        ColorType::GrayscaleAlpha => {
            let (pixels, _) = bytes.as_chunks();
            with_opacities(pixels.iter().map(|&[level, opacity]| (level, opacity)))
        }
        ColorType::Rgb => {
            let (pixels, _) = bytes.as_chunks();
            let levels = pixels.iter().map(|&[r, g, b]| luma(r, g, b));
            (levels.collect(), None)
        }
        ColorType::Rgba => {
            let (pixels, _) = bytes.as_chunks();
            let pixels = pixels.iter();
            with_opacities(pixels.map(|&[r, g, b, opacity]| (luma(r, g, b), opacity)))
        }
        ColorType::Indexed => return Err("its palette could not be applied".to_owned()),
    })
}

fn with_opacities(pixels: impl Iterator<Item = (u8, u8)>) -> Levels {
    let (levels, opacities) = pixels.unzip();
    (levels, Some(opacities))
}

fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b) + 5000) / 10_000) as u8
}

fn lay_on_background(levels: &mut Array2<u8>, opacities: &Array2<u8>) {
    if opacities.iter().all(|&opacity| opacity == 255) {
        return;
    }
    let visible = |opacity: u8| opacity >= 128;
    let around: Vec<u8> = digit::border(opacities.view()).collect();
    let background = if visible(digit::quantile(around.clone(), 0.5)) {
        let around = digit::border(levels.view()).zip(around);
        let around = around.filter(|&(_, opacity)| visible(opacity));
        digit::quantile(around.map(|(level, _)| level).collect(), 0.5)
    } else {
        let (mut sum, mut weight) = (0_u64, 0_u64);
        for (&level, &opacity) in levels.iter().zip(opacities) {
            sum += u64::from(level) * u64::from(opacity);
            weight += u64::from(opacity);
        }
        // The other end of the scale than the ink.
        if 2 * sum > 255 * weight { 0 } else { 255 }
    };
    levels.zip_mut_with(opacities, |level, &opacity| {
        let (own, other) = (u32::from(opacity), 255 - u32::from(opacity));
        let mixed = own * u32::from(*level) + other * u32::from(background);
        *level = ((mixed + 127) / 255) as u8;
    });
}
