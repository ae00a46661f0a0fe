//! What a run ran on, and on what data: environment.json.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::folder::RunFolder;
use crate::error::Error;
use crate::hex::hex;
use crate::images::Images;
use crate::whole_file;

/// Bytes of environment.json: far more than any has.
const LARGEST: u64 = 1 << 20;

/// The content of environment.json.
#[derive(Serialize, Deserialize)]
pub struct Environment {
    version: String,
    /// That of the program's source, where it was built from a repository.
    commit: Option<String>,
    cpu: String,
    instruction_set: String,
    threads: usize,
    os: String,
    data: Vec<DataFile>,
    /// RFC 3339, UTC.
    started: String,
    /// The command line.
    command: String,
}

/// A file of the data set, or one entry for the embedded images.
#[derive(Serialize, Deserialize)]
struct DataFile {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file: Option<PathBuf>,
    sha256: String,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    embedded: bool,
}

impl Environment {
    /// That of this process, which computes on so many threads and was started by a command line.
    ///
    /// # Errors
    /// If a file of the data set cannot be read.
    pub fn here(images: &Images, threads: usize, command: String) -> Result<Self, Error> {
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("TRAINER_COMMIT").map(str::to_owned),
            cpu: cpu(),
            instruction_set: conv_core::simd::level().to_string(),
            threads,
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            data: data_files(images)?,
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            command,
        })
    }

    /// That of a run that began.
    ///
    /// # Errors
    /// If the file is not there or says something else.
    pub fn read(folder: &RunFolder) -> Result<Self, Error> {
        let path = folder.path().join("environment.json");
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
        folder.write("environment.json", format!("{json}\n").as_bytes())
    }

    /// The folder of the data set's files, or none where they are embedded.
    pub fn folder(&self) -> Option<PathBuf> {
        let file = self.data.iter().find_map(|data| data.file.as_ref())?;
        file.parent().map(Path::to_owned)
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
            sha256: hex(&sha.finalize()),
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
