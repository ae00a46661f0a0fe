//! Where data sets are kept.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Error;

/// The folder in which every data set gets its own folder, where none is named.
///
/// `MNIST_DATA_DIR` if it is set; else `mnist-data` in the platform's folder for caches:
/// `$XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`, on Windows `%LOCALAPPDATA%`.
///
/// # Errors
///
/// If none of these is known.
pub fn default_root() -> Result<PathBuf, Error> {
    choose(
        |name| std::env::var_os(name),
        std::env::home_dir(),
        std::env::consts::OS,
    )
    .ok_or_else(|| {
        Error::missing("a home folder for the cache", Vec::new())
            .with_advice("set MNIST_DATA_DIR to a folder")
    })
}

fn choose(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
    system: &str,
) -> Option<PathBuf> {
    let set = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(root) = set("MNIST_DATA_DIR") {
        return Some(root);
    }
    let home = home.filter(|home| home.is_absolute());
    let caches = match system {
        "windows" => set("LOCALAPPDATA"),
        "macos" => home.map(|home| home.join("Library/Caches")),
        // The convention says that a relative path is to be ignored.
        _ => set("XDG_CACHE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| home.map(|home| home.join(".cache"))),
    };
    caches.map(|caches| caches.join("mnist-data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)], home: &str, system: &str) -> Option<PathBuf> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        };
        choose(variable, Some(home.into()), system)
    }

    #[test]
    fn follows_the_platform_and_the_variable() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(chosen(&[], "/h", "linux"), path("/h/.cache/mnist-data"));
        assert_eq!(
            chosen(&[], "/h", "macos"),
            path("/h/Library/Caches/mnist-data")
        );
        assert_eq!(
            chosen(&[("LOCALAPPDATA", "/l")], "/h", "windows"),
            path("/l/mnist-data")
        );
        let cache = ("XDG_CACHE_HOME", "/c");
        assert_eq!(chosen(&[cache], "/h", "linux"), path("/c/mnist-data"));
        assert_eq!(
            chosen(&[("XDG_CACHE_HOME", "c")], "/h", "linux"),
            path("/h/.cache/mnist-data")
        );
        assert_eq!(
            chosen(&[cache, ("MNIST_DATA_DIR", "/m")], "/h", "linux"),
            path("/m")
        );
        assert_eq!(
            chosen(&[("MNIST_DATA_DIR", "")], "/h", "linux"),
            path("/h/.cache/mnist-data")
        );
        assert_eq!(chosen(&[], "", "linux"), None);
    }
}
