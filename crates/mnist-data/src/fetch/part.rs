//! A download that is not finished: the bytes so far, and where they came from.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// `NAME.part`, and beside it `NAME.part.from`: address, validator and length in a line each.
///
/// A process may die between any two writes. So the origin is removed before the bytes are
/// replaced and written before the first new byte; bytes without an origin are worth nothing.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    origin: Option<Origin>,
    /// Whether bytes of an earlier request are in it.
    mixed: bool,
}

/// What the server said about the file when the download began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) url: String,
    /// `ETag` or `Last-Modified`, for `If-Range`.
    pub(super) validator: Option<String>,
    pub(super) total: Option<u64>,
}

impl Part {
    pub(super) fn open(target: &Path) -> io::Result<Self> {
        let path = with_suffix(target, ".part");
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        let origin = fs::read_to_string(with_suffix(&path, ".from")).ok();
        let origin = origin.as_deref().and_then(Origin::parse);
        Ok(Self {
            path,
            file,
            bytes,
            origin,
            mixed: true,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the bytes came from more than one request.
    pub(super) fn is_mixed(&self) -> bool {
        self.mixed && self.bytes > 0
    }

    /// Where the bytes came from, if there are some with which one can go on.
    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref().filter(|_| self.bytes > 0)
    }

    /// Bytes of the whole file, if the server told.
    pub(super) fn total(&self) -> Option<u64> {
        self.origin.as_ref().and_then(|origin| origin.total)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.bytes > 0 && self.total() == Some(self.bytes)
    }

    /// Drops the bytes, and begins anew from an address.
    pub(super) fn restart(&mut self, origin: Origin) -> io::Result<()> {
        self.discard()?;
        fs::write(with_suffix(&self.path, ".from"), origin.text())?;
        self.origin = Some(origin);
        self.mixed = false;
        Ok(())
    }

    pub(super) fn discard(&mut self) -> io::Result<()> {
        remove(&with_suffix(&self.path, ".from"))?;
        self.origin = None;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.bytes = 0;
        Ok(())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// The first bytes, as many as there are of `N`.
    pub(super) fn start<const N: usize>(&mut self) -> io::Result<Vec<u8>> {
        self.file.rewind()?;
        let mut start = Vec::new();
        (&self.file).take(N as u64).read_to_end(&mut start)?;
        self.file.seek(SeekFrom::End(0))?;
        Ok(start)
    }

    /// Makes the bytes last, whatever happens to the machine.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Gives the file its final name.
    pub(super) fn install(self, target: &Path) -> io::Result<()> {
        let Self { path, file, .. } = self;
        drop(file); // Windows renames no open file.
        fs::rename(&path, target)?;
        remove(&with_suffix(&path, ".from"))?;
        // On Unix the folder is a file of its own that must be written, too.
        match target.parent() {
            Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }

    /// Leaves nothing behind where there is nothing to go on with.
    pub(super) fn tidy(self) {
        let Self {
            path, file, bytes, ..
        } = self;
        drop(file);
        if bytes == 0 {
            // An empty file more does no harm.
            let _ = remove(&path).and_then(|()| remove(&with_suffix(&path, ".from")));
        }
    }
}

impl Origin {
    fn text(&self) -> String {
        let total = self
            .total
            .map(|total| total.to_string())
            .unwrap_or_default();
        format!(
            "{}\n{}\n{total}\n",
            self.url,
            self.validator.as_deref().unwrap_or_default()
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let [url, validator, total] = text
            .strip_suffix('\n')?
            .split('\n')
            .collect::<Vec<_>>()
            .try_into()
            .ok()?;
        let total = if total.is_empty() {
            None
        } else {
            Some(total.parse().ok()?)
        };
        let validator = Some(validator.to_owned()).filter(|validator| !validator.is_empty());
        Some(Self {
            url: url.to_owned(),
            validator,
            total,
        })
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_survives_its_text() {
        for (validator, total) in [(Some("\"abc\"".to_owned()), Some(7)), (None, None)] {
            let origin = Origin {
                url: "http://mirror/file".to_owned(),
                validator,
                total,
            };
            assert_eq!(Origin::parse(&origin.text()), Some(origin.clone()));
            for end in 0..origin.text().len() {
                assert_eq!(Origin::parse(&origin.text()[..end]), None, "{end}");
            }
        }
    }
}
