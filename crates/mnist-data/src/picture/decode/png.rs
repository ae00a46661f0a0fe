//! PNG files, of every colour type and depth.

use std::io::{BufRead, ErrorKind, Seek};

use png::{ColorType, Decoder, DecodingError, Limits, Reader, Transformations};

use super::reduce::Reducer;
use super::{Decoded, LIMIT, Orientation, check_size};
use crate::picture::error::Error;

/// # Errors
/// If the file is damaged or has too many pixels.
pub(super) fn decode(file: impl BufRead + Seek) -> Result<Decoded, Error> {
    let mut decoder = Decoder::new_with_limits(file, Limits { bytes: LIMIT });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(broken)?;
    let (width, height) = (header.width, header.height);
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let channels = match reader.output_color_type().0 {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb => 3,
        ColorType::Rgba => 4,
        ColorType::Indexed => return Err(Error::broken("PNG", "its palette could not be applied")),
    };
    let mut rows = Reducer::new(width as usize, height as usize, channels);
    read_rows(&mut reader, &mut rows)?;
    reader.finish().map_err(broken)?;
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.map_or(Orientation::default(), Orientation::of_exif);
    Ok(Decoded { rows, orientation })
}

fn read_rows(reader: &mut Reader<impl BufRead + Seek>, rows: &mut Reducer) -> Result<(), Error> {
    if !reader.info().interlaced {
        while let Some(row) = reader.next_row().map_err(broken)? {
            rows.push(row.data());
        }
        return Ok(());
    }
    // The passes of an interlaced picture must all be there before its first row is.
    let size = reader.output_buffer_size();
    let size = size.ok_or_else(|| Error::broken("PNG", "it has too many pixels"))?;
    let mut bytes = vec![0; size];
    let frame = reader.next_frame(&mut bytes).map_err(broken)?;
    for row in bytes.chunks_exact(frame.line_size) {
        rows.push(row);
    }
    Ok(())
}

fn broken(error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => Error::Ends,
        DecodingError::IoError(error) => Error::Io(error),
        error => Error::broken("PNG", error),
    }
}
