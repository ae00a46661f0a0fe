//! What is on disk: verified before every use, mended, and enough without a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use mnist_data::catalog::{self, Digest, Entry, File, Part};
use mnist_data::fetch::{Event, Fetcher};
use mnist_data::{ErrorKind, idx, local};
use ndarray::{Array1, Array2, Array3, s};

use crate::server::{Server, head, ok};
use crate::small::{self, NAME, Root, body, content, gzipped};

#[test]
fn what_is_there_needs_no_network() {
    let (root, server) = (Root::new(), Server::honest(body()));
    root.fetches(&[&server.url]);
    root.fetches(&[]);
    root.fetcher(&[&server.url]).offline(true).fetch().unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_decompressed_file_is_as_good() {
    let root = Root::new();
    fs::create_dir(root.path().join("small")).unwrap();
    fs::write(root.file("file"), content()).unwrap();
    root.fetcher(&[]).fetch().unwrap();
    assert_eq!(root.names(), ["file"]);
}

#[test]
fn any_damage_is_mended() {
    let (root, server) = (Root::new(), Server::honest(body()));
    root.fetches(&[&server.url]);
    let whole = fs::read(root.file(NAME)).unwrap();
    let mut flipped = whole.clone();
    flipped[30_000] ^= 4;
    let damages = [
        &flipped[..],
        &whole[..whole.len() - 1],
        b"",
        b"<html></html>",
    ];
    for (count, damage) in damages.into_iter().enumerate() {
        fs::write(root.file(NAME), damage).unwrap();
        assert!(local::verify(small::entry(), root.path().join("small")).is_err());
        root.fetches(&[&server.url]);
        assert_eq!(server.requests().len(), count + 2);
    }
}

#[test]
fn a_damaged_decompressed_file_is_set_aside_not_deleted() {
    let (root, server) = (Root::new(), Server::honest(body()));
    fs::create_dir(root.path().join("small")).unwrap();
    fs::write(root.file("file"), b"somebody's own work").unwrap();
    root.fetcher(&[&server.url]).fetch().unwrap();
    assert_eq!(root.names(), [".lock", "file.aside", NAME]);
    assert_eq!(
        fs::read(root.file("file.aside")).unwrap(),
        b"somebody's own work"
    );
}

#[test]
fn what_was_set_aside_stays_when_more_is() {
    let root = Root::new();
    fs::create_dir(root.path().join("small")).unwrap();
    fs::write(root.file(NAME), body()).unwrap();
    let works = [&b"one"[..], b"two", b"three"];
    for work in works {
        fs::write(root.file("file"), work).unwrap();
        root.fetcher(&[]).offline(true).fetch().unwrap();
    }
    for (name, work) in ["file.aside", "file.aside-2", "file.aside-3"]
        .iter()
        .zip(works)
    {
        assert_eq!(fs::read(root.file(name)).unwrap(), work, "{name}");
    }
    assert_eq!(root.names().len(), 5);
}

#[test]
fn a_damaged_decompressed_file_needs_no_network_where_the_packed_one_is_right() {
    let root = Root::new();
    fs::create_dir(root.path().join("small")).unwrap();
    fs::write(root.file(NAME), body()).unwrap();
    fs::write(root.file("file"), b"somebody's own work").unwrap();
    let folder = root.path().join("small");
    assert_eq!(faults(small::entry(), &folder), [root.file("file")]);
    root.fetcher(&[]).offline(true).fetch().unwrap();
    assert_eq!(root.names(), [".lock", "file.aside", NAME]);
    local::verify(small::entry(), &folder).unwrap();
}

#[test]
fn offline_leaves_a_damaged_decompressed_file_that_is_all_there_is() {
    let root = Root::new();
    fs::create_dir(root.path().join("small")).unwrap();
    fs::write(root.file("file"), b"somebody's own work").unwrap();
    let error = root.fetcher(&[]).offline(true).fetch().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("expected file.gz"), "{text}");
    assert!(text.contains("not the data set's content"), "{text}");
    assert_eq!(root.names(), ["file"]);
}

