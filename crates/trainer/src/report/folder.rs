//! What a run's folder holds, read as far as it goes: what is missing or damaged becomes a note, not an end.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::whole_file;

/// The largest file of text that is read: a run of a million epochs has less.
const LARGEST: u64 = 256 << 20;
/// Damaged lines that are told one by one.
const TOLD: usize = 3;

/// A run, as its folder tells of it.
#[derive(Debug)]
pub(crate) struct RunFolder {
    pub(crate) path: PathBuf,
    /// The folder's own name.
    pub(crate) name: String,
    /// `recipe.toml` as it stands there.
    pub(crate) recipe: Option<String>,
    /// The recipe's keys, where it is TOML.
    pub(crate) keys: toml::Table,
    pub(crate) environment: serde_json::Map<String, serde_json::Value>,
    /// A line of `metrics.jsonl` each, in order.
    pub(crate) epochs: Vec<Epoch>,
    pub(crate) result: Option<Outcome>,
    /// What was missing or could not be read, in sentences.
    pub(crate) notes: Vec<String>,
}

/// A line of `metrics.jsonl`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Epoch {
    pub(crate) epoch: u64,
    pub(crate) loss: Option<f64>,
    pub(crate) accuracy: Option<f64>,
    pub(crate) validation_loss: Option<f64>,
    pub(crate) validation_accuracy: Option<f64>,
    pub(crate) rate: Option<f64>,
    pub(crate) seconds: f64,
    pub(crate) time: Parts,
}

/// Seconds of an epoch by what they were spent on.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Parts {
    pub(crate) batches: f64,
    pub(crate) steps: f64,
    pub(crate) validation: f64,
    pub(crate) checkpoint: f64,
}

/// `result.json`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(crate) struct Outcome {
    pub(crate) test_loss: Option<f64>,
    pub(crate) test_accuracy: Option<f64>,
    pub(crate) epochs: Option<u64>,
    pub(crate) steps: Option<u64>,
    pub(crate) seconds: Option<f64>,
    pub(crate) parameters: Option<u64>,
    pub(crate) digest: Option<String>,
    pub(crate) stopped: Option<String>,
}

impl RunFolder {
    /// Reads what there is.
    ///
    /// # Errors
    /// If the folder is not there, or is not that of a run: it has neither a recipe, nor metrics, nor a result,
    /// nor a model.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        if !path.is_dir() {
            return Err(Error::Failed(format!(
                "{shown}: expected the folder of a run, found {}; `trainer train` makes one and prints where",
                if path.exists() {
                    "a file"
                } else {
                    "nothing of this name"
                }
            )));
        }
        let files = [
            "recipe.toml",
            "metrics.jsonl",
            "result.json",
            "model.safetensors",
        ];
        if !files.iter().any(|file| path.join(file).is_file()) {
            return Err(Error::Failed(format!(
                "{shown}: expected the folder of a run, found none of {}; `trainer train` makes one and prints \
                 where",
                files.join(", ")
            )));
        }
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = whole.file_name().map_or(shown.to_string(), |name| {
            name.to_string_lossy().into_owned()
        });
        let mut notes = Vec::new();
        let recipe = text(path, "recipe.toml", &mut notes);
        let keys = recipe.as_deref().map(str::parse::<toml::Table>);
        let keys = keys.transpose().unwrap_or_else(|error| {
            notes.push(format!(
                "recipe.toml is shown as it is, since it cannot be read: {}",
                error.message()
            ));
            None
        });
        let environment = json(path, "environment.json", &mut notes).unwrap_or_default();
        let epochs = text(path, "metrics.jsonl", &mut notes);
        let epochs = epochs.map_or(Vec::new(), |text| epochs_of(&text, &mut notes));
        let result = json(path, "result.json", &mut notes);
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

    /// The recipe's `description`.
    pub(crate) fn description(&self) -> Option<&str> {
        self.keys.get("description")?.as_str()
    }

    /// How many epochs the recipe asks for.
    pub(crate) fn planned(&self) -> Option<i64> {
        self.keys.get("epochs")?.as_integer()
    }

    /// A text of `environment.json`.
    pub(crate) fn environment(&self, key: &str) -> Option<&str> {
        self.environment.get(key)?.as_str()
    }

    /// The folder of the data set's files that the run had, where it is still there.
    pub(crate) fn data(&self) -> Option<PathBuf> {
        let files = self.environment.get("data")?.as_array()?;
        let file = files.iter().find_map(|data| data.get("file")?.as_str())?;
        let folder = Path::new(file).parent()?;
        folder.is_dir().then(|| folder.to_owned())
    }

    /// How long training took: as the result says, or as far as the metrics go.
    pub(crate) fn seconds(&self) -> Option<f64> {
        let told = self.result.as_ref().and_then(|result| result.seconds);
        told.or_else(|| {
            let sum = self.epochs.iter().map(|epoch| epoch.seconds).sum();
            (!self.epochs.is_empty()).then_some(sum)
        })
    }

    /// The seconds of all epochs by their parts, and what the parts leave of the whole.
    pub(crate) fn time(&self) -> (Parts, f64) {
        let mut sum = Parts::default();
        let mut seconds = 0.0;
        for epoch in &self.epochs {
            sum.batches += epoch.time.batches;
            sum.steps += epoch.time.steps;
            sum.validation += epoch.time.validation;
            sum.checkpoint += epoch.time.checkpoint;
            seconds += epoch.seconds;
        }
        let parts = sum.batches + sum.steps + sum.validation + sum.checkpoint;
        (sum, (seconds - parts).max(0.0))
    }
}

/// A file of text; none, with a note, where it is missing or no text.
fn text(folder: &Path, name: &str, notes: &mut Vec<String>) -> Option<String> {
    match whole_file::read(&folder.join(name), LARGEST) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            notes.push(match name {
                "result.json" => format!(
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
