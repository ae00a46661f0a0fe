//! A TOML document that knows where each of its values stands: whatever is wrong is told with its line and its column.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::problem::{Problem, join};
use super::section::{Section, article};

/// A document with what settings changed in it.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// What errors call it.
    name: String,
    text: String,
    root: Table,
    /// Where each key or element of an array stands, in bytes.
    places: BTreeMap<String, Range<usize>>,
    /// The setting that wrote a key.
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
        let wrong = |why: String| format!("the setting {assignment}: {why}");
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

    /// Whether it has a key at its top.
    #[cfg(feature = "files")]
    pub(super) fn has(&self, key: &str) -> bool {
        self.root.contains_key(key)
    }

    /// The whole document.
    pub(super) fn root(&self) -> Section {
        Section::new(String::new(), self.root.clone())
    }

    /// The message of a problem: where it is, and what.
    pub(super) fn explain(&self, problem: &Problem) -> String {
        let Problem { path, message } = problem;
        let set = self.set.iter().rev();
        let mut set =
            set.filter(|(key, _)| path == key || is_below(path, key) || is_below(key, path));
        if let Some((_, assignment)) = set.next() {
            return format!("{} with the setting {assignment}: {message}", self.name);
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
            "the value is not TOML: {}",
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
                "what stands before {name:?} is not a table but {}",
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
            return Err(format!("{index:?} is not an index such as [0]"));
        };
        let Some(array) = slot.as_array_mut() else {
            return Err(format!("{name} is not an array, so it has no [{number}]"));
        };
        let count = array.len();
        slot = array
            .get_mut(number)
            .ok_or_else(|| format!("{name} has {count} elements, so no [{number}]"))?;
    }
    Ok(slot)
}