/// Where verification finds faults.
fn faults(entry: &Entry, folder: &Path) -> Vec<PathBuf> {
    let error = local::verify(entry, folder).unwrap_err();
    let ErrorKind::Faults { faults } = error.kind() else {
        panic!("{error}")
    };
    for fault in faults {
        assert!(error.to_string().contains(&fault.to_string()), "{error}");
    }
    let paths = faults.iter().map(|fault| fault.path().unwrap().to_owned());
    paths.collect()
}

#[test]
fn verification_names_every_fault() {
    let (entry, root) = (like_qmnist(&bodies()), Root::new());
    let folder = root.path().join("like-qmnist");
    fs::create_dir(&folder).unwrap();
    for (name, body) in bodies() {
        fs::write(folder.join(name), body).unwrap();
    }
    local::verify(entry, &folder).unwrap();
    fs::write(folder.join("a-images.gz"), b"<html></html>").unwrap();
    fs::remove_file(folder.join("a-labels.gz")).unwrap();
    fs::remove_file(folder.join("b-labels.gz")).unwrap();
    fs::create_dir(folder.join("b-labels.gz")).unwrap();
    let wrong = ["a-images.gz", "", "b-labels.gz"].map(|name| folder.join(name));
    assert_eq!(faults(entry, &folder), wrong);
}

#[test]
fn offline_says_what_is_missing_and_touches_nothing() {
    let (root, server) = (Root::new(), Server::honest(body()));
    let error = root
        .fetcher(&[&server.url])
        .offline(true)
        .fetch()
        .unwrap_err();
    let ErrorKind::Offline { missing } = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(missing.len(), 1);
    assert!(error.to_string().contains(NAME), "{error}");
    assert_eq!(server.requests().len(), 0);
    assert!(!root.path().join("small").exists());
}

#[test]
fn tells_what_happens() {
    let (root, server) = (Root::new(), Server::honest(body()));
    let bad = Server::start(|_, stream| head(stream, "404 Not Found", &["Content-Length: 0"]));
    let (sender, told) = channel();
    let observer = move |event: &Event<'_>| sender.send(format!("{event:?}")).unwrap();
    root.fetcher(&[&bad.url, &server.url])
        .observer(observer)
        .fetch()
        .unwrap();
    let told: Vec<String> = told.iter().collect();
    let length = body().len();
    assert!(told[0].starts_with("Verifying"), "{told:?}");
    assert!(
        told[1].contains("404") && told[1].contains(&bad.url),
        "{told:?}"
    );
    assert!(
        told[2].contains(&format!("bytes: 0, total: Some({length})")),
        "{told:?}"
    );
    let last = &told[told.len() - 2..];
    assert!(
        last[0].contains(&format!("bytes: {length}, total")),
        "{told:?}"
    );
    assert!(last[0].contains(&server.url), "{told:?}");
    assert!(last[1].starts_with("Ready"), "{told:?}");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
    let root = Root::new();
    fs::write(root.path().join("small"), b"a file").unwrap();
    let error = root.fetcher(&[]).fetch().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    assert!(error.path().unwrap().starts_with(root.path()));
}

