//! Files that are whole or not there: a reader never sees half of one, and a crash loses no earlier one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A file of at most so many bytes that somebody else may have put there: a pipe, whose opening waits for its other end,
/// or a device that never ends is refused.
///
/// # Errors
/// If it is not there, is no regular file, has more bytes, or cannot be read.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("this is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Writes `bytes` to `path`: into a file beside it, `.NAME.PROCESS.partial`, which gets its name once it is on the disk.
/// What stood there before stays until then, whatever happens.
///
/// # Errors
/// If the folder is not there, cannot be written to, or is full; the error names the file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |error: io::Error| {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "; make its folder first",
            io::ErrorKind::StorageFull => "; free some space, or write it elsewhere",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "; write it elsewhere"
            }
            _ => "",
        };
        Error::Failed(format!("{}: cannot write: {error}{advice}", path.display()))
    };
    let Some(name) = path.file_name() else {
        return Err(failed(io::Error::other("this names no file")));
    };
    if path.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let mut partial = std::ffi::OsString::from(".");
    partial.push(name);
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(partial);
    let written = write_and_rename(&partial, path, bytes);
    if written.is_err() {
        // It is incomplete, and where it cannot be removed it does no harm.
        let _ = fs::remove_file(&partial);
    }
    written.map_err(failed)
}

fn write_and_rename(partial: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(partial, path)?;
    sync_folder(path)
}

/// The new name reaches the disk with the folder that holds it.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a file.bin");
        for content in [b"first".as_slice(), b"", b"third, and longer"] {
            write(&path, content).unwrap();
            assert_eq!(fs::read(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_read_is_a_regular_file_of_a_size_that_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("four.bin");
        fs::write(&path, b"four").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"four");
        let why = |path: &Path, most| read(path, most).unwrap_err().to_string();
        assert_eq!(why(&path, 3), "it has more than 3 bytes");
        assert_eq!(why(folder.path(), 4), "this is not a regular file");
        let none = read(&folder.path().join("none"), 4).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
        if cfg!(unix) {
            assert_eq!(why(Path::new("/dev/zero"), 4), "this is not a regular file");
        }
    }

    #[test]
    fn where_it_cannot_be_written_the_error_names_it() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            folder.path().join("none/x.bin"),
            folder.path().to_owned(),
            PathBuf::from("/"),
        ] {
            let Err(Error::Failed(message)) = write(&path, b"x") else {
                panic!("{} was written", path.display());
            };
            assert!(
                message.starts_with(&format!("{}: ", path.display())),
                "{message}"
            );
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
