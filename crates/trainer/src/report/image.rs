//! Pictures within the page: PNG as data URIs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use ndarray::ArrayView2;

use super::numbers;
use crate::error::Error;

/// Red, green and blue of the largest number and of its negative. They are seen on white and on black; in
/// between, a number is the more transparent the nearer it is to 0. The style sheet's legend has the same.
const ABOVE: [u8; 3] = [232, 112, 28];
const BELOW: [u8; 3] = [56, 146, 220];

/// An image (H, W) of the data set. The style sheet turns ink into the colour of text.
///
/// # Errors
/// If it has no pixels.
pub(crate) fn grey(image: ArrayView2<'_, u8>) -> Result<String, Error> {
    let mut png = Vec::new();
    mnist_data::png::write(&mut png, &image)?;
    Ok(uri(&png))
}

/// Numbers (H, W) as a picture: orange above 0, blue below, transparent at 0, full at `largest` and beyond.
///
/// # Errors
/// If there are none.
pub(crate) fn diverging(numbers: ArrayView2<'_, f32>, largest: f32) -> Result<String, Error> {
    let (height, width) = numbers.dim();
    let mut pixels = Vec::with_capacity(4 * numbers.len());
    for &number in numbers {
        let strength = if largest > 0.0 {
            number.abs() / largest
        } else {
            0.0
        };
        pixels.extend(if number > 0.0 { ABOVE } else { BELOW });
        // The cast of a NaN is 0, and what is too large becomes 255.
        pixels.push((255.0 * strength).round() as u8);
    }
    let mut file = Vec::new();
    // No image of a network has 2^32 pixels a side; one that had would be refused by the encoder.
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_compression(png::Compression::High);
    let written = encoder.write_header().and_then(|mut png| {
        png.write_image_data(&pixels)?;
        png.finish()
    });
    written.map_err(|error| {
        Error::Failed(format!("a picture of {height} × {width} numbers: {error}"))
    })?;
    Ok(uri(&file))
}

/// What the colours of [`diverging`] mean.
pub(crate) fn legend(largest: f32) -> Markup {
    let largest = f64::from(largest);
    html! {
        span.legend {
            span { (numbers::short(-largest)) }
            span.ramp role="img" aria-label="from blue by way of nothing to orange" {}
            span { (numbers::short(largest)) }
        }
    }
}

fn uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use ndarray::array;

    use super::{ABOVE, BELOW, diverging};

    #[test]
    fn numbers_above_and_below_nought_have_their_colour_and_their_strength() {
        let numbers = array![[1.0, -0.5, 0.0], [2.0, f32::NAN, f32::NEG_INFINITY]];
        let uri = diverging(numbers.view(), 1.0).expect("a picture");
        let png = uri
            .strip_prefix("data:image/png;base64,")
            .expect("a data URI");
        let png = STANDARD.decode(png).expect("base64");
        let mut reader = png::Decoder::new(std::io::Cursor::new(png))
            .read_info()
            .expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
        reader.next_frame(&mut pixels).expect("pixels");
        let pixel = |[r, g, b]: [u8; 3], alpha: u8| vec![r, g, b, alpha];
        let expected = [
            pixel(ABOVE, 255),
            pixel(BELOW, 128),
            pixel(BELOW, 0),
            pixel(ABOVE, 255),
            pixel(BELOW, 0),
            pixel(BELOW, 255),
        ];
        assert_eq!(pixels, expected.concat());
    }
}