/// A data set in QMNIST's form, whose digests are those of the packed files.
fn like_qmnist(bodies: &[(&'static str, Vec<u8>)]) -> &'static Entry {
    let file = |(name, body): &(&'static str, Vec<u8>)| File {
        name,
        digest: Digest::Packed {
            at_most: 10_000,
            sha256: small::sha256(body).leak(),
        },
    };
    let part = |images, labels| Part {
        images,
        labels,
        count: 3,
    };
    Box::leak(Box::new(Entry {
        folder: "like-qmnist",
        files: bodies.iter().map(file).collect::<Vec<_>>().leak(),
        train: part("a-images", "a-labels"),
        test: part("b-images", "b-labels"),
        image_size: (4, 5),
        ..catalog::QMNIST.clone()
    }))
}

/// What is served of a small data set in QMNIST's form: names and bodies.
type Bodies = Vec<(&'static str, Vec<u8>)>;

fn images() -> Array3<u8> {
    Array3::from_shape_fn((3, 4, 5), |(n, h, w)| (n + h * w) as u8)
}

/// The IDX files of images and of labels.
fn idx_files() -> [Vec<u8>; 2] {
    let labels = Array2::from_shape_fn((3, 8), |(n, column)| (n + 100_000 * column) as i32);
    let (mut image_file, mut label_file) = (Vec::new(), Vec::new());
    idx::write(&mut image_file, &images()).unwrap();
    idx::write(&mut label_file, &labels).unwrap();
    [image_file, label_file]
}

fn bodies() -> Bodies {
    let [images, labels] = idx_files().map(|file| gzipped(&file));
    vec![
        ("a-images.gz", images.clone()),
        ("a-labels.gz", labels.clone()),
        ("b-images.gz", images),
        ("b-labels.gz", labels),
    ]
}

fn serve(bodies: Bodies) -> Server {
    Server::start(move |request, stream| {
        let name = request.path.rsplit('/').next().unwrap();
        ok(
            stream,
            &bodies.iter().find(|(known, _)| *known == name).unwrap().1,
        )
    })
}

#[test]
fn fetches_and_reads_a_whole_data_set() {
    let (entry, server) = (like_qmnist(&bodies()), serve(bodies()));
    let root = Root::new();
    let splits = Fetcher::new(entry)
        .root(root.path())
        .mirrors([&server.url])
        .load()
        .unwrap();
    assert_eq!(splits.train.images(), images());
    assert_eq!(splits.test.labels(), [0, 1, 2]);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_decompressed_file_beside_one_whose_packing_is_known_is_compared_with_it() {
    let (entry, server) = (like_qmnist(&bodies()), serve(bodies()));
    let root = Root::new();
    let folder = root.path().join("like-qmnist");
    fs::create_dir(&folder).unwrap();
    // Without the packed file nothing tells whether it is right.
    fs::write(folder.join("a-images"), &idx_files()[0]).unwrap();
    let fetcher = || Fetcher::new(entry).root(root.path());
    let error = fetcher().offline(true).fetch().unwrap_err();
    assert!(error.to_string().contains("a-images.gz"), "{error}");
    fetcher().mirrors([&server.url]).fetch().unwrap();
    assert_eq!(server.requests().len(), 4);
    assert!(folder.join("a-images").exists(), "it was right");
    local::verify(entry, &folder).unwrap();

    let mut wrong = idx_files()[0].clone();
    wrong[20] ^= 1;
    fs::write(folder.join("a-images"), &wrong).unwrap();
    assert_eq!(faults(entry, &folder), [folder.join("a-images")]);
    let splits = fetcher().offline(true).load().unwrap();
    assert_eq!(splits.train.images(), images());
    assert_eq!(fs::read(folder.join("a-images.aside")).unwrap(), wrong);
    local::verify(entry, &folder).unwrap();
}

#[test]
fn the_full_set_passes_the_pinned_digests() {
    let Some(dir) = skipped::full_mnist() else {
        return;
    };
    let server = Server::start(move |request, stream| {
        let name = request.path.rsplit('/').next().unwrap();
        ok(stream, &fs::read(dir.join(name)).unwrap())
    });
    let root = Root::new();
    let mut fetcher = Fetcher::new(&catalog::MNIST)
        .root(root.path())
        .mirrors([&server.url]);
    let splits = fetcher.load().unwrap();
    assert_eq!((splits.train.len(), splits.test.len()), (60_000, 10_000));
    assert_eq!(splits.train.labels()[..5], [5, 0, 4, 1, 9]);
    assert_eq!(
        splits.train.images().slice(s![0, 5, 12..16]),
        Array1::from(vec![3, 18, 18, 18])
    );
    fetcher.fetch().unwrap();
    assert_eq!(server.requests().len(), 4);
}
