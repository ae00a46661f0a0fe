//! A TOML document that knows where each of its values stands, read section by section: whatever is wrong is told
//! with its line, its column, and what may stand there.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::ops::{Range, RangeInclusive};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// Bytes of a recipe: more is another file.
pub(super) const LARGEST: usize = 1 << 20;
/// Two words are as good as the same if so few letters differ.
const NEAR: usize = 3;

/// What is wrong, and the key at which it is.
#[derive(Debug)]
pub(super) struct Problem {
    path: String,
    message: String,
}

impl Problem {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

/// A document with what `--set` changed in it.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// What errors call it.
    name: String,
    text: String,
    root: Table,
    /// Where each key or element of an array stands, in bytes.
    places: BTreeMap<String, Range<usize>>,
    /// The `--set` that wrote a key.
    set: Vec<(String, String)>,
}

impl Document {
    /// Parses the text of a file of this name.
    ///
    /// # Errors
    /// The whole message, with line and column.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut document = Self {
            name: name.to_owned(),
            text: text.to_owned(),
            root: Table::new(),
            places: BTreeMap::new(),
            set: Vec::new(),
        };
        let parsed = DeTable::parse(text)
            .and_then(|places| Ok((places, toml::from_str::<Table>(text)?)))
            .map_err(|error| {
                let span = error.span().unwrap_or(0..0);
                document.at(&span, error.message().trim())
            });
        let (places, root) = parsed?;
        document.root = root;
        find_places(&mut document.places, "", places.get_ref());
        Ok(document)
    }

    /// Sets a key from `KEY=VALUE`, such as `optimizer.rate=0.01` or `network.layers[0].kernels=16`.
    ///
    /// # Errors
    /// The whole message.
    pub(super) fn set(&mut self, assignment: &str) -> Result<(), String> {
        let wrong = |why: String| format!("--set {assignment}: {why}");
        let Some((key, text)) = assignment.split_once('=') else {
            return Err(wrong(
                "expected KEY=VALUE, as optimizer.rate=0.01".to_owned(),
            ));
        };
        let (key, text) = (key.trim(), text.trim());
        let value = value(text).map_err(&wrong)?;
        let slot = slot(&mut self.root, key).map_err(&wrong)?;
        *slot = value;
        self.places
            .retain(|path, _| path != key && !is_below(path, key));
        self.set.push((key.to_owned(), assignment.to_owned()));
        Ok(())
    }

    /// The whole document.
    pub(super) fn root(&self) -> Section {
        Section {
            path: String::new(),
            table: self.root.clone(),
            asked: Vec::new(),
        }
    }

    /// The message of a problem: where it is, and what.
    pub(super) fn explain(&self, problem: &Problem) -> String {
        let Problem { path, message } = problem;
        let set = self.set.iter().rev();
        let mut set =
            set.filter(|(key, _)| path == key || is_below(path, key) || is_below(key, path));
        if let Some((_, assignment)) = set.next() {
            return format!("{} with --set {assignment}: {message}", self.name);
        }
        // Of what is missing, its table has a place.
        let mut path = path.as_str();
        loop {
            if let Some(span) = self.places.get(path) {
                return self.at(span, message);
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return format!("{}: {message}", self.name),
            }
        }
    }

    /// A message with its line and column, and the line itself, underlined.
    fn at(&self, span: &Range<usize>, message: &str) -> String {
        let start = floor(&self.text, span.start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let (line, column) = (
            before.matches('\n').count() + 1,
            self.text[line_start..start].chars().count() + 1,
        );
        let rest = &self.text[start..];
        let line_end = start + rest.find('\n').unwrap_or(rest.len());
        let shown = self.text[line_start..line_end].trim_end();
        let end = floor(&self.text, span.end).clamp(start, line_end);
        let width = self.text[start..end].chars().count().max(1);
        let mut text = format!("{}:{line}:{column}: {message}", self.name);
        if shown.chars().count() <= 160 && !shown.chars().any(char::is_control) {
            let number = line.to_string();
            let gap = " ".repeat(number.len());
            let indent = " ".repeat(column - 1);
            let carets = "^".repeat(width);
            // Writing to a String cannot fail.
            let _ = write!(text, "\n {number} | {shown}\n {gap} | {indent}{carets}");
        }
        text
    }
}

