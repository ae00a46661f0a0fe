//! A data set is checked when it is made.

use mnist_data::{Dataset, ErrorKind};
use ndarray::{Array1, Array3, array, s};

fn numbered(count: usize) -> Dataset {
    let images = Array3::from_shape_fn((count, 2, 3), |(n, h, w)| (n * 6 + h * 3 + w) as u8);
    Dataset::new(images, Array1::from_shape_fn(count, |n| (n % 10) as u8)).unwrap()
}

#[test]
fn keeps_images_and_labels() {
    let dataset = numbered(4);
    assert_eq!((dataset.len(), dataset.is_empty()), (4, false));
    assert_eq!((dataset.image_size(), dataset.classes()), ((2, 3), 10));
    assert_eq!(dataset.labels(), [0, 1, 2, 3]);
    assert_eq!(dataset.images()[[3, 1, 2]], 23);
}

#[test]
fn the_first_images_share_the_pixels() {
    let dataset = numbered(4);
    let first = dataset.first(2).unwrap();
    assert_eq!(first.labels(), [0, 1]);
    assert_eq!(first.images(), dataset.images().slice(s![..2, .., ..]));
    assert_eq!(first.images().as_ptr(), dataset.images().as_ptr());
    assert!(first.images().is_standard_layout());
    assert_eq!(dataset.first(4).unwrap(), dataset);
    assert!(dataset.first(0).unwrap().is_empty());
}

#[test]
fn more_images_than_there_are_is_an_error() {
    let error = numbered(4).first(5).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Count {
                what: "images",
                expected: 5,
                found: 4
            }
        ),
        "{error}"
    );
}

#[test]
fn a_missing_label_is_refused() {
    let error = Dataset::new(Array3::zeros((3, 2, 2)), array![1, 2]).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Count {
                what: "labels",
                expected: 3,
                found: 2
            }
        ),
        "{error}"
    );
}

#[test]
fn a_label_above_nine_is_refused_unless_there_are_more_classes() {
    let images = Array3::zeros((3, 2, 2));
    let labels = array![1, 9, 10];
    let error = Dataset::new(images.clone(), labels.clone()).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Label {
                index: 2,
                found: 10,
                lowest: 0,
                classes: 10
            }
        ),
        "{error}"
    );
    assert_eq!(error.to_string(), "label 2: expected 0 to 9, found 10");
    assert_eq!(
        Dataset::with_classes(images, labels, 11).unwrap().classes(),
        11
    );
}

#[test]
fn an_image_without_pixels_is_refused() {
    let error = Dataset::new(Array3::zeros((3, 0, 2)), array![1, 2, 3]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Shape { .. }), "{error}");
}

#[test]
fn images_in_another_layout_are_put_in_order() {
    let images = Array3::from_shape_fn((2, 3, 4), |(n, h, w)| (n * 12 + h * 4 + w) as u8);
    let turned = images.clone().permuted_axes([0, 2, 1]);
    let dataset = Dataset::new(turned.clone(), array![0, 1]).unwrap();
    assert_eq!(dataset.images(), turned);
    assert!(dataset.images().is_standard_layout());
}
