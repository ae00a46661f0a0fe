//! A recipe by its name: a built-in one, or that of a file.

use std::path::Path;

use super::section::instead;
use super::{Changes, Named, Recipe, shipped};
use crate::error::Error;

/// Bytes of a recipe: more is another file.
const LARGEST: usize = 1 << 20;

impl Recipe {
    /// The shipped recipe of this name, or that of a file.
    ///
    /// # Errors
    /// If there is neither, or the recipe is wrong: where and how.
    pub fn find(name: &str, changes: &Changes) -> Result<Named, Error> {
        if let Some(text) = shipped::find(name) {
            return Self::parse(name, &format!("recipe {name}"), text, changes);
        }
        let path = Path::new(name);
        let looks_like_a_file = path.extension().is_some() || path.components().count() > 1;
        if !looks_like_a_file && !path.exists() {
            let other = instead(name, shipped::names());
            return Err(Error::Argument(format!(
                "no recipe {name:?}{other}; a file's name ends in .toml"
            )));
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.unwrap_or("recipe");
        Self::parse(stem, name, &read_text(path)?, changes)
    }
}

/// The text of a recipe's file.
fn read_text(path: &Path) -> Result<String, Error> {
    let name = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::NotFound => "; `trainer recipes` lists the built-in recipes",
            _ => "",
        };
        Error::Failed(format!("{name}: {error}{advice}"))
    })?;
    if !metadata.is_file() {
        return Err(Error::Failed(format!(
            "{name}: this is not a file, expected a recipe, such as RUN/recipe.toml"
        )));
    }
    if metadata.len() > LARGEST as u64 {
        let (found, most) = (metadata.len(), LARGEST);
        return Err(Error::Failed(format!(
            "{name}: it has {found} bytes, expected a recipe of at most {most}"
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| Error::Failed(format!("{name}: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::Failed(format!(
            "{name}: byte {at} is not UTF-8, expected a TOML text"
        ))
    })
}
