//! Reads the folder of a run as far as it goes: what is missing or damaged becomes a note, not an end.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::contents::Contents;
use super::records::{ENVIRONMENT, Epoch, METRICS, MODEL, RECIPE, RESULT};
use crate::error::{Advice, Error};
use crate::whole_file;

/// The largest file of text that is read: a run of a million epochs has less.
const LARGEST: u64 = 256 << 20;
/// Damaged lines that are told one by one.
const TOLD: usize = 3;

impl Contents {
    /// Reads what there is.
    ///
    /// # Errors
    /// If the folder is not there, or is not that of a run: it has neither a recipe, nor metrics, nor a result,
    /// nor a model.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        if !path.is_dir() {
            let found = match path.exists() {
                true => "a file",
                false => "nothing of this name",
            };
            return Err(Error::Advised {
                message: format!("{shown}: expected the folder of a run, found {found}"),
                advice: Advice::Train,
            });
        }
        let files = [RECIPE, METRICS, RESULT, MODEL];
        if !files.iter().any(|file| path.join(file).is_file()) {
            return Err(Error::Advised {
                message: format!(
                    "{shown}: expected the folder of a run, found none of {}",
                    files.join(", ")
                ),
                advice: Advice::Train,
            });
        }
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = whole.file_name().map_or(shown.to_string(), |name| {
            name.to_string_lossy().into_owned()
        });
        let mut notes = Vec::new();
        let recipe = text(path, RECIPE, &mut notes);
        let keys = recipe.as_deref().map(str::parse::<toml::Table>);
        let keys = keys.transpose().unwrap_or_else(|error| {
            notes.push(format!(
                "recipe.toml is shown as it is, since it cannot be read: {}",
                error.message()
            ));
            None
        });
        let environment = json(path, ENVIRONMENT, &mut notes);
        let epochs = text(path, METRICS, &mut notes);
        let epochs = epochs.map_or(Vec::new(), |text| epochs_of(&text, &mut notes));
        let result = json(path, RESULT, &mut notes);
        Ok(Self {
            path: path.to_owned(),
            name,
            recipe,
            keys: keys.unwrap_or_default(),
            environment,
            epochs,
            result,
            notes,
        })
    }
}

/// A file of text; none, with a note, where it is missing or no text.
fn text(folder: &Path, name: &str, notes: &mut Vec<String>) -> Option<String> {
    match whole_file::read(&folder.join(name), LARGEST) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            notes.push(match name {
                RESULT => format!(
                    "There is no result.json: the run has not finished. `trainer train --resume {}` goes on \
                     with it.",
                    folder.display()
                ),
                _ => format!("There is no {name}."),
            });
            None
        }
        Err(error) => {
            notes.push(format!("{name} cannot be read: {error}."));
            None
        }
    }
}

fn json<T: DeserializeOwned>(folder: &Path, name: &str, notes: &mut Vec<String>) -> Option<T> {
    match serde_json::from_str(&text(folder, name, notes)?) {
        Ok(value) => Some(value),
        Err(error) => {
            notes.push(format!("{name} is damaged and left out: {error}."));
            None
        }
    }
}

/// The lines of `metrics.jsonl`. A run that went on from a checkpoint may have written an epoch twice: the
/// later line counts.
fn epochs_of(text: &str, notes: &mut Vec<String>) -> Vec<Epoch> {
    let mut epochs: Vec<Epoch> = Vec::new();
    let mut damaged = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        match serde_json::from_str::<Epoch>(line) {
            Ok(epoch) => {
                let kept = epochs.partition_point(|earlier| earlier.epoch < epoch.epoch);
                epochs.truncate(kept);
                epochs.push(epoch);
            }
            Err(error) => damaged.push(format!("line {} ({error})", number + 1)),
        }
    }
    if !damaged.is_empty() {
        let more = match damaged.len() {
            0..=TOLD => String::new(),
            count => format!(" and {} more", count - TOLD),
        };
        damaged.truncate(TOLD);
        notes.push(format!(
            "metrics.jsonl: left out as damaged: {}{more}.",
            damaged.join("; ")
        ));
    }
    epochs
}
