//! PNG files that another decoder reads as they were meant.

use mnist_data::{Dataset, ErrorKind, png};
use ndarray::{Array1, Array2, Array3, s};

/// Read by the crate `png`, which this crate does not use.
fn decoded(file: &[u8]) -> Array2<u8> {
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(
        (info.color_type, info.bit_depth),
        (::png::ColorType::Grayscale, ::png::BitDepth::Eight)
    );
    Array2::from_shape_vec((info.height as usize, info.width as usize), pixels).unwrap()
}

fn written(image: &Array2<u8>) -> Vec<u8> {
    let mut file = Vec::new();
    png::write(&mut file, image).unwrap();
    file
}

#[test]
fn an_image_comes_back() {
    for shape in [(1, 1), (28, 28), (3, 1000), (1000, 3)] {
        let image = Array2::from_shape_fn(shape, |(h, w)| (h * 31 + w * 17) as u8);
        assert_eq!(decoded(&written(&image)), image);
    }
    let image = Array2::from_shape_fn((3, 5), |(h, w)| (h * 5 + w) as u8);
    let mut file = Vec::new();
    png::write(&mut file, &image.t()).unwrap();
    assert_eq!(decoded(&file), image.t());
}

#[test]
fn an_image_without_pixels_is_refused() {
    for shape in [(0, 5), (5, 0)] {
        let error = png::write(Vec::new(), &Array2::zeros(shape)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Shape { .. }), "{error}");
    }
}

#[test]
fn a_contact_sheet_has_every_image_in_its_place() {
    let images = Array3::from_shape_fn((7, 4, 5), |(n, h, w)| (n * 20 + h * 5 + w) as u8);
    let dataset = Dataset::new(images.clone(), Array1::zeros(7)).unwrap();
    let sheet = dataset.contact_sheet(3).unwrap();
    assert_eq!(sheet.dim(), (3 * 5 - 1, 3 * 6 - 1));
    for n in 0..7 {
        let (y, x) = (n / 3 * 5, n % 3 * 6);
        assert_eq!(
            sheet.slice(s![y..y + 4, x..x + 5]),
            images.index_axis(ndarray::Axis(0), n)
        );
    }
    assert!(sheet.row(4).iter().all(|&pixel| pixel == sheet[[4, 0]]));
    assert_eq!(decoded(&written(&sheet)), sheet);
    // More columns than images make no empty ones.
    assert_eq!(dataset.contact_sheet(100).unwrap().dim(), (4, 7 * 6 - 1));
}

#[test]
fn a_sheet_of_nothing_is_refused() {
    let dataset = Dataset::new(Array3::zeros((0, 4, 5)), Array1::zeros(0)).unwrap();
    let error = dataset.contact_sheet(3).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Count { .. }), "{error}");
    let dataset = Dataset::new(Array3::zeros((1, 4, 5)), Array1::zeros(1)).unwrap();
    let error = dataset.contact_sheet(0).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Parameter {
                name: "columns",
                ..
            }
        ),
        "{error}"
    );
}
