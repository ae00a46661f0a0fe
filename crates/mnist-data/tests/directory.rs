//! A folder of four files, and what can be wrong with it.

use std::fs::{self, File};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use mnist_data::{Error, ErrorKind, Splits, idx, read_dir};
use ndarray::{Array1, Array3};
use tempfile::TempDir;

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

fn images(count: usize, height: usize, width: usize) -> Array3<u8> {
    Array3::from_shape_fn((count, height, width), |(n, h, w)| (n + h + w) as u8)
}

fn labels(count: usize) -> Array1<u8> {
    Array1::from_shape_fn(count, |n| (n % 10) as u8)
}

fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    let create = |name| File::create(dir.path().join(name)).unwrap();
    idx::write(create(FILES[0]), &images(12, 5, 6)).unwrap();
    idx::write(create(FILES[1]), &labels(12)).unwrap();
    idx::write(create(FILES[2]), &images(3, 5, 6)).unwrap();
    idx::write(create(FILES[3]), &labels(3)).unwrap();
    dir
}

fn pack(dir: &Path, name: &str) {
    let path = dir.join(name);
    let packed = File::create(dir.join(format!("{name}.gz"))).unwrap();
    let mut encoder = GzEncoder::new(packed, Compression::default());
    std::io::copy(&mut File::open(&path).unwrap(), &mut encoder).unwrap();
    encoder.finish().unwrap();
    fs::remove_file(path).unwrap();
}

/// The error of a folder in which one file has this content, seen to name the file.
fn refused(name: &str, content: &[u8]) -> Error {
    let dir = folder();
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    let error = read_dir(dir.path()).unwrap_err();
    assert_eq!(error.path(), Some(path.as_path()), "{error}");
    assert!(
        error.to_string().starts_with(&path.display().to_string()),
        "{error}"
    );
    error
}

fn check(splits: &Splits) {
    assert_eq!(splits.train.images(), images(12, 5, 6));
    assert_eq!(splits.train.labels(), labels(12).to_vec());
    assert_eq!(splits.test.images(), images(3, 5, 6));
    assert_eq!(splits.test.labels(), labels(3).to_vec());
}

#[test]
fn reads_raw_and_gzip_in_any_mixture() {
    for mask in 0..16 {
        let dir = folder();
        for (bit, name) in FILES.into_iter().enumerate() {
            if mask >> bit & 1 == 1 {
                pack(dir.path(), name);
            }
        }
        check(&read_dir(dir.path()).unwrap());
    }
}

#[test]
fn gzip_is_told_by_content_not_by_name() {
    let dir = folder();
    pack(dir.path(), FILES[0]);
    fs::rename(
        dir.path().join(format!("{}.gz", FILES[0])),
        dir.path().join(FILES[0]),
    )
    .unwrap();
    check(&read_dir(dir.path()).unwrap());
}

#[test]
fn a_missing_folder_or_file_is_named() {
    let dir = folder();
    let nowhere = dir.path().join("nowhere");
    let error = read_dir(&nowhere).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Missing { .. }), "{error}");
    assert_eq!(error.path(), Some(nowhere.as_path()));
    // Where to get them is for the program to say, which knows its commands.
    assert_eq!(error.advice(), None);
    for name in FILES {
        let dir = folder();
        fs::remove_file(dir.path().join(name)).unwrap();
        let error = read_dir(dir.path()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Missing { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(error.advice(), None);
    }
}

#[test]
fn labels_that_do_not_match_the_images_are_refused() {
    let mut file = Vec::new();
    idx::write(&mut file, &labels(11)).unwrap();
    let error = refused(FILES[1], &file);
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Count {
                expected: 12,
                found: 11,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.offset(), Some(4));
}

#[test]
fn a_label_above_nine_is_refused_with_its_offset() {
    let error = refused(FILES[3], &[0, 0, 8, 1, 0, 0, 0, 3, 0, 10, 2]);
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Label {
                index: 1,
                found: 10,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.offset(), Some(9));
}

#[test]
fn train_and_test_images_have_one_size() {
    let mut file = Vec::new();
    idx::write(&mut file, &images(3, 6, 5)).unwrap();
    let error = refused(FILES[2], &file);
    assert!(matches!(error.kind(), ErrorKind::Shape { .. }), "{error}");
    assert!(
        error.to_string().contains("5×6") && error.to_string().contains("6×5"),
        "{error}"
    );
}

#[test]
fn short_and_long_files_are_refused_with_both_lengths() {
    let mut file = Vec::new();
    idx::write(&mut file, &images(12, 5, 6)).unwrap();
    let whole = file.len() as u64;
    let error = refused(FILES[0], &file[..100]);
    assert!(
        matches!(error.kind(), ErrorKind::Truncated { expected, found: 100 } if *expected == whole),
        "{error}"
    );
    file.extend([0; 50]);
    let error = refused(FILES[0], &file);
    assert!(
        matches!(error.kind(), ErrorKind::Overlong { expected, found }
            if (*expected, *found) == (whole, whole + 50)),
        "{error}"
    );
    assert!(matches!(
        refused(FILES[0], b"").kind(),
        ErrorKind::Truncated { found: 0, .. }
    ));
}

#[test]
fn a_header_that_promises_2_to_the_40_is_refused_at_once() {
    let error = refused(FILES[0], &[0, 0, 8, 3, 0, 16, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0]);
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Truncated {
                expected: 1_099_511_627_792,
                found: 16
            }
        ),
        "{error}"
    );
    let most = [&[0, 0, 8, 3][..], &[0xff; 12]].concat();
    assert!(matches!(
        refused(FILES[0], &most).kind(),
        ErrorKind::Limit { asked: None, .. }
    ));
}

