//! Members of EMNIST's zip archive, with their checksums verified as they are read.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive};

use crate::{Error, ErrorKind};

const BUFFER: usize = 64 * 1024;

/// An open archive.
pub(crate) struct Zip {
    archive: ZipArchive<FileReader>,
    /// For one entry of the list of members at a time.
    buffer: Vec<u8>,
}

impl Zip {
    /// Opens an archive and finds its list of members.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(ErrorKind::Io)?;
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let archive = ZipArchive::from_file(file, &mut buffer).map_err(explain)?;
        Ok(Self { archive, buffer })
    }

    /// Opens the member of this name.
    pub(crate) fn member(&mut self, name: &str) -> Result<Box<dyn Read + '_>, Error> {
        let mut entries = self.archive.entries(&mut self.buffer);
        while let Some(entry) = entries.next_entry().map_err(explain)? {
            if entry.file_path().as_ref() != name.as_bytes() {
                continue;
            }
            let (place, method) = (entry.wayfinder(), entry.compression_method());
            let entry = self.archive.get_entry(place).map_err(explain)?;
            let packed = BufReader::with_capacity(BUFFER, entry.reader());
            return match method {
                CompressionMethod::STORE => Ok(Box::new(entry.verifying_reader(packed))),
                CompressionMethod::DEFLATE => {
                    let unpacked = DeflateDecoder::new(packed);
                    Ok(Box::new(entry.verifying_reader(unpacked)))
                }
                other => Err(ErrorKind::Zip(format!(
                    "expected {name} stored or deflated, found compression method {other:?}"
                ))
                .into()),
            };
        }
        Err(Error::missing(format!("the member {name}"), Vec::new()))
    }
}

fn explain(error: rawzip::Error) -> Error {
    match error.into_kind() {
        rawzip::ErrorKind::IO(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            ErrorKind::Io(error).into()
        }
        other => ErrorKind::Zip(other.to_string()).into(),
    }
}
