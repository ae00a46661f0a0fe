//! The catalogue is sound, and its data sets are read from the forms in which they come.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use mnist_data::catalog::{self, Digest, Entry};
use mnist_data::{Error, ErrorKind, idx};
use ndarray::{Array1, Array2, Array3, array};
use tempfile::TempDir;

#[test]
fn every_entry_is_sound() {
    let mut names = HashSet::new();
    for entry in catalog::ALL {
        assert!(names.insert(entry.name));
        assert_eq!(catalog::find(entry.name), Some(entry));
        assert!(!entry.licence.is_empty() && !entry.citation.is_empty());
        assert!(entry.classes.len() >= 10);
        assert_eq!(
            entry.classes.iter().collect::<HashSet<_>>().len(),
            entry.classes.len()
        );
        assert_eq!(entry.image_size, (28, 28));
        for mirror in entry.mirrors {
            assert!(
                mirror.starts_with("http") && mirror.ends_with('/'),
                "{mirror}"
            );
        }
        for file in entry.files {
            let (Digest::Content { sha256, .. } | Digest::Packed { sha256, .. }) = file.digest;
            assert!(sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
    assert_eq!(catalog::find("imagenet"), None);
}

#[test]
fn files_of_one_name_never_share_a_folder() {
    let mut digests = std::collections::HashMap::new();
    for entry in catalog::ALL {
        for file in entry.files {
            let before = digests.insert((entry.folder, file.name), file.digest);
            assert!(
                before.is_none_or(|before| before == file.digest),
                "{}",
                entry.name
            );
        }
    }
}

#[test]
fn the_sizes_of_known_contents_follow_from_the_shapes() {
    for entry in [&catalog::MNIST, &catalog::FASHION_MNIST] {
        for part in [entry.train, entry.test] {
            let size = |name: &str| {
                let file = entry
                    .files
                    .iter()
                    .find(|file| file.plain_name() == Some(name));
                let Digest::Content { bytes, .. } = file.unwrap().digest else {
                    panic!()
                };
                bytes
            };
            assert_eq!(size(part.images), 16 + 28 * 28 * part.count as u64);
            assert_eq!(size(part.labels), 8 + part.count as u64);
        }
    }
}

fn idx_file<T: idx::Element, D: ndarray::Dimension>(array: &ndarray::Array<T, D>) -> Vec<u8> {
    let mut file = Vec::new();
    idx::write(&mut file, array).unwrap();
    file
}

fn images(count: usize) -> Array3<u8> {
    Array3::from_shape_fn((count, 28, 28), |(n, h, w)| (n + 2 * h + 3 * w) as u8)
}

fn write_files(dir: &Path, entry: &Entry, labels: &Array2<i32>) {
    for part in [entry.train, entry.test] {
        fs::write(dir.join(part.images), idx_file(&images(labels.nrows()))).unwrap();
        fs::write(dir.join(part.labels), idx_file(labels)).unwrap();
    }
}

#[test]
fn qmnist_has_its_classes_in_the_first_column() {
    let dir = TempDir::new().unwrap();
    let labels = array![[7, 100_000, -1], [0, 2, 3], [9, 5, 6]];
    write_files(dir.path(), &catalog::QMNIST, &labels);
    let splits = catalog::QMNIST.read(dir.path()).unwrap();
    assert_eq!(splits.test.labels(), [7, 0, 9]);
    assert_eq!(splits.train.images(), images(3));
}

#[test]
fn wide_labels_that_are_no_classes_are_refused() {
    for wrong in [-1, 10, 256, 263] {
        let dir = TempDir::new().unwrap();
        write_files(dir.path(), &catalog::QMNIST, &array![[7, 1], [wrong, 1]]);
        let error = catalog::QMNIST.read(dir.path()).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Label { index: 1, found, .. } if *found == i64::from(wrong)),
            "{error}"
        );
        assert_eq!(
            error.path(),
            Some(dir.path().join("qmnist-train-labels-idx2-int").as_path())
        );
    }
    let dir = TempDir::new().unwrap();
    write_files(dir.path(), &catalog::QMNIST, &Array2::zeros((2, 0)));
    let error = catalog::QMNIST.read(dir.path()).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Count { found: 0, .. }),
        "{error}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let dir = TempDir::new().unwrap();
    let error = catalog::KMNIST.read(dir.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Missing { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("expected train-images-idx3-ubyte"),
        "{error}"
    );
    assert_eq!(error.path(), Some(dir.path()));
    assert_eq!(error.advice(), None);
}

/// A zip archive; every second member is deflated, the others are stored.
fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut list) = (Vec::new(), Vec::new());
    for (index, (name, content)) in members.iter().enumerate() {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
        deflated.write_all(content).unwrap();
        let (method, packed) = match index % 2 {
            0 => (0_u16, content.clone()),
            _ => (8, deflated.finish().unwrap()),
        };
        let start = (file.len() as u32).to_le_bytes();
        // From the version to the length of the extra field, which both records have.
        let mut about = vec![20, 0, 0, 0];
        about.extend(method.to_le_bytes());
        about.extend([0; 4]);
        let mut crc = Crc::new();
        crc.update(content);
        about.extend(crc.sum().to_le_bytes());
        about.extend((packed.len() as u32).to_le_bytes());
        about.extend((content.len() as u32).to_le_bytes());
        about.extend((name.len() as u16).to_le_bytes());
        about.extend(3_u16.to_le_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&about);
        file.extend(name.bytes().chain(*b"abc"));
        file.extend(packed);
        list.extend(b"PK\x01\x02\x14\x00");
        list.extend(about);
        list.extend([0; 10]);
        list.extend(start);
        list.extend(name.bytes().chain(*b"abc"));
    }
    let (start, size) = (file.len() as u32, list.len() as u32);
    file.extend(list);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([members.len() as u16; 2].map(u16::to_le_bytes).concat());
    file.extend(size.to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend(b"\x07\0comment");
    file
}

