//! What is on disk: verified before every use, mended, and enough without a network.

use std::fs;
use std::sync::mpsc::channel;

use mnist_data::catalog::{self, Digest, Entry, File, Part};
use mnist_data::fetch::{self, Event, Fetcher};
use mnist_data::{ErrorKind, idx};
use ndarray::{Array1, Array2, Array3, s};

use crate::full;
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
        assert!(fetch::verify(small::entry(), &root.path().join("small")).is_err());
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

#[test]
fn fetches_and_reads_a_whole_data_set() {
    let images = Array3::from_shape_fn((3, 4, 5), |(n, h, w)| (n + h * w) as u8);
    let labels = Array2::from_shape_fn((3, 8), |(n, column)| (n + 100_000 * column) as i32);
    let (mut image_file, mut label_file) = (Vec::new(), Vec::new());
    idx::write(&mut image_file, &images).unwrap();
    idx::write(&mut label_file, &labels).unwrap();
    let (images_gz, labels_gz) = (gzipped(&image_file), gzipped(&label_file));
    let bodies = [
        ("a-images.gz", images_gz.clone()),
        ("a-labels.gz", labels_gz.clone()),
        ("b-images.gz", images_gz),
        ("b-labels.gz", labels_gz),
    ];
    let entry = like_qmnist(&bodies);
    let server = Server::start(move |request, stream| {
        let name = request.path.rsplit('/').next().unwrap();
        ok(
            stream,
            &bodies.iter().find(|(known, _)| *known == name).unwrap().1,
        )
    });
    let root = Root::new();
    let splits = Fetcher::new(entry)
        .root(root.path())
        .mirrors([&server.url])
        .load()
        .unwrap();
    assert_eq!(splits.train.images(), images);
    assert_eq!(splits.test.labels(), [0, 1, 2]);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn the_full_set_passes_the_pinned_digests() {
    let Some(dir) = full::dir() else { return };
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
