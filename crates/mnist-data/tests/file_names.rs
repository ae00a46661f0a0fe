//! The names under which people have IDX files, and what is said of those that do not fit.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use mnist_data::{Error, ErrorKind, Splits, catalog, read_dir};
use tempfile::TempDir;

/// Folders as programs leave them.
fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("cases")
        .join(name)
}

/// The files of a case under other names, given by the name there.
fn renamed(from: &str, new: impl Fn(&str) -> String) -> TempDir {
    let dir = TempDir::new().unwrap();
    for entry in fs::read_dir(case(from)).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let to = dir.path().join(new(&name));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(entry.path(), to).unwrap();
    }
    dir
}

fn with_hyphens(name: &str) -> String {
    name.replace(".idx", "-idx")
}

fn is_the_case(splits: &Splits) {
    assert_eq!(splits.train.images().dim(), (20, 28, 28));
    assert_eq!(splits.test.images().dim(), (10, 28, 28));
    assert_eq!(splits.test.labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn refused(dir: &TempDir, says: &[&str]) -> Error {
    let error = read_dir(dir.path()).unwrap_err();
    for text in says {
        assert!(error.to_string().contains(text), "no {text:?} in: {error}");
    }
    error
}

#[test]
fn a_dot_in_place_of_a_hyphen_is_read() {
    let splits = read_dir(case("idx-dot-names")).unwrap();
    is_the_case(&splits);
    assert_eq!(splits, catalog::MNIST.read(case("idx-dot-names")).unwrap());
}

#[test]
fn test_in_place_of_t10k_is_read() {
    let hyphens = |name: &str| with_hyphens(name).replace("t10k", "test");
    is_the_case(&read_dir(renamed("idx-dot-names", hyphens)).unwrap());
    let dots = |name: &str| name.replace("t10k", "test");
    is_the_case(&read_dir(renamed("idx-dot-names", dots)).unwrap());
}

#[test]
fn subfolders_of_torchvision_and_of_archives_are_read() {
    for place in ["raw", "gzip"] {
        let inside = |name: &str| format!("{place}/{}", with_hyphens(name));
        is_the_case(&read_dir(renamed("idx-dot-names", inside)).unwrap());
    }
    let own = |name: &str| format!("{}/{}", with_hyphens(name), with_hyphens(name));
    is_the_case(&read_dir(renamed("idx-dot-names", own)).unwrap());
    let own = |name: &str| format!("{}/{name}", with_hyphens(name));
    is_the_case(&read_dir(renamed("idx-dot-names", own)).unwrap());
}

#[test]
fn a_copy_of_every_kind_beside_each_other_reads_the_documented_names() {
    let dir = renamed("idx-dot-names", with_hyphens);
    for name in ["train-images.idx3-ubyte", "raw/train-labels-idx1-ubyte"] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "something else").unwrap();
    }
    is_the_case(&read_dir(&dir).unwrap());
}

