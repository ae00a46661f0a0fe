//! Fetching from a server on loopback.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use mnist_data::catalog::{self, Entry};
use mnist_data::fetch::{self, Fetcher};
use mnist_data::{Error, ErrorKind, read_dir};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

mod full;

const CONTENT: &[u8] = b"the content of the only file of a small data set";

/// Answers every request with what `answer` makes of its path, until the test's process ends.
fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/data", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            lines
                .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                .count();
            let path = request.split(' ').nth(1).unwrap();
            // A client that gives up early is part of what is tested.
            let _ = stream.write_all(&answer(path));
        }
    });
    url
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A data set of one small file.
fn small() -> &'static Entry {
    let sha256: String = Sha256::digest(CONTENT)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let file = catalog::File {
        name: "file",
        bytes: CONTENT.len() as u64,
        sha256: sha256.leak(),
    };
    Box::leak(Box::new(Entry {
        name: "small",
        files: vec![file].leak(),
        mirrors: &[],
    }))
}

fn fetch(root: &Path, mirrors: &[String]) -> Result<(), Error> {
    let folder = Fetcher::new(small(), root).mirrors(mirrors).fetch()?;
    assert_eq!(folder, root.join("small"));
    Ok(())
}

fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("small")).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn fetches_verifies_and_then_needs_no_network() {
    let root = TempDir::new().unwrap();
    let url = serve(|path| {
        assert_eq!(path, "/data/file.gz");
        ok(&gzipped(CONTENT))
    });
    fetch(root.path(), &[url]).unwrap();
    assert_eq!(names(root.path()), ["file.gz"]);
    fetch::verify(small(), &root.path().join("small")).unwrap();
    fetch(root.path(), &[]).unwrap();
}

#[test]
fn the_next_mirror_is_tried_after_any_failure() {
    let wrong = [
        serve(|_| b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()),
        serve(|_| b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy".to_vec()),
        serve(|_| ok(b"<html>busy</html>")),
        serve(|_| {
            ok(&gzipped(
                b"another file that is not the one that was meant.",
            ))
        }),
        serve(|_| ok(&gzipped(&[0; 1 << 20]))),
        serve(|_| {
            let whole = ok(&gzipped(CONTENT));
            whole[..whole.len() - 9].to_vec()
        }),
        serve(|_| Vec::new()),
    ];
    for url in &wrong {
        let root = TempDir::new().unwrap();
        let error = fetch(root.path(), std::slice::from_ref(url)).unwrap_err();
        let ErrorKind::Fetch { attempts } = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].url, format!("{url}/file.gz"));
        assert!(!attempts[0].cause.is_empty());
        assert_eq!(names(root.path()), [""; 0], "{error}");
    }
    let root = TempDir::new().unwrap();
    let right = serve(|_| ok(&gzipped(CONTENT)));
    let mirrors = [&wrong[..], &[right]].concat();
    fetch(root.path(), &mirrors).unwrap();
    assert_eq!(names(root.path()), ["file.gz"]);
}

#[test]
fn a_damaged_file_is_fetched_again() {
    let root = TempDir::new().unwrap();
    let url = serve(|_| ok(&gzipped(CONTENT)));
    fetch(root.path(), std::slice::from_ref(&url)).unwrap();
    let path = root.path().join("small/file.gz");
    let mut damaged = fs::read(&path).unwrap();
    damaged[20] ^= 1;
    fs::write(&path, damaged).unwrap();
    assert!(fetch::verify(small(), &root.path().join("small")).is_err());
    fetch(root.path(), &[url]).unwrap();
    fetch::verify(small(), &root.path().join("small")).unwrap();
}

#[test]
fn the_full_set_passes_the_pinned_digests() {
    let Some(dir) = full::dir() else { return };
    let url =
        serve(move |path| ok(&fs::read(dir.join(path.strip_prefix("/data/").unwrap())).unwrap()));
    let root = TempDir::new().unwrap();
    let folder = Fetcher::new(&catalog::MNIST, root.path())
        .mirrors([url])
        .fetch()
        .unwrap();
    assert_eq!(read_dir(&folder).unwrap().train.len(), 60_000);
}
