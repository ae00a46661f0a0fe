//! Images to look at (feature `png`): one image or a sheet of many, as PNG.

use std::io::Write;

use ndarray::{Array2, ArrayRef2, Axis, Slice};
use png::{BitDepth, ColorType, Encoder, EncodingError};

use crate::{Dataset, Error, ErrorKind};

/// The line between the images of a sheet.
const GAP: usize = 1;
const GAP_GREY: u8 = 96;

/// Writes a grey image u8 (H, W) as PNG: 0 is black, 255 white.
///
/// # Errors
///
/// If the image has no pixels or too many for PNG, or writing fails.
///
/// ```
/// use mnist_data::{Dataset, png};
/// use ndarray::{Array1, Array3, Axis};
///
/// let dataset = Dataset::new(Array3::zeros((30, 28, 28)), Array1::zeros(30))?;
/// let (mut image, mut sheet) = (Vec::new(), Vec::new());
/// png::write(&mut image, &dataset.images().index_axis(Axis(0), 0))?;
/// png::write(&mut sheet, &dataset.contact_sheet(10)?)?;
/// assert!(image.starts_with(b"\x89PNG") && sheet.starts_with(b"\x89PNG"));
/// # Ok::<(), mnist_data::Error>(())
/// ```
pub fn write(mut out: impl Write, image: &ArrayRef2<u8>) -> Result<(), Error> {
    let (height, width) = image.dim();
    let dimension = |length: usize| {
        let fits = u32::try_from(length)
            .ok()
            .filter(|&length| length > 0 && length < 1 << 31);
        fits.ok_or_else(|| ErrorKind::Shape {
            expected: "1 to 2^31 − 1 pixels each way".to_owned(),
            found: format!("{height}×{width}"),
        })
    };
    let mut encoder = Encoder::new(&mut out, dimension(width)?, dimension(height)?);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    let pixels: Vec<u8> = image.iter().copied().collect();
    let io = |error: EncodingError| ErrorKind::Io(error.into());
    let mut writer = encoder.write_header().map_err(io)?;
    writer.write_image_data(&pixels).map_err(io)?;
    writer.finish().map_err(io)?;
    out.flush().map_err(|error| ErrorKind::Io(error).into())
}

impl Dataset {
    /// All images on one image u8 (H, W), row by row with a grey line between them. For a sheet of
    /// only a few, take the [first](Dataset::first) ones.
    ///
    /// # Errors
    ///
    /// If there are no images, or `columns` is 0.
    pub fn contact_sheet(&self, columns: usize) -> Result<Array2<u8>, Error> {
        if columns == 0 {
            let (expected, found) = ("at least 1".to_owned(), "0".to_owned());
            return Err(ErrorKind::Parameter {
                name: "columns",
                expected,
                found,
            }
            .into());
        }
        if self.is_empty() {
            return Err(ErrorKind::Count {
                what: "images",
                expected: 1,
                found: 0,
            }
            .into());
        }
        let (height, width) = self.image_size();
        let columns = columns.min(self.len());
        let rows = self.len().div_ceil(columns);
        let (tall, wide) = (height + GAP, width + GAP);
        let mut sheet = Array2::from_elem((rows * tall - GAP, columns * wide - GAP), GAP_GREY);
        for (index, image) in self.images().axis_iter(Axis(0)).enumerate() {
            let (y, x) = (index / columns * tall, index % columns * wide);
            let place = |axis: Axis| match axis {
                Axis(0) => Slice::from(y..y + height),
                _ => Slice::from(x..x + width),
            };
            sheet
                .slice_each_axis_mut(|about| place(about.axis))
                .assign(&image);
        }
        Ok(sheet)
    }
}
