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
fn an_image_alone_is_that_of_its_set() {
    let splits = embedded::load();
    for (set, nth) in [
        (splits.train, embedded::train_image as fn(usize) -> _),
        (splits.test, embedded::test_image),
    ] {
        for index in [0, 1, 17, set.len() / 2, set.len() - 1] {
            let (image, label) = nth(index).expect("it is one of them");
            assert_eq!(label, set.labels()[index], "{index}");
            assert_eq!(image, set.images().index_axis(ndarray::Axis(0), index));
        }
        assert_eq!(nth(set.len()), None);
        assert_eq!(nth(usize::MAX), None);
    }
}

#[test]
fn agrees_with_the_full_set() {
    let Some(dir) = skipped::full_mnist() else {
        return;
    };
    let (here, full) = (embedded::load(), mnist_data::read_dir(&dir).unwrap());
    assert_eq!(full.train.len(), 60_000);
    assert_eq!(here.train, full.train.first(1_000).unwrap());
    assert_eq!(here.test, full.test);
}

/// As in an ordinary `cargo test`, which keeps back what the macros print.
#[test]
fn a_test_that_is_skipped_says_so() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        // With one thread a test has none of its own name.
        .args(["--exact", "agrees_with_the_full_set", "--test-threads=2"])
        .env("MNIST_FULL_DIR", "no-such-folder")
        .env_remove("RUST_TEST_NOCAPTURE")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "agrees_with_the_full_set: skipped: the full MNIST set is not in no-such-folder (MNIST_FULL_DIR)\n"
    );
}
