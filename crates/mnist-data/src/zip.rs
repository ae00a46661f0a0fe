//! Members of a zip archive, as far as EMNIST needs it: stored or deflated, below 4 GiB.
//!
//! The whole archive has a digest, so what is checked here is what keeps a wrong one from doing
//! harm: every offset and length is bounded by the file.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Take};
use std::path::Path;

use flate2::read::DeflateDecoder;

use crate::{Error, ErrorKind};

const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: u64 = 22;
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LOCAL_BYTES: u64 = 30;

/// An open archive and its list of members.
pub(crate) struct Zip {
    file: File,
    directory: Vec<u8>,
}

/// The bytes of one member.
pub(crate) enum Member<'a> {
    Stored(BufReader<Take<&'a File>>),
    Deflated(Box<DeflateDecoder<BufReader<Take<&'a File>>>>),
}

impl Zip {
    /// Reads the list of members.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(ErrorKind::Io)?;
        let length = file.seek(SeekFrom::End(0)).map_err(ErrorKind::Io)?;
        // The end record is followed by a comment of at most 64 KiB.
        let tail_start = length.saturating_sub(END_BYTES + 0xffff);
        let tail = bytes_at(&file, tail_start, length - tail_start)?;
        let is_end = |window: &[u8], at: usize| {
            let comment = usize::from(u16_at(window, 20));
            window.starts_with(&END) && at + END_BYTES as usize + comment == tail.len()
        };
        let mut windows = tail.windows(END_BYTES as usize).enumerate().rev();
        let end = windows
            .find_map(|(at, window)| is_end(window, at).then_some(at))
            .ok_or_else(|| broken(length, "no end record"))?;
        let size = u64::from(u32_at(&tail, end + 12));
        let start = u64::from(u32_at(&tail, end + 16));
        if start.checked_add(size).is_none_or(|stop| stop > length) {
            return Err(broken(
                tail_start + end as u64,
                "a list of members beyond its end",
            ));
        }
        let directory = bytes_at(&file, start, size)?;
        Ok(Self { file, directory })
    }

    /// Opens the member of this name.
    pub(crate) fn member(&mut self, name: &str) -> Result<Member<'_>, Error> {
        let mut rest = &self.directory[..];
        while rest.starts_with(&ENTRY) && rest.len() >= ENTRY_BYTES {
            let [name_bytes, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(rest, at)));
            let whole = ENTRY_BYTES + name_bytes + extra + comment;
            if rest.len() < whole {
                break;
            }
            if rest[ENTRY_BYTES..ENTRY_BYTES + name_bytes] == *name.as_bytes() {
                let (method, packed) = (u16_at(rest, 10), u32_at(rest, 20));
                return self.open_member(u32_at(rest, 42).into(), packed.into(), method);
            }
            rest = &rest[whole..];
        }
        Err(Error::missing(format!("the member {name}"), Vec::new()))
    }

    fn open_member(&self, start: u64, packed: u64, method: u16) -> Result<Member<'_>, Error> {
        let local = bytes_at(&self.file, start, LOCAL_BYTES)?;
        if !local.starts_with(&LOCAL) {
            return Err(broken(start, "no member where the list says"));
        }
        let skip = u64::from(u16_at(&local, 26)) + u64::from(u16_at(&local, 28));
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start + LOCAL_BYTES + skip))
            .map_err(ErrorKind::Io)?;
        let bytes = BufReader::with_capacity(64 * 1024, file.take(packed));
        match method {
            0 => Ok(Member::Stored(bytes)),
            8 => Ok(Member::Deflated(Box::new(DeflateDecoder::new(bytes)))),
            _ => Err(broken(start + 8, "an unknown way to compress")),
        }
    }
}

impl Read for Member<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Stored(source) => source.read(buffer),
            Self::Deflated(source) => source.read(buffer),
        }
    }
}

fn bytes_at(mut file: &File, start: u64, count: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(ErrorKind::Io)?;
    file.take(count)
        .read_to_end(&mut bytes)
        .map_err(ErrorKind::Io)?;
    if (bytes.len() as u64) < count {
        let found = start + bytes.len() as u64;
        return Err(Error::new(ErrorKind::Truncated {
            expected: start + count,
            found,
        })
        .at(found));
    }
    Ok(bytes)
}

fn broken(offset: u64, found: &'static str) -> Error {
    Error::new(ErrorKind::Zip { found }).at(offset)
}

// The callers have seen that the bytes are there.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
