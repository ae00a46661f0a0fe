//! JPEG files.

use std::io::{BufRead, Seek};

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::reduce::Reducer;
use super::{Decoded, LIMIT, Orientation, check_size};
use crate::picture::error::Error;

/// Bytes of a coefficient, which a progressive file keeps of all its pixels.
const COEFFICIENT: u64 = 2;

/// # Errors
/// If the file is damaged, of a kind that is hardly ever met (lossless, arithmetic coding), or has too many pixels.
pub(super) fn decode(file: impl BufRead + Seek) -> Result<Decoded, Error> {
    let sides = usize::from(u16::MAX);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(sides)
        .set_max_height(sides);
    let mut decoder = JpegDecoder::new_with_options(file, options);
    decoder.decode_headers().map_err(broken)?;
    let info = decoder.info().ok_or(Error::Ends)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(width, height)?;
    let coefficients = u64::from(width) * u64::from(height) * u64::from(info.components);
    if !info.sof.is_sequential_dct() && coefficients * COEFFICIENT > LIMIT as u64 {
        return Err(Error::LargeProgressive { width, height });
    }
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (channels, colours) = match grey {
        true => (1, ColorSpace::Luma),
        false => (3, ColorSpace::RGB),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let mut bytes = vec![0; width as usize * height as usize * channels];
    decoder.decode_into(&mut bytes).map_err(broken)?;
    let mut rows = Reducer::new(width as usize, height as usize, channels);
    for row in bytes.chunks_exact(width as usize * channels) {
        rows.push(row);
    }
    let orientation = decoder.exif().map(Vec::as_slice);
    let orientation = orientation.map_or(Orientation::default(), Orientation::of_exif);
    Ok(Decoded { rows, orientation })
}

fn broken(error: DecodeErrors) -> Error {
    match error {
        DecodeErrors::ExhaustedData => Error::Ends,
        // The decoder's words, which have line breaks; where they are about bytes that are missing, ours are plainer.
        error => match format!("{error:?}") {
            reason if reason.contains("Not enough bytes") => Error::Ends,
            reason => {
                let words: Vec<&str> = reason.split_whitespace().collect();
                Error::broken("JPEG", words.join(" "))
            }
        },
    }
}
