//! The digest that decides.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::catalog::{self, Digest};
use crate::gzip::Members;
use crate::{Error, ErrorKind};

const BUFFER: usize = 128 * 1024;

/// Checks a file of the catalogue: its length and its SHA-256.
///
/// Where the content is known, the file may be plain or gzip, told by its first bytes. Little more
/// is read than there should be, so that a gzip bomb costs nothing.
pub(crate) fn file(path: &Path, file: &catalog::File) -> Result<(), Error> {
    check(path, file).map_err(|error| error.in_file(path))
}

/// Checks a decompressed file against a packed one that is known to be right.
pub(crate) fn content_of(plain: &Path, packed: &Path) -> Result<(), Error> {
    let of = |path: &Path| {
        let (content, explain) = open(path)?;
        hash(content, explain, u64::MAX)
    };
    let (bytes, sha256) = of(packed).map_err(|error| error.in_file(packed))?;
    content(plain, bytes, &sha256).map_err(|error| error.in_file(plain))
}

fn check(path: &Path, file: &catalog::File) -> Result<(), Error> {
    match file.digest {
        Digest::Packed { at_most, sha256 } => {
            let raw = File::open(path).map_err(ErrorKind::Io)?;
            compare(raw, ErrorKind::Io, sha256, at_most).map(drop)
        }
        Digest::Content { bytes, sha256 } => content(path, bytes, sha256),
    }
}

fn content(path: &Path, bytes: u64, sha256: &str) -> Result<(), Error> {
    let (content, explain) = open(path)?;
    let found = compare(content, explain, sha256, bytes)?;
    if found == bytes {
        return Ok(());
    }
    Err(ErrorKind::Truncated {
        expected: bytes,
        found,
    }
    .into())
}

/// What an error of the content means.
type Explain = fn(io::Error) -> ErrorKind;

/// The decompressed content.
fn open(path: &Path) -> Result<(Box<dyn Read>, Explain), Error> {
    let mut raw = BufReader::with_capacity(BUFFER, File::open(path).map_err(ErrorKind::Io)?);
    let start = raw.fill_buf().map_err(ErrorKind::Io)?;
    Ok(match start.starts_with(&[0x1f, 0x8b]) {
        true => (Box::new(Members::new(raw)), ErrorKind::Gzip),
        false => (Box::new(raw), ErrorKind::Io),
    })
}

/// The number of bytes, if their digest is right.
fn compare(
    content: impl Read,
    explain: Explain,
    expected: &str,
    at_most: u64,
) -> Result<u64, Error> {
    let (bytes, found) = hash(content, explain, at_most)?;
    if found == expected {
        return Ok(bytes);
    }
    Err(ErrorKind::Digest {
        expected: expected.to_owned(),
        found,
    }
    .into())
}

/// The number of bytes, and their digest in hexadecimal.
fn hash(mut content: impl Read, explain: Explain, at_most: u64) -> Result<(u64, String), Error> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        let read = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(explain(error).into()),
        };
        hash.update(&buffer[..read]);
        bytes += read as u64;
        if bytes > at_most {
            return Err(ErrorKind::Overlong {
                expected: at_most,
                found: bytes,
            }
            .into());
        }
    }
    Ok((bytes, format!("{:x}", hash.finalize())))
}
