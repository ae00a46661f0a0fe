//! Where data sets are kept.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use etcetera::base_strategy::choose_native_strategy;

use crate::Error;

/// The folder in which every data set gets its own folder, where none is named.
///
/// `MNIST_DATA_DIR` if it is set; else `mnist-data` in the platform's folder for caches:
/// `$XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`, on Windows `%LOCALAPPDATA%`.
///
/// # Errors
///
/// If there is no home folder.
pub fn default_root() -> Result<PathBuf, Error> {
    let named = std::env::var_os("MNIST_DATA_DIR").filter(|value| !value.is_empty());
    if let Some(root) = named {
        let root = PathBuf::from(root);
        // Windows takes two kinds of slashes; what is shown has one of them.
        return Ok(match cfg!(windows) {
            true => root.components().collect(),
            false => root,
        });
    }
    let caches = choose_native_strategy().map(|strategy| strategy.cache_dir());
    // A relative home folder would be another one in every working directory.
    let caches = caches.ok().filter(|caches| caches.is_absolute());
    let caches = caches.ok_or_else(|| {
        Error::missing("a home folder for the cache", Vec::new())
            .with_advice("set MNIST_DATA_DIR to a folder")
    })?;
    Ok(caches.join("mnist-data"))
}
