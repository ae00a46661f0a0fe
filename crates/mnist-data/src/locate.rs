//! Where the IDX files of a data set are in a folder, under the names that people have.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind};

/// Folders within the given one in which the files may be: torchvision leaves them in `raw`, and
/// EMNIST's archive unpacks to `gzip`.
const SUBFOLDERS: [&str; 2] = ["raw", "gzip"];

/// As many names are listed in an error.
const LISTED: usize = 8;

/// Finds the files of these names, all of them in one folder: `folder` itself, or else one of its
/// [`SUBFOLDERS`]. So images never meet the labels of another copy.
///
/// A name stands for itself and for the same with `.gz` behind it, the plain file first. If neither
/// is there, other [`spellings`] are accepted, as long as only one of them is there. A folder of the
/// name that holds a file of the name, as some archives make them, stands for that file.
///
/// `instead` is what would do in place of all four, for the error that one is missing.
///
/// # Errors
///
/// [`ErrorKind::Missing`] if a file is not there, [`ErrorKind::Ambiguous`] if several could be it,
/// [`ErrorKind::Io`] if it is not a regular file.
pub(crate) fn files(
    folder: &Path,
    names: [&str; 4],
    instead: Option<&str>,
) -> Result<[PathBuf; 4], Error> {
    let place = place(folder, &names)?;
    let [a, b, c, d] = names.map(|name| match file(&place, name)? {
        // To open a pipe would wait for somebody to write into it.
        Some(path) if !path.is_file() => {
            let error = io::Error::other("this is not a regular file");
            Err(Error::io(error, &path))
        }
        Some(path) => Ok(path),
        None => Err(missing(&place, name, &names, instead)),
    });
    Ok([a?, b?, c?, d?])
}

/// The folder that holds at least one of the files.
fn place(folder: &Path, names: &[&str; 4]) -> Result<PathBuf, Error> {
    if holds_any(folder, names)? {
        return Ok(folder.to_owned());
    }
    let mut places = Vec::new();
    for subfolder in SUBFOLDERS {
        let subfolder = folder.join(subfolder);
        if holds_any(&subfolder, names)? {
            places.push(subfolder);
        }
    }
    if places.len() > 1 {
        let error = ambiguous(folder, names[0], places);
        return Err(error.with_advice("give the right one of these folders"));
    }
    Ok(places.pop().unwrap_or_else(|| folder.to_owned()))
}

fn holds_any(folder: &Path, names: &[&str; 4]) -> Result<bool, Error> {
    for name in names {
        if file(folder, name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The file of this name in this very folder.
fn file(folder: &Path, name: &str) -> Result<Option<PathBuf>, Error> {
    if let Some(path) = plain_or_gzip(folder, name) {
        return Ok(Some(unfolded(path, name)));
    }
    let mut found: Vec<PathBuf> = spellings(name)
        .iter()
        .filter_map(|other| plain_or_gzip(folder, other))
        .collect();
    if found.len() > 1 {
        let error = ambiguous(folder, name, found);
        return Err(error.with_advice("keep the right one of these files"));
    }
    Ok(found.pop().map(|path| unfolded(path, name)))
}

fn plain_or_gzip(folder: &Path, name: &str) -> Option<PathBuf> {
    let names = [name.to_owned(), format!("{name}.gz")];
    let mut paths = names.iter().map(|name| folder.join(name));
    paths.find(|path| path.exists())
}

/// The file itself, or the one within a folder that has its name.
fn unfolded(path: PathBuf, name: &str) -> PathBuf {
    if !path.is_dir() {
        return path;
    }
    let mut names = vec![name.to_owned()];
    names.extend(spellings(name));
    let mut inner = names.iter().filter_map(|name| plain_or_gzip(&path, name));
    inner.next().unwrap_or(path)
}

/// How else the file is called: with a dot before `idx`, and with `test` for `t10k`.
fn spellings(name: &str) -> Vec<String> {
    let dotted = |name: &str| name.replacen("-idx", ".idx", 1);
    let mut all = vec![dotted(name)];
    if let Some(rest) = name.strip_prefix("t10k-") {
        let test = format!("test-{rest}");
        all.extend([dotted(&test), test]);
    }
    all
}

fn ambiguous(folder: &Path, name: &str, found: Vec<PathBuf>) -> Error {
    let wanted = name.to_owned();
    Error::new(ErrorKind::Ambiguous { wanted, found }).in_file(folder)
}

fn missing(folder: &Path, name: &str, names: &[&str; 4], instead: Option<&str>) -> Error {
    let mut expected = format!("{name} or {name}.gz");
    if let Some(instead) = instead {
        expected = format!("{instead}, or {expected}");
    }
    let error = Error::missing(expected, content(folder)).in_file(folder);
    match within(folder, names) {
        Some(inner) => error.with_advice(format!("{} has it: give that folder", inner.display())),
        None => error,
    }
}

/// The first folder in this one that holds any of the files.
fn within(folder: &Path, names: &[&str; 4]) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders.into_iter().find(|inner| {
        let place = place(inner, names);
        place.is_ok_and(|place| holds_any(&place, names).unwrap_or(false))
    })
}

/// The names in a folder, sorted; of many, those that are most like IDX files come first.
fn content(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.path().is_dir() {
                true => format!("{name}/"),
                false => name,
            }
        })
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort_by_key(|name| {
        (
            !name.contains("idx") && !name.contains("ubyte"),
            name.clone(),
        )
    });
    if let Some(more) = names.len().checked_sub(LISTED).filter(|&more| more > 0) {
        names.truncate(LISTED);
        names.push(format!("and {more} more"));
    }
    names
}