#[test]
fn unpacked_emnist_is_read() {
    let splits = catalog::EMNIST_LETTERS
        .read(case("idx-emnist-unpacked"))
        .unwrap();
    assert_eq!(splits.train.classes(), 26);
    assert_eq!(splits.train.image_size(), (28, 28));
    assert_eq!(splits.train.len(), splits.train.images().dim().0);
    let unpacked = renamed("idx-emnist-unpacked", |name| {
        format!("raw/{}", name.replace("-idx", ".idx"))
    });
    assert_eq!(splits, catalog::EMNIST_LETTERS.read(&unpacked).unwrap());
    // Another split's files are not there.
    let error = catalog::EMNIST_DIGITS.read(&unpacked).unwrap_err();
    for text in ["gzip.zip, or emnist-digits-train-images-idx3-ubyte", "raw/"] {
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn two_spellings_of_one_file_are_refused_and_both_named() {
    let dir = renamed("idx-dot-names", str::to_owned);
    let other = dir.path().join("test-images-idx3-ubyte");
    fs::copy(dir.path().join("t10k-images.idx3-ubyte"), other).unwrap();
    let says = [
        "expected t10k-images-idx3-ubyte once",
        "t10k-images.idx3-ubyte and ",
        "test-images-idx3-ubyte",
    ];
    let error = refused(&dir, &says);
    assert!(
        matches!(error.kind(), ErrorKind::Ambiguous { found, .. } if found.len() == 2),
        "{error}"
    );
}

#[test]
fn files_in_two_subfolders_are_refused_and_both_named() {
    let dir = renamed("idx-dot-names", |name| format!("raw/{name}"));
    let gzip = dir.path().join("gzip");
    fs::create_dir(&gzip).unwrap();
    fs::write(gzip.join("train-labels-idx1-ubyte.gz"), "").unwrap();
    let error = refused(&dir, &["raw and ", "gzip", "give the right one"]);
    assert!(
        matches!(error.kind(), ErrorKind::Ambiguous { .. }),
        "{error}"
    );
}

/// The labels of another copy would match by number and not by content.
#[test]
fn images_and_labels_of_different_folders_are_never_combined() {
    let dir = renamed("idx-dot-names", |name| match name.contains("labels") {
        true => format!("raw/{name}"),
        false => name.to_owned(),
    });
    let says = [
        "expected train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz",
        "found t10k-images.idx3-ubyte, train-images.idx3-ubyte, raw/",
    ];
    let error = refused(&dir, &says);
    assert!(matches!(error.kind(), ErrorKind::Missing { .. }), "{error}");
}

#[test]
fn what_is_there_instead_is_named() {
    let dir = TempDir::new().unwrap();
    let error = refused(&dir, &["found nothing"]);
    assert_eq!(error.advice(), None);
    for name in ["mnist_train.csv", "mnist_test.csv", ".DS_Store"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    refused(&dir, &["found mnist_test.csv, mnist_train.csv"]);
    for number in 0..100 {
        fs::write(dir.path().join(format!("{number:03}.png")), "").unwrap();
    }
    fs::write(dir.path().join("train.idx"), "").unwrap();
    let error = refused(&dir, &["found train.idx, 000.png", "and 95 more"]);
    assert!(error.to_string().len() < 400, "{error}");
}

#[test]
fn the_folder_within_that_has_the_files_is_named() {
    for place in ["mnist", "MNIST/raw", "archive (2)"] {
        let dir = renamed("idx-dot-names", |name| format!("{place}/{name}"));
        let inner = dir.path().join(place.split('/').next().unwrap());
        let says = format!("{} has it: give that folder", inner.display());
        refused(&dir, &[&says]);
        is_the_case(&read_dir(inner).unwrap());
    }
}

#[test]
fn a_file_that_was_compressed_twice_says_so() {
    let dir = renamed("idx-dot-names", with_hyphens);
    let path = dir.path().join("train-labels-idx1-ubyte");
    let content = fs::read(&path).unwrap();
    fs::write(&path, gzipped(&content)).unwrap();
    is_the_case(&read_dir(&dir).unwrap());
    fs::write(&path, gzipped(&gzipped(&content))).unwrap();
    let says = ["train-labels-idx1-ubyte", "compressed twice", "gunzip"];
    let error = refused(&dir, &says);
    assert!(matches!(error.kind(), ErrorKind::DoublyGzipped), "{error}");
}

/// To open a pipe would wait for somebody to write into it.
#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_refused() {
    let dir = renamed("idx-dot-names", with_hyphens);
    let path = dir.path().join("t10k-labels-idx1-ubyte");
    fs::remove_file(&path).unwrap();
    let mut mkfifo = std::process::Command::new("mkfifo");
    assert!(mkfifo.arg(&path).status().unwrap().success());
    refused(&dir, &["t10k-labels-idx1-ubyte", "not a regular file"]);
    let error = catalog::MNIST.read(&dir).unwrap_err();
    assert!(error.to_string().contains("not a regular file"), "{error}");
}
