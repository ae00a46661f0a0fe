//! Gzip of several members, which says what follows the last one.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// The first two bytes of every member.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The content of all members, one after the other, to the very end of the source.
///
/// `flate2::bufread::MultiGzDecoder` does the same, but calls what follows the last member an
/// unexpected end of the file, which sends people looking for a cut where there is none.
pub(crate) struct Members<R> {
    /// `None` behind the last one.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            member: Some(GzDecoder::new(source)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let rest = member.get_mut().fill_buf()?;
            // A source may give its bytes one by one.
            let known = rest.len().min(MAGIC.len());
            if rest[..known] != MAGIC[..known] {
                let garbage = "trailing garbage: bytes that are not gzip follow its end";
                return Err(io::Error::new(io::ErrorKind::InvalidData, garbage));
            }
            let ended = rest.is_empty();
            let last = self.member.take().filter(|_| !ended);
            self.member = last.map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}
