//! `--data DIR`: good folders, and every kind of bad one.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::Output;

use ndarray::{Array1, Array3};
use tempfile::TempDir;
use tests::{run, stderr, stdout, succeeds};

/// A folder of 30 training and 12 test images of 9×11 pixels.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, count) in [("train", 30), ("t10k", 12)] {
        let images =
            Array3::from_shape_fn((count, 9, 11), |(n, y, x)| (n * 31 + y * 17 + x * 5) as u8);
        write(folder.path(), &format!("{name}-images-idx3-ubyte"), &images);
        write(
            folder.path(),
            &format!("{name}-labels-idx1-ubyte"),
            &Array1::from_shape_fn(count, |n| (n % 10) as u8),
        );
    }
    folder
}

fn write<D: ndarray::Dimension>(folder: &Path, name: &str, array: &ndarray::Array<u8, D>) {
    mnist_data::idx::write(fs::File::create(folder.join(name)).unwrap(), array).unwrap();
}

fn book(folder: &Path) -> Output {
    let folder = folder.to_str().unwrap();
    run(&[
        "book",
        "--iterations",
        "1",
        "--train-images",
        "30",
        "--batch-size",
        "10",
        "--data",
        folder,
    ])
}

/// Asserts exit code 1, nothing on stdout, and all of `words` on stderr.
fn refused(folder: &Path, words: &[&str]) {
    let output = book(folder);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(stdout(&output), "");
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text:?}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn images_of_any_size_train() {
    let lines = succeeds(&book(folder().path()));
    assert_eq!(lines.lines().count(), 1);
    assert!(lines.starts_with("I:0 Test-Acc:"), "{lines}");
}

#[test]
fn a_missing_folder_and_a_missing_file_are_named() {
    let folder = folder();
    refused(&folder.path().join("nowhere"), &["nowhere"]);
    fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte")).unwrap();
    refused(folder.path(), &["t10k-labels-idx1-ubyte", "fetch-mnist"]);
}

#[test]
fn numbers_of_images_and_labels_must_match() {
    let folder = folder();
    write(folder.path(), "train-labels-idx1-ubyte", &Array1::zeros(29));
    refused(folder.path(), &["train-labels-idx1-ubyte", "30", "29"]);
}

#[test]
fn a_label_above_nine_is_refused() {
    let folder = folder();
    let mut labels = Array1::zeros(30);
    labels[7] = 10;
    write(folder.path(), "train-labels-idx1-ubyte", &labels);
    refused(folder.path(), &["train-labels-idx1-ubyte", "10", "9"]);
}

#[test]
fn wrong_magic_short_and_overlong_files_are_refused() {
    let folder = folder();
    let file = folder.path().join("train-images-idx3-ubyte");
    let good = fs::read(&file).unwrap();

    fs::write(&file, b"<!DOCTYPE html><title>503</title>").unwrap();
    refused(folder.path(), &["train-images-idx3-ubyte", "offset 0"]);
    fs::write(&file, &good[..good.len() - 1]).unwrap();
    refused(folder.path(), &["train-images-idx3-ubyte", "2986", "2985"]);
    fs::write(&file, [&good[..], b"x"].concat()).unwrap();
    refused(folder.path(), &["train-images-idx3-ubyte"]);
    fs::write(&file, b"").unwrap();
    refused(folder.path(), &["train-images-idx3-ubyte"]);
}

#[test]
fn a_header_that_promises_too_much_is_refused_before_memory_is_taken() {
    let folder = folder();
    // 2^14 × 2^13 × 2^13 = 2^40 bytes.
    let header = [0, 0, 8, 3, 0, 0, 0x40, 0, 0, 0, 0x20, 0, 0, 0, 0x20, 0];
    fs::write(folder.path().join("train-images-idx3-ubyte"), header).unwrap();
    refused(folder.path(), &["train-images-idx3-ubyte", "1099511627792"]);
}

#[test]
fn an_image_size_that_differs_between_train_and_test_is_refused() {
    let folder = folder();
    write(
        folder.path(),
        "t10k-images-idx3-ubyte",
        &Array3::zeros((12, 8, 11)),
    );
    refused(folder.path(), &["t10k-images-idx3-ubyte", "9×11", "8×11"]);
}

#[test]
fn no_test_images_at_all_are_refused() {
    let folder = folder();
    write(
        folder.path(),
        "t10k-images-idx3-ubyte",
        &Array3::zeros((0, 9, 11)),
    );
    write(folder.path(), "t10k-labels-idx1-ubyte", &Array1::zeros(0));
    refused(folder.path(), &["0 test images", "fetch-mnist"]);
}

/// Opening a pipe would wait for ever.
#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_is_refused() {
    let folder = folder();
    let file = folder.path().join("train-images-idx3-ubyte");
    fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    refused(
        folder.path(),
        &["train-images-idx3-ubyte", "not a regular file"],
    );
}