/// EMNIST's archive with a few images; the labels of the split `letters` count from 1.
fn emnist(labels: &Array1<u8>) -> Vec<u8> {
    let mut members = Vec::new();
    for entry in catalog::ALL
        .into_iter()
        .filter(|entry| entry.folder == "emnist")
    {
        for part in [entry.train, entry.test] {
            let contents = [
                (part.images, idx_file(&images(labels.len()))),
                (part.labels, idx_file(labels)),
            ];
            for (name, content) in contents {
                let mut packed = GzEncoder::new(Vec::new(), Compression::default());
                packed.write_all(&content).unwrap();
                members.push((format!("gzip/{name}.gz"), packed.finish().unwrap()));
            }
        }
    }
    zip(&members)
}

fn read_archive(entry: &Entry, archive: &[u8]) -> Result<mnist_data::Splits, Error> {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("gzip.zip"), archive).unwrap();
    entry.read(dir.path())
}

#[test]
fn emnist_comes_out_of_its_archive_upright() {
    let archive = emnist(&array![1, 2, 3]);
    for entry in catalog::ALL
        .into_iter()
        .filter(|entry| entry.folder == "emnist")
    {
        let splits = read_archive(entry, &archive).unwrap();
        let upright = images(3).permuted_axes([0, 2, 1]);
        assert_eq!(splits.train.images(), upright);
        assert_eq!(splits.test.images(), upright);
        let first = entry.first_label;
        assert_eq!(splits.test.labels(), [1 - first, 2 - first, 3 - first]);
        assert_eq!(splits.train.classes(), entry.classes.len());
    }
}

#[test]
fn letters_count_from_one() {
    assert!(read_archive(&catalog::EMNIST_LETTERS, &emnist(&array![1, 26])).is_ok());
    for wrong in [0, 27] {
        let archive = emnist(&array![1, wrong]);
        let error = read_archive(&catalog::EMNIST_LETTERS, &archive).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Label { index: 1, .. }),
            "{error}"
        );
    }
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let archive = emnist(&array![1, 2]);
    for length in (0..archive.len()).step_by(7) {
        let error = read_archive(&catalog::EMNIST_MNIST, &archive[..length]).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Zip(_)),
            "{length}: {error}"
        );
        assert!(error.path().is_some());
    }
}

/// Gzip within the archive has a checksum of its own, and what a wrong one of the archive means is no
/// less: these are not the bytes that were packed.
#[test]
fn a_member_whose_checksum_is_wrong_is_refused() {
    let mut archive = emnist(&array![1, 2]);
    let name = format!("gzip/{}.gz", catalog::EMNIST_MNIST.test.labels);
    let list = archive
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    let entry = archive[list..]
        .windows(name.len())
        .position(|window| window == name.as_bytes())
        .unwrap();
    // The checksum stands 30 bytes before the name in the list.
    archive[list + entry - 30] ^= 1;
    let error = read_archive(&catalog::EMNIST_MNIST, &archive).unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
    assert!(error.path().is_some());
}

#[test]
fn a_damaged_list_of_members_is_refused_or_harmless() {
    let archive = emnist(&array![1, 2]);
    let right = read_archive(&catalog::EMNIST_MNIST, &archive).unwrap();
    let list = archive
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    for at in (list..archive.len()).step_by(3) {
        for byte in [0, 0xff] {
            let mut damaged = archive.clone();
            damaged[at] = byte;
            if let Ok(splits) = read_archive(&catalog::EMNIST_MNIST, &damaged) {
                assert_eq!(splits, right, "{at}");
            }
        }
    }
}
