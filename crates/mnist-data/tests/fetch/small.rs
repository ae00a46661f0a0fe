//! A data set of one file of a few kilobytes, to be fetched quickly, and another of a megabyte.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use mnist_data::catalog::{self, Digest, Entry, File};
use mnist_data::fetch::{Fetcher, RetryPolicy};
use mnist_data::{Attempt, Error, ErrorKind, local};
use sha2::Digest as _;
use tempfile::TempDir;

pub(crate) const NAME: &str = "file.gz";

/// 40,000 bytes that gzip cannot make smaller.
pub(crate) fn content() -> Vec<u8> {
    noise(40_000)
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(next).collect()
}

pub(crate) fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn body() -> Vec<u8> {
    gzipped(&content())
}

/// A megabyte of content, packed: many times what counts as headway.
pub(crate) static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| gzipped(&noise(1_000_000)));

static LARGE_ENTRY: LazyLock<&Entry> = LazyLock::new(|| entry_of(&noise(1_000_000)));

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", sha2::Sha256::digest(bytes))
}

pub(crate) fn entry() -> &'static Entry {
    entry_of(&content())
}

/// The data set whose file is [`LARGE`].
pub(crate) fn large_entry() -> &'static Entry {
    &LARGE_ENTRY
}

fn entry_of(content: &[u8]) -> &'static Entry {
    let digest = Digest::Content {
        bytes: content.len() as u64,
        sha256: sha256(content).leak(),
    };
    let file = File { name: NAME, digest };
    Box::leak(Box::new(Entry {
        folder: "small",
        files: vec![file].leak(),
        ..catalog::MNIST.clone()
    }))
}

/// Waits for a busy machine, but not long before it tries again.
pub(crate) fn policy() -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    policy.stall_timeout = Duration::from_secs(20);
    policy.backoff = Duration::from_millis(5);
    policy.max_pause = Duration::from_secs(3);
    policy.retries = 2;
    policy
}

/// A root for one test, what is fetched into it, and with which policy.
pub(crate) struct Root {
    dir: TempDir,
    entry: &'static Entry,
    policy: RetryPolicy,
}

impl Root {
    pub(crate) fn new() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            entry: entry(),
            policy: policy(),
        }
    }

    /// For [`LARGE`].
    pub(crate) fn large() -> Self {
        Self {
            entry: large_entry(),
            ..Self::new()
        }
    }

    /// For servers that stall.
    pub(crate) fn hasty() -> Self {
        let mut root = Self::new();
        root.policy.stall_timeout = Duration::from_millis(500);
        root
    }

    /// For servers that are slow.
    pub(crate) fn demanding(bytes_a_second: u64) -> Self {
        let mut root = Self::hasty();
        root.policy.min_bytes_per_second = bytes_a_second;
        root
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("small").join(name)
    }

    pub(crate) fn fetcher(&self, mirrors: &[&str]) -> Fetcher {
        let mirrors = mirrors.iter().copied();
        Fetcher::new(self.entry)
            .root(self.path())
            .mirrors(mirrors)
            .retry_policy(self.policy.clone())
    }

    /// Fetches, and sees that the verified file is there and nothing else.
    pub(crate) fn fetches(&self, mirrors: &[&str]) {
        self.fetcher(mirrors).fetch().unwrap();
        self.is_complete();
    }

    /// The verified file is there and nothing else.
    pub(crate) fn is_complete(&self) {
        local::verify(self.entry, self.path().join("small")).unwrap();
        assert_eq!(self.names(), [".lock", NAME]);
    }

    /// Fails to fetch; nothing has the final name; the addresses and causes.
    pub(crate) fn fails(&self, mirrors: &[&str]) -> Vec<Attempt> {
        let error: Error = self.fetcher(mirrors).fetch().unwrap_err();
        assert!(!self.file(NAME).exists());
        assert_eq!(error.path(), Some(self.file(NAME).as_path()));
        let ErrorKind::Fetch { attempts } = error.kind() else {
            panic!("{error}")
        };
        for (attempt, mirror) in attempts.iter().zip(mirrors) {
            assert_eq!(attempt.url, format!("{mirror}/{NAME}"));
            assert!(error.to_string().contains(&attempt.cause), "{error}");
        }
        assert_eq!(attempts.len(), mirrors.len());
        attempts.clone()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path().join("small")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
