//! A picture's file: told apart by its content, decoded row by row, reduced and set upright.

mod exif;
mod jpeg;
mod png;
mod reduce;

use std::io::{BufRead, Seek};

use ndarray::ArrayView2;

use super::error::Error;
use super::ink::LEAST_CONTRAST;
use super::pixels::{MOST_PIXELS, Picture};
use exif::Orientation;
use reduce::Reducer;

/// Bytes that a decoder may take beside the picture's.
const LIMIT: usize = 1 << 26;

/// A picture's rows, reduced, with what the file says of its orientation.
struct Decoded {
    rows: Reducer,
    orientation: Orientation,
}

/// The picture of a PNG or JPEG file.
///
/// # Errors
/// If it is another kind of file, which is named where it is known, a damaged one, or has too many pixels.
pub(super) fn picture(mut file: impl BufRead + Seek) -> Result<Picture, Error> {
    let decoded = match Format::of(&mut file)? {
        Format::Png => png::decode(file)?,
        Format::Jpeg => jpeg::decode(file)?,
        Format::Other(name) => return Err(Error::Unsupported(name)),
    };
    Ok(decoded.rows.finish(decoded.orientation))
}

/// The picture of levels of grey, reduced as one of a file.
///
/// # Errors
/// If it has no pixels, or too many.
pub(super) fn grey(levels: ArrayView2<'_, u8>) -> Result<Picture, Error> {
    let (height, width) = levels.dim();
    let [rows, columns] = [height, width].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
    check_size(columns, rows)?;
    if levels.is_empty() {
        return Err(Error::Blank {
            contrast: 0,
            least: LEAST_CONTRAST,
        });
    }
    let mut rows = Reducer::new(width, height, 1);
    for row in levels.rows() {
        rows.push(&row.to_vec());
    }
    Ok(rows.finish(Orientation::default()))
}

/// Refuses a picture with more pixels than it may have.
fn check_size(width: u32, height: u32) -> Result<(), Error> {
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Error::TooLarge { width, height });
    }
    Ok(())
}

/// What a file holds, by its first bytes; its name does not matter.
#[derive(Debug, PartialEq)]
enum Format {
    Png,
    Jpeg,
    /// One that is known by name alone.
    Other(&'static str),
}

impl Format {
    /// Reads the first bytes, and goes back to the start.
    ///
    /// # Errors
    /// If the file cannot be read, is empty, or starts as no picture does.
    fn of(file: &mut (impl BufRead + Seek)) -> Result<Self, Error> {
        let mut start = [0; 16];
        let mut length = 0;
        while length < start.len() {
            match file.read(&mut start[length..])? {
                0 => break,
                more => length += more,
            }
        }
        file.rewind()?;
        Self::named(&start[..length])
    }

    fn named(start: &[u8]) -> Result<Self, Error> {
        let brand = start.get(4..12).unwrap_or_default();
        Ok(match start {
            [] => return Err(Error::Empty),
            [0x89, b'P', b'N', b'G', ..] => Self::Png,
            [0xff, 0xd8, ..] => Self::Jpeg,
            [b'G', b'I', b'F', b'8', ..] => Self::Other("a GIF"),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Self::Other("a WebP"),
            _ if matches!(brand, b"ftypavif" | b"ftypavis") => Self::Other("an AVIF"),
            _ if brand.starts_with(b"ftyphe")
                || matches!(brand, b"ftypmif1" | b"ftypmsf1" | b"ftypmiaf") =>
            {
                Self::Other("a HEIC")
            }
            [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => {
                Self::Other("a JPEG XL")
            }
            [0, 0, 0, 0x0c, b'j', b'P', b' ', b' ', ..] => Self::Other("a JPEG 2000"),
            [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => Self::Other("a TIFF"),
            [b'%', b'P', b'D', b'F', ..] => Self::Other("a PDF"),
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Self::Other("a BMP"),
            [b'8', b'B', b'P', b'S', ..] => Self::Other("a Photoshop"),
            [b'P', b'1'..=b'7', b' ' | b'\n' | b'\r' | b'\t', ..] => Self::Other("a PNM"),
            _ => return Err(Error::NoPicture),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ndarray::{Array2, Axis};

    use super::*;

    #[test]
    fn levels_of_grey_are_a_picture_as_long_as_there_are_some() {
        let levels = Array2::from_shape_fn((1700, 3), |(y, _)| (y % 200) as u8);
        let large = grey(levels.view()).unwrap();
        assert_eq!((large.size(), large.factor()), ((1700, 3), 2));
        let (few, _) = levels.view().split_at(Axis(0), 5);
        assert_eq!(grey(few).unwrap().grey(), few);
        for shape in [(0, 3), (3, 0)] {
            let error = grey(Array2::zeros(shape).view()).unwrap_err();
            assert!(matches!(error, Error::Blank { .. }), "{error}");
        }
    }

    #[test]
    fn formats_are_told_apart_by_content() {
        for (start, name) in [
            (&b"RIFF\x24\0\0\0WEBPVP8 "[..], "a WebP"),
            (b"GIF89a\x01\0\x01\0", "a GIF"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0", "a HEIC"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF"),
            (b"BM\x36\0\0\0\0\0\0\0\x36\0", "a BMP"),
            (b"II\x2a\0\x08\0\0\0", "a TIFF"),
            (b"%PDF-1.7", "a PDF"),
        ] {
            assert_eq!(Format::named(start).unwrap(), Format::Other(name));
            let message = picture(Cursor::new(start)).unwrap_err().to_string();
            assert!(
                message.contains(name) && message.contains("save it as PNG or JPEG"),
                "{message}"
            );
        }
        assert_eq!(Format::named(b"\x89PNG\r\n\x1a\n").unwrap(), Format::Png);
        assert_eq!(Format::named(b"\xff\xd8\xff\xe0").unwrap(), Format::Jpeg);
        assert!(matches!(Format::named(b"four"), Err(Error::NoPicture)));
        assert!(matches!(Format::named(b""), Err(Error::Empty)));
    }
}
