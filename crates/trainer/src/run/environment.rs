//! What a run ran on, and on what data: environment.json.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::folder::RunFolder;
use super::records::{CHECKPOINTS, DataFile, ENVIRONMENT, Environment, RECIPE};
use super::shell;
use crate::error::Error;
use crate::images::Images;
use crate::whole_file;

/// Bytes of environment.json: far more than any has.
const LARGEST: u64 = 1 << 20;

impl Environment {
    /// That of this process, which computes on so many threads and was started with these arguments.
    ///
    /// # Errors
    /// If a file of the data set cannot be read.
    pub fn here(
        images: &Images,
        threads: usize,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("TRAINER_COMMIT").map(str::to_owned),
            cpu: cpu(),
            instruction_set: conv_core::simd::level().to_string(),
            threads,
            ranks: 1,
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            data: data_files(images)?,
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            command: shell::command(arguments),
        })
    }

    /// That of a run that began.
    ///
    /// # Errors
    /// If the file is not there or says something else.
    pub fn read(folder: &RunFolder) -> Result<Self, Error> {
        Self::of(folder.path())
    }

    /// That of the run that a model is of, which is given by the run's folder or by a file that the run wrote; none of a
    /// model elsewhere.
    ///
    /// # Errors
    /// If the file says something else.
    pub fn of_model(path: &Path) -> Result<Option<Self>, Error> {
        let mut folder = path;
        if !path.is_dir() {
            folder = path.parent().unwrap_or(Path::new(""));
            if folder.file_name() == Some(OsStr::new(CHECKPOINTS)) {
                folder = folder.parent().unwrap_or(Path::new(""));
            }
        }
        let is_run = [RECIPE, ENVIRONMENT]
            .iter()
            .all(|file| folder.join(file).is_file());
        is_run.then(|| Self::of(folder)).transpose()
    }

    fn of(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(ENVIRONMENT);
        let failed = |error: &dyn std::fmt::Display| {
            Error::Failed(format!(
                "{}: {error}; expected what `trainer train` wrote there",
                path.display()
            ))
        };
        let bytes = whole_file::read(&path, LARGEST).map_err(|error| failed(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| failed(&error))
    }

    /// Writes it into the run's folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<(), Error> {
        let json = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Failed(format!("cannot write JSON: {error}")))?;
        folder.write(ENVIRONMENT, format!("{json}\n").as_bytes())
    }
}

/// The files of the data set as they are on disk, with their digests.
fn data_files(images: &Images) -> Result<Vec<DataFile>, Error> {
    let Some(folder) = &images.folder else {
        return Ok(vec![DataFile {
            file: None,
            sha256: images.digest.clone(),
            embedded: true,
        }]);
    };
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
    if folder.to_str().is_none() {
        return Err(Error::Failed(format!(
            "{}: this name is not UTF-8, so {ENVIRONMENT} cannot say where the run's data are; rename the folder, or \
             give a link to it that has another name",
            folder.display()
        )));
    }
    let mut files = Vec::new();
    for file in images.entry.files {
        let names = [file.plain_name(), Some(file.name)].into_iter().flatten();
        let mut paths = names.map(|name| folder.join(name));
        let Some(path) = paths.find(|path| path.is_file()) else {
            continue;
        };
        let mut sha = Sha256::new();
        File::open(&path)
            .and_then(|mut file| std::io::copy(&mut file, &mut sha))
            .map_err(|error| Error::Failed(format!("{}: {error}", path.display())))?;
        files.push(DataFile {
            file: Some(path),
            sha256: format!("{:x}", sha.finalize()),
            embedded: false,
        });
    }
    Ok(files)
}

/// The processor's name where the system tells it, else its kind.
fn cpu() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").ok();
    let name = told.as_deref().and_then(|text| {
        let mut lines = text.lines().filter(|line| line.starts_with("model name"));
        lines.next()?.split_once(':').map(|(_, name)| name.trim())
    });
    name.unwrap_or(std::env::consts::ARCH).to_owned()
}
