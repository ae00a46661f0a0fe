//! The digest that decides.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, catalog};

/// Checks the content of a file, plain or gzip by its first bytes: its length and its SHA-256.
///
/// Reads little more than the content should have, so that a gzip bomb costs nothing.
pub(super) fn file(path: &Path, file: &catalog::File) -> Result<(), Error> {
    check(path, file).map_err(|error| error.in_file(path))
}

fn check(path: &Path, file: &catalog::File) -> Result<(), Error> {
    let mut raw = BufReader::with_capacity(64 * 1024, File::open(path).map_err(ErrorKind::Io)?);
    if raw
        .fill_buf()
        .map_err(ErrorKind::Io)?
        .starts_with(&[0x1f, 0x8b])
    {
        check_content(MultiGzDecoder::new(raw), file, ErrorKind::Gzip)
    } else {
        check_content(raw, file, ErrorKind::Io)
    }
}

fn check_content(
    mut content: impl Read,
    file: &catalog::File,
    explain: fn(io::Error) -> ErrorKind,
) -> Result<(), Error> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut bytes = 0;
    loop {
        let read = content.read(&mut buffer).map_err(explain)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
        if bytes > file.bytes {
            return Err(ErrorKind::Overlong {
                expected: file.bytes,
                found: bytes,
            }
            .into());
        }
    }
    if bytes < file.bytes {
        return Err(ErrorKind::Truncated {
            expected: file.bytes,
            found: bytes,
        }
        .into());
    }
    let found: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if found != file.sha256 {
        return Err(ErrorKind::Digest {
            expected: file.sha256.to_owned(),
            found,
        }
        .into());
    }
    Ok(())
}
