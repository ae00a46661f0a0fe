//! The bytes of an IDX file, plain or out of gzip, counted.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};

use super::parallel;
use crate::gzip::{self, Members};
use crate::{Error, ErrorKind};

const GZIP_BUFFER: usize = 64 * 1024;

/// A source of decompressed bytes that knows how many it gave.
pub(super) struct Source<R> {
    stream: Stream<R>,
    offset: u64,
    /// The same open file as the stream, where it is a plain one from its start on.
    file: Option<File>,
}

enum Stream<R> {
    Plain(R),
    Gzip(Box<Members<BufReader<Restored<R>>>>),
}

/// The first bytes, which were read to tell what the source is, and then the rest of it.
type Restored<R> = io::Chain<Cursor<[u8; 2]>, R>;

impl<R: Read> Source<R> {
    /// Tells gzip by its content, and returns the first (decompressed) bytes, at most four.
    pub(super) fn open(mut source: R) -> Result<(Self, Vec<u8>), Error> {
        let mut start = Vec::with_capacity(4);
        source
            .by_ref()
            .take(2)
            .read_to_end(&mut start)
            .map_err(ErrorKind::Io)?;
        let stream = if start[..] == gzip::MAGIC {
            start.clear();
            let whole = Cursor::new(gzip::MAGIC).chain(source);
            let buffered = BufReader::with_capacity(GZIP_BUFFER, whole);
            Stream::Gzip(Box::new(Members::new(buffered)))
        } else {
            Stream::Plain(source)
        };
        let mut this = Self {
            stream,
            offset: start.len() as u64,
            file: None,
        };
        let missing = 4 - start.len() as u64;
        this.read_vec(missing, &mut start)?;
        if this.is_gzip() && start.starts_with(&gzip::MAGIC) {
            let error = Error::new(ErrorKind::DoublyGzipped).at(0);
            return Err(error.with_advice("unpack it once, for example with gunzip"));
        }
        Ok((this, start))
    }

    pub(super) fn is_gzip(&self) -> bool {
        matches!(self.stream, Stream::Gzip(_))
    }

    /// Allows to read the source, which is this plain file, by several threads.
    pub(super) fn allow_parallel(&mut self, file: File) {
        self.file = Some(file);
    }

    /// Decompressed bytes given so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends up to `bytes` bytes to `out`: fewer only where the source ends.
    ///
    /// A plain source reads straight into the vector's spare room, which is not zeroed first.
    pub(super) fn read_vec(&mut self, bytes: u64, out: &mut Vec<u8>) -> Result<(), Error> {
        if let Some(file) = &self.file
            && bytes >= parallel::LEAST
            && out.is_empty()
            && let Ok(content) = parallel::read(file, self.offset, bytes as usize)
        {
            *out = content;
            self.offset += bytes;
            return Ok(());
        }
        let before = out.len();
        let result = match &mut self.stream {
            Stream::Plain(source) => source.take(bytes).read_to_end(out),
            Stream::Gzip(source) => source.take(bytes).read_to_end(out),
        };
        self.offset += (out.len() - before) as u64;
        result.map(drop).map_err(|error| self.explain(error))
    }

    /// Checks that nothing is left, which also verifies gzip's checksum.
    pub(super) fn expect_end(&mut self) -> Result<(), Error> {
        let expected = self.offset;
        let mut rest = Vec::new();
        self.read_vec(1, &mut rest)?;
        if rest.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Overlong {
            expected,
            found: self.offset,
        })
        .at(expected))
    }

    /// Tells a broken gzip stream from a broken disk.
    fn explain(&self, error: io::Error) -> Error {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let kind = match error.kind() {
            InvalidData | InvalidInput | UnexpectedEof if self.is_gzip() => ErrorKind::Gzip(error),
            _ => ErrorKind::Io(error),
        };
        Error::new(kind).at(self.offset)
    }
}
