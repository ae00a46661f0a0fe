//! The folder of a run, held by one process at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::records::{
    BEST, CHECKPOINTS, ENVIRONMENT, Environment, LATEST, LOCK, METRICS, MODEL, Outcome, RECIPE,
    RESULT,
};
use crate::error::{Advice, Error};
use crate::recipe::{Changes, Named, Recipe};
use crate::session::Checkpoint;
use crate::whole_file;

/// Bytes of a checkpoint: a network of the largest size, with two moments and an average of each number.
const LARGEST: u64 = 1 << 32;

/// A run's folder, locked until it is dropped; the system unlocks it when the process dies.
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// A new run in the folder of a name, or of the name with the first number that is free.
    ///
    /// # Errors
    /// If no folder can be made there.
    pub fn create_in(parent: &Path, name: &str) -> Result<Self, Error> {
        fs::create_dir_all(parent).map_err(|error| cannot("make", parent, &error))?;
        let mut number = 1_u64;
        loop {
            let path = match number {
                1 => parent.join(name),
                _ => parent.join(format!("{name}-{number}")),
            };
            match fs::create_dir(&path) {
                Ok(()) => return Self::hold(path)?.furnish(),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(cannot("make", &path, &error)),
            }
        }
    }

    /// A new run in this very folder, which must be empty if it is there.
    ///
    /// # Errors
    /// If the folder holds something, is held by another process, or cannot be made.
    pub fn create(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(|error| cannot("make", path, &error))?;
        let folder = Self::hold(path.to_owned())?;
        let name = path.display();
        if folder.has(RECIPE) {
            return Err(Error::Advised {
                message: format!("{name} holds a run already"),
                advice: Advice::GoOnOrOtherFolder(path.to_owned()),
            });
        }
        // What a run leaves that was killed before it had its recipe.
        let own = [LOCK, CHECKPOINTS, ENVIRONMENT];
        let entries = fs::read_dir(path).map_err(|error| cannot("read", path, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| cannot("read", path, &error))?;
            let entry = entry.file_name().to_string_lossy().into_owned();
            if !own.contains(&entry.as_str()) && !is_partial(&entry) {
                return Err(Error::Failed(format!(
                    "{name} is not empty, it holds {entry}; choose a new folder for the run"
                )));
            }
        }
        folder.furnish()
    }

    /// The folder of a run that began.
    ///
    /// # Errors
    /// If there is none, or another process holds it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display();
        if !path.is_dir() {
            return Err(Error::Failed(format!(
                "{name}: found no folder, expected that of a run, such as runs/stacked"
            )));
        }
        if !path.join(RECIPE).is_file() {
            return Err(Error::Advised {
                message: format!("{name} holds no {RECIPE}, so no run began here"),
                advice: Advice::BeginRun(path.to_owned()),
            });
        }
        let folder = Self::hold(path.to_owned())?;
        // Nobody else writes these, so what is unfinished of them stays so. Reports and exports are written without the
        // lock, and may be under way.
        for part in [path.to_owned(), path.join(CHECKPOINTS)] {
            let entries = fs::read_dir(part).into_iter().flatten().flatten();
            for entry in
                entries.filter(|entry| is_own_partial(&entry.file_name().to_string_lossy()))
            {
                let _ = fs::remove_file(entry.path());
            }
        }
        folder.furnish()
    }

    fn hold(path: PathBuf) -> Result<Self, Error> {
        let lock = path.join(LOCK);
        let failed = |error: &io::Error| cannot("write", &lock, error);
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&lock).map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                let _ = file.read_to_string(&mut process);
                let process = match process.trim() {
                    "" => String::new(),
                    number => format!(" ({number})"),
                };
                return Err(Error::Advised {
                    message: format!("{}: another process{process} trains here", path.display()),
                    advice: Advice::WaitOrOtherFolder,
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        // For people alone; the lock itself is what counts.
        let _ = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { path, _lock: file })
    }

    fn furnish(self) -> Result<Self, Error> {
        let checkpoints = self.path.join(CHECKPOINTS);
        fs::create_dir_all(&checkpoints).map_err(|error| cannot("make", &checkpoints, &error))?;
        Ok(self)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    /// Whether the run came to its end.
    pub fn is_finished(&self) -> bool {
        self.has(RESULT)
    }

    /// What the run found at its end, as JSON.
    ///
    /// # Errors
    /// If the file cannot be read, or says something else.
    pub fn result(&self) -> Result<String, Error> {
        Self::result_in(&self.path)
    }

    /// What the run in a folder found at its end, as JSON, whichever process holds the folder.
    ///
    /// # Errors
    /// If the file cannot be read, or says something else.
    pub fn result_in(folder: &Path) -> Result<String, Error> {
        let path = folder.join(RESULT);
        let bytes = whole_file::read(&path, LARGEST).map_err(|error| cannot("read", &path, &error));
        let text = String::from_utf8_lossy(&bytes?).into_owned();
        match serde_json::from_str::<Outcome>(&text) {
            Ok(_) => Ok(text),
            Err(error) => Err(Error::Failed(format!(
                "{}: this is not the result of a run: {error}; remove the file, and the run goes on from its checkpoint \
                 to the same result",
                path.display()
            ))),
        }
    }

    /// The recipe of the run.
    ///
    /// # Errors
    /// If it cannot be read, or is none any more.
    pub fn recipe(&self) -> Result<Named, Error> {
        let path = self.path.join(RECIPE);
        Recipe::read(&path, &Changes::default()).map(Named::of_run)
    }

    /// Writes what a run begins with. The recipe comes last: where it is, everything is that a run needs to go on.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(&self, environment: &Environment, recipe: &Recipe) -> Result<(), Error> {
        environment.write(self)?;
        self.write(RECIPE, recipe.to_toml()?.as_bytes())
    }

    /// Writes a file of the run as a whole.
    ///
    /// # Errors
    /// If it cannot be written; what stood there is as it was.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        whole_file::write(&self.path.join(name), bytes)
    }

    /// The latest checkpoint, if there is one.
    ///
    /// # Errors
    /// If it is no checkpoint.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        let path = self.path.join(LATEST);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = whole_file::read(&path, LARGEST);
        let bytes = bytes.map_err(|error| cannot("read", &path, &error))?;
        let checkpoint = Checkpoint::from_bytes(&bytes).map_err(|problem| {
            Error::Failed(format!(
                "{}: {problem}; move it away to start the run from its beginning",
                path.display()
            ))
        })?;
        Ok(Some(checkpoint))
    }

    /// The lines of metrics up to their first `length` bytes: what stands behind, a run wrote that was killed.
    ///
    /// # Errors
    /// If they cannot be opened or cut.
    pub fn metrics(&self, length: u64) -> Result<Metrics, Error> {
        let path = self.path.join(METRICS);
        let mut options = File::options();
        // Reading as well: what is no file but a pipe opens then without its other end, and is refused below.
        options.create(true).truncate(false).read(true).write(true);
        let opened = options.open(&path).and_then(|mut file| {
            // Some of them may be gone, though no crash takes any: then the run goes on without.
            let length = length.min(file.metadata()?.len());
            if file.metadata()?.is_file() {
                file.set_len(length)?;
            }
            file.seek(SeekFrom::Start(length))?;
            Ok((file, length))
        });
        let (file, length) = opened.map_err(|error| cannot("write", &path, &error))?;
        Ok(Metrics { path, file, length })
    }
}

/// metrics.jsonl, to add lines to.
pub struct Metrics {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Metrics {
    /// Their bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, line: &str) -> Result<(), Error> {
        let line = format!("{line}\n");
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|error| cannot("write", &self.path, &error))?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Has all lines reach the disk, and tells their bytes.
    ///
    /// # Errors
    /// If they do not reach it.
    pub fn sync(&self) -> Result<u64, Error> {
        let synced = self.file.sync_data();
        synced.map_err(|error| cannot("write", &self.path, &error))?;
        Ok(self.length)
    }
}

/// Whether a file is an unfinished one of those that only the holder of the lock writes.
fn is_own_partial(name: &str) -> bool {
    let own = [RECIPE, ENVIRONMENT, RESULT, MODEL, LATEST, BEST];
    let mut own = own
        .iter()
        .filter_map(|path| path.rsplit(['/', '\\']).next());
    is_partial(name) && own.any(|own| name[1..].starts_with(own))
}

/// Whether a file is one that was never finished, see [`whole_file`].
fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    let message = format!("{}: cannot {what} it: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull => Error::Failed(message + "; free some space"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::Advised {
            message,
            advice: Advice::OtherFolder,
        },
        _ => Error::Failed(message),
    }
}
