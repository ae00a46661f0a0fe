//! The lines of the book, and those that NumPy prints with other settings: `golden/cases.json`.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

use mnist_data::{embedded, idx};
use serde::Deserialize;
use tests::{full_mnist, root, run, succeeds};

#[derive(Deserialize)]
struct Case {
    name: String,
    args: Vec<String>,
    file: String,
    /// `chapter`: the embedded images; `full`: the full set; `inverted`: the embedded ones as 255 − pixel.
    data: String,
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string(root().join("tests/golden/cases.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn lines(file: &str) -> String {
    fs::read_to_string(root().join("tests/golden").join(file)).unwrap()
}

#[test]
fn without_arguments_it_prints_the_page_of_the_book() {
    let printed = succeeds(&run(&[]));
    assert_eq!(printed, lines("chapter-10-conv.txt"));
    assert_eq!(printed.lines().count(), 300);
}

#[test]
fn chapter_nine_prints_its_page() {
    assert_eq!(succeeds(&run(&["dense"])), lines("chapter-9-dense.txt"));
}

#[test]
fn other_settings_print_what_numpy_prints() {
    let folder = tempfile::tempdir().unwrap();
    write_inverted(folder.path());
    let (mut checked, mut skipped) = (0, 0);
    for case in cases() {
        let mut args: Vec<&str> = case.args.iter().map(String::as_str).collect();
        let full = full_mnist();
        match (case.data.as_str(), &full) {
            ("chapter", _) => {}
            ("inverted", _) => args.extend(["--data", folder.path().to_str().unwrap()]),
            ("full", Some(full)) => args.extend(["--data", full.to_str().unwrap()]),
            ("full", None) => {
                println!(
                    "{}: skipped, since it needs the full MNIST (MNIST_FULL_DIR)",
                    case.name
                );
                skipped += 1;
                continue;
            }
            (other, _) => panic!("{}: unknown data {other:?}", case.name),
        }
        assert_eq!(succeeds(&run(&args)), lines(&case.file), "{}", case.name);
        checked += 1;
    }
    assert!(
        checked > 40,
        "only {checked} golden runs checked, {skipped} skipped"
    );
}

/// The embedded images with 255 − pixel, in which no section is blank.
fn write_inverted(folder: &Path) {
    let splits = embedded::load();
    for (name, set) in [("train", splits.train), ("t10k", splits.test)] {
        let images = set.images().map(|pixel| 255 - pixel);
        let file = fs::File::create(folder.join(format!("{name}-images-idx3-ubyte"))).unwrap();
        idx::write(file, &images).unwrap();
        let labels = ndarray::ArrayView1::from(set.labels());
        let file = fs::File::create(folder.join(format!("{name}-labels-idx1-ubyte"))).unwrap();
        idx::write(file, &labels.to_owned()).unwrap();
    }
}