/// The nearest place at or before `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether a path leads into what `key` names.
fn is_below(path: &str, key: &str) -> bool {
    path.strip_prefix(key)
        .is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn find_places(places: &mut BTreeMap<String, Range<usize>>, path: &str, table: &DeTable<'_>) {
    for (key, value) in table {
        let path = join(path, key.get_ref());
        places.insert(path.clone(), key.span());
        find_places_in(places, &path, value);
    }
}

fn find_places_in(
    places: &mut BTreeMap<String, Range<usize>>,
    path: &str,
    value: &Spanned<DeValue<'_>>,
) {
    match value.get_ref() {
        DeValue::Table(table) => find_places(places, path, table),
        DeValue::Array(array) => {
            for (number, value) in array.iter().enumerate() {
                let path = format!("{path}[{number}]");
                places.insert(path.clone(), value.span());
                find_places_in(places, &path, value);
            }
        }
        _ => {}
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// A value as TOML; a bare word is a string.
fn value(text: &str) -> Result<Value, String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match toml::from_str::<Table>(&format!("value = {text}")) {
        Ok(mut table) if table.len() == 1 => {
            Ok(table.remove("value").unwrap_or(Value::Boolean(false)))
        }
        _ if !text.is_empty() && text.chars().all(bare) => Ok(Value::String(text.to_owned())),
        Ok(_) => Err("expected one value".to_owned()),
        Err(error) => Err(format!(
            "the value is no TOML: {}",
            error.message().trim().replace('\n', ", ")
        )),
    }
}

/// The place of a key in the document; tables on the way to it are made.
fn slot<'a>(root: &'a mut Table, key: &str) -> Result<&'a mut Value, String> {
    let mut names = key.split('.');
    let first = names.next().unwrap_or_default();
    let mut slot = element(root, first)?;
    for name in names {
        let kind = slot.type_str();
        let table = slot.as_table_mut().ok_or_else(|| {
            format!(
                "what stands before {name:?} is no table but {}",
                article(kind)
            )
        })?;
        slot = element(table, name)?;
    }
    Ok(slot)
}

/// `name` or `name[3][1]` in a table.
fn element<'a>(table: &'a mut Table, name: &str) -> Result<&'a mut Value, String> {
    let (name, indices) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    if name.is_empty() {
        return Err("the key is empty".to_owned());
    }
    let new = || Value::Table(Table::new());
    let mut slot = table.entry(name.to_owned()).or_insert_with(new);
    for index in indices.split_terminator(']') {
        let number = index
            .strip_prefix('[')
            .and_then(|index| index.parse::<usize>().ok());
        let Some(number) = number else {
            return Err(format!("{index:?} is no index such as [0]"));
        };
        let Some(array) = slot.as_array_mut() else {
            return Err(format!("{name} is no array, so it has no [{number}]"));
        };
        let count = array.len();
        slot = array
            .get_mut(number)
            .ok_or_else(|| format!("{name} has {count} elements, so no [{number}]"))?;
    }
    Ok(slot)
}

/// A table of the document. Each key is asked for by name; those that nobody asked for are unknown.
pub(super) struct Section {
    path: String,
    table: Table,
    asked: Vec<&'static str>,
}

impl Section {
    /// A table that is not there, with all defaults.
    pub(super) fn empty(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            table: Table::new(),
            asked: Vec::new(),
        }
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
            Some(Value::Table(table)) => Ok(Some(Self {
                path: self.path(key),
                table,
                asked: Vec::new(),
            })),
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

    /// A whole number in a range.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<u64>, Problem> {
        let (least, most) = (range.start(), range.end());
        let expected = format!("a whole number from {least} to {most}");
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(number)) if range.contains(&number) => Ok(Some(number as u64)),
            Some(other) => Err(self.wrong(key, &other, &expected)),
        }
    }

    /// A number that `fits`, which `expected` tells in words.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        expected: &str,
        fits: impl Fn(f64) -> bool,
    ) -> Result<Option<f64>, Problem> {
        let expected = format!("a number {expected}");
        let value = self.take(key);
        let number = match &value {
            Some(Value::Integer(number)) => Some(*number as f64),
            Some(Value::Float(number)) => Some(*number),
            _ => None,
        };
        match (value, number.filter(|&number| fits(number))) {
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

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}