#[test]
fn a_page_saved_as_data_is_recognised() {
    let error = refused(FILES[1], b"<html>503</html>");
    assert!(matches!(error.kind(), ErrorKind::Magic { .. }), "{error}");
    assert!(error.to_string().contains("a web page"), "{error}");
}

#[test]
fn swapped_files_are_refused() {
    let mut file = Vec::new();
    idx::write(&mut file, &labels(12)).unwrap();
    let error = refused(FILES[0], &file);
    assert!(
        matches!(error.kind(), ErrorKind::Rank { found: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_folder_in_the_place_of_a_file_is_an_error_with_its_path() {
    let dir = folder();
    let path = dir.path().join(FILES[0]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = read_dir(dir.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    assert_eq!(error.path(), Some(path.as_path()));
}

/// Above 4 MiB several threads read.
#[test]
fn a_large_file_is_read_whole_and_refused_if_it_is_not() {
    let dir = folder();
    let many = Array3::from_shape_fn((20_003, 29, 31), |(n, h, w)| (n * 7 + h * 3 + w) as u8);
    let few = many.slice(ndarray::s![..3, .., ..]).to_owned();
    let path = dir.path().join(FILES[0]);
    idx::write(File::create(&path).unwrap(), &many).unwrap();
    idx::write(
        File::create(dir.path().join(FILES[1])).unwrap(),
        &labels(20_003),
    )
    .unwrap();
    idx::write(File::create(dir.path().join(FILES[2])).unwrap(), &few).unwrap();
    assert_eq!(read_dir(dir.path()).unwrap().train.images(), many);

    let file = fs::read(&path).unwrap();
    fs::write(&path, &file[..file.len() - 1]).unwrap();
    let error = read_dir(dir.path()).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Truncated { .. }),
        "{error}"
    );
    fs::write(&path, [&file[..], &[0]].concat()).unwrap();
    let error = read_dir(dir.path()).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Overlong { .. }),
        "{error}"
    );
}

/// The length is looked at when the file is opened; it may change until it is read.
#[test]
fn a_large_file_that_shrinks_or_grows_meanwhile_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("images");
    let many = Array3::from_shape_fn((20_000, 30, 30), |(n, h, w)| (n + h + w) as u8);
    for change in [-1, 1] {
        idx::write(File::create(&path).unwrap(), &many).unwrap();
        let reader = idx::Reader::open(&path, idx::Limits::default()).unwrap();
        let length = fs::metadata(&path).unwrap().len();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(length.checked_add_signed(change).unwrap())
            .unwrap();
        let error = reader.into_array::<u8>().unwrap_err();
        match error.kind() {
            ErrorKind::Truncated { expected, found } => {
                assert_eq!((*expected, *found, change), (length, length - 1, -1));
            }
            ErrorKind::Overlong { expected, .. } => assert_eq!((*expected, change), (length, 1)),
            _ => panic!("{error}"),
        }
    }
}
