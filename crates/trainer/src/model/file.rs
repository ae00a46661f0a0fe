//! The file of a model.

use std::path::{Path, PathBuf};

use super::Model;
use crate::error::Error;
use crate::run::records::{BEST, MODEL};
use crate::whole_file;

/// Bytes of a model file: no network that conv-core takes is larger.
const LARGEST: u64 = 1 << 30;
pub(super) const EXPECTED: &str =
    "expected a model of `trainer train`, which it writes as RUN/model.safetensors";

impl Model {
    /// The file of a model, which may be given by the folder of its run.
    pub fn file(path: &Path) -> PathBuf {
        if path.is_dir() {
            return path.join(MODEL);
        }
        path.to_owned()
    }

    /// The model of a file, or of the run whose folder is given.
    ///
    /// # Errors
    /// If the file is not there or is no model; the error names it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let folder = path;
        let path = Self::file(path);
        let best = folder.join(BEST);
        if !path.exists() && best.is_file() {
            return Err(Error::Failed(format!(
                "{}: the run has not finished, so there is no {MODEL} yet; the best network so far is {}",
                folder.display(),
                best.display()
            )));
        }
        whole_file::read(&path, LARGEST)
            .map_err(|error| error.to_string())
            .and_then(|bytes| Self::from_bytes(&bytes))
            .map_err(|problem| Error::Failed(format!("{}: {problem}; {EXPECTED}", path.display())))
    }

    /// Writes the model: safetensors, with the metadata of [`conv_core::saved`] and ours.
    ///
    /// # Errors
    /// If the file cannot be written; one that stood there before is as it was then.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        whole_file::write(path, &self.to_bytes()?)
    }
}
