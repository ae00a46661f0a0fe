//! The embedded data is the chapter's.

use mnist_data::embedded;

#[test]
fn holds_the_chapters_images_and_labels() {
    let splits = embedded::load();
    assert_eq!(splits.train.images().dim(), (1_000, 28, 28));
    assert_eq!(splits.test.images().dim(), (10_000, 28, 28));
    assert_eq!(splits.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(splits.test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
}

#[test]
fn agrees_with_the_full_set() {
    let Some(dir) = full::dir() else { return };
    let (here, full) = (embedded::load(), mnist_data::read_dir(&dir).unwrap());
    assert_eq!(full.train.len(), 60_000);
    assert_eq!(here.train, full.train.first(1_000).unwrap());
    assert_eq!(here.test, full.test);
}

mod full;
