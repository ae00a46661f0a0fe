//! The digest that decides.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::catalog::{self, Digest};
use crate::{Error, ErrorKind};

const BUFFER: usize = 128 * 1024;

/// Checks a file of the catalogue: its length and its SHA-256.
///
/// Where the content is known, the file may be plain or gzip, told by its first bytes. Little more
/// is read than there should be, so that a gzip bomb costs nothing.
pub(super) fn file(path: &Path, file: &catalog::File) -> Result<(), Error> {
    check(path, file).map_err(|error| error.in_file(path))
}

fn check(path: &Path, file: &catalog::File) -> Result<(), Error> {
    let mut raw = BufReader::with_capacity(BUFFER, File::open(path).map_err(ErrorKind::Io)?);
    match file.digest {
        Digest::Packed { at_most, sha256 } => {
            compare(raw, ErrorKind::Io, sha256, at_most).map(drop)
        }
        Digest::Content { bytes, sha256 } => {
            let gzip = raw
                .fill_buf()
                .map_err(ErrorKind::Io)?
                .starts_with(&[0x1f, 0x8b]);
            let found = if gzip {
                compare(MultiGzDecoder::new(raw), ErrorKind::Gzip, sha256, bytes)
            } else {
                compare(raw, ErrorKind::Io, sha256, bytes)
            }?;
            if found == bytes {
                return Ok(());
            }
            Err(ErrorKind::Truncated {
                expected: bytes,
                found,
            }
            .into())
        }
    }
}

/// The number of bytes, if their digest is right.
fn compare(
    mut content: impl Read,
    explain: fn(io::Error) -> ErrorKind,
    expected: &str,
    at_most: u64,
) -> Result<u64, Error> {
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
    let found: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found == expected {
        return Ok(bytes);
    }
    Err(ErrorKind::Digest {
        expected: expected.to_owned(),
        found,
    }
    .into())
}
