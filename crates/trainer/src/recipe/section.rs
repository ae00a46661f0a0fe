//! A table of a recipe, read key by key: what is missing, unknown or of another kind is told with what may stand there.

use std::fmt;

use toml::{Table, Value};

use super::limits::{Number, Whole};
use super::problem::{Problem, join};

/// Two words are as good as the same if so few letters differ.
const NEAR: usize = 3;

/// A table of the document. Each key is asked for by name; those that nobody asked for are unknown.
pub(super) struct Section {
    path: String,
    table: Table,
    asked: Vec<&'static str>,
}

impl Section {
    /// The table at a path.
    pub(super) fn new(path: impl Into<String>, table: Table) -> Self {
        Self {
            path: path.into(),
            table,
            asked: Vec::new(),
        }
    }

    /// A table that is not there, with all defaults.
    pub(super) fn empty(path: &str) -> Self {
        Self::new(path, Table::new())
    }

    /// Where a key of it stands.
    pub(super) fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// A problem with a key of it.
    pub(super) fn problem(&self, key: &str, message: impl fmt::Display) -> Problem {
        let path = self.path(key);
        Problem::new(path.clone(), format!("{path} {message}"))
    }

    /// The value of a key, taken out.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.table.remove(key)
    }

    /// A value that must be there.
    pub(super) fn need<T>(
        &self,
        key: &str,
        value: Option<T>,
        expected: &str,
    ) -> Result<T, Problem> {
        let name = if self.path.is_empty() {
            "the recipe"
        } else {
            &self.path
        };
        value.ok_or_else(|| {
            let mut left = self.table.keys();
            if let Some(other) = left.find(|left| nearest(left, &[key]).is_some()) {
                let message = format!("unknown key {other:?}; did you mean {key:?}?");
                return Problem::new(self.path(other), message);
            }
            let message = format!("{name} has no {key}, expected {expected}");
            Problem::new(self.path(key), message)
        })
    }

    /// A table in it.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Option<Self>, Problem> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Self::new(self.path(key), table))),
            Some(other) => Err(self.wrong(key, &other, "a table")),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, Problem> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, &other, "a text in quotes")),
        }
    }

    /// A whole number within a limit.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        limit: &Whole,
    ) -> Result<Option<u64>, Problem> {
        let value = self.take(key);
        let number = value.as_ref().and_then(Value::as_integer);
        let number = number.and_then(|number| u64::try_from(number).ok());
        match (value, number.filter(|number| limit.0.contains(number))) {
            (None, _) => Ok(None),
            (Some(_), Some(number)) => Ok(Some(number)),
            (Some(other), None) => Err(self.wrong(key, &other, &limit.expected())),
        }
    }

    /// A number within a limit.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        limit: &Number,
    ) -> Result<Option<f64>, Problem> {
        let expected = format!("a number {}", limit.expected);
        let value = self.take(key);
        let number = match &value {
            Some(Value::Integer(number)) => Some(*number as f64),
            Some(Value::Float(number)) => Some(*number),
            _ => None,
        };
        match (value, number.filter(|&number| (limit.fits)(number))) {
            (None, _) => Ok(None),
            (Some(_), Some(number)) => Ok(Some(number)),
            (Some(other), None) => Err(self.wrong(key, &other, &expected)),
        }
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(word) = self.text(key)? else {
            return Ok(None);
        };
        match choices.iter().find(|(name, _)| *name == word) {
            Some(&(_, choice)) => Ok(Some(choice)),
            None => Err(self.problem(
                key,
                format!(
                    "is {word:?}{}",
                    instead(&word, choices.iter().map(|(name, _)| *name))
                ),
            )),
        }
    }

    /// Checks that every key was asked for.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => Err(unknown_key(&self.path, key, self.asked.iter().copied())),
        }
    }

    fn wrong(&self, key: &str, found: &Value, expected: &str) -> Problem {
        self.problem(key, format!("is {}, expected {expected}", described(found)))
    }
}

/// The problem of a key that is not known in the table at `path`.
pub(super) fn unknown_key<'a>(
    path: &str,
    key: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Problem {
    let message = format!("unknown key {key:?}{}", instead(key, known));
    Problem::new(join(path, key), message)
}

/// `; did you mean "rate"? Known: "rate", "type"`
pub(super) fn instead<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let nearest = nearest(word, &known);
    let all: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
    let all = all.join(", ");
    match nearest {
        Some(name) => format!("; did you mean {name:?}? Known: {all}"),
        None => format!("; known: {all}"),
    }
}

/// The name that is meant, if the word is nearly one.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |name: &&str| strsim::damerau_levenshtein(word, name);
    let nearest = known.iter().copied().min_by_key(distance)?;
    let letters = nearest.chars().count().max(word.chars().count());
    (distance(&nearest) <= NEAR.min(letters / 2)).then_some(nearest)
}

/// A value for people.
fn described(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::String(text) if text.chars().count() <= 40 => format!("the text {text:?}"),
        other => article(other.type_str()),
    }
}

/// `a table`, `an array`.
pub(super) fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}
