//! The layers of a recipe: conv-core's, as serde reads them, with the place of whatever is wrong.

use std::fmt::Write as _;

use conv_core::spec::{Layer, Layers};
use toml::Value;

use super::problem::Problem;
use super::section::{instead, unknown_key};

/// The layers of an array of tables at `path`.
pub(super) fn read(path: &str, value: Value) -> Result<Layers, Problem> {
    let Value::Array(values) = value else {
        let message =
            format!("{path} is not an array, expected layers such as {{ type = \"relu\" }}");
        return Err(Problem::new(path, message));
    };
    let layers = values.into_iter().enumerate();
    let layers = layers.map(|(number, value)| layer(&format!("{path}[{number}]"), value));
    Ok(Layers(layers.collect::<Result<_, _>>()?))
}

fn layer(path: &str, value: Value) -> Result<Layer, Problem> {
    let Value::Table(mut table) = value else {
        let message =
            format!("{path} is not a table, expected a layer such as {{ type = \"relu\" }}");
        return Err(Problem::new(path, message));
    };
    // The layers of a block one by one, so that an error tells where among them it is.
    if table.get("type").and_then(Value::as_str) == Some("residual") {
        let mut branch = |key: &str| match table.remove(key) {
            Some(value) => read(&format!("{path}.{key}"), value).map(Some),
            None => Ok(None),
        };
        let (body, shortcut) = (branch("body")?, branch("shortcut")?);
        table.remove("type");
        if let Some(key) = table.keys().next() {
            return Err(unknown_key(path, key, ["type", "body", "shortcut"]));
        }
        let body = body.ok_or_else(|| {
            Problem::new(path, format!("{path} has no body, expected its layers"))
        })?;
        let shortcut = shortcut.unwrap_or_default();
        return Ok(Layer::Residual { body, shortcut });
    }
    let keys: Vec<String> = table.keys().cloned().collect();
    let layer = Value::Table(table)
        .try_into::<Layer>()
        .map_err(|error| explained(path, &keys, error.message()))?;
    // Of a layer without settings serde accepts whatever stands beside its type.
    if let Ok(Value::Table(known)) = Value::try_from(&layer)
        && let Some(key) = keys.iter().find(|key| !known.contains_key(*key))
    {
        return Err(unknown_key(path, key, known.keys().map(String::as_str)));
    }
    Ok(layer)
}

/// The key of a layer by what conv-core calls it, such as `2.body.1 (conv)`.
pub(super) fn path(layers: &str, name: &str) -> String {
    let name = name.split(' ').next().unwrap_or_default();
    let mut path = layers.to_owned();
    for part in name.split('.') {
        match part.parse::<usize>() {
            Ok(number) => path += &format!("[{number}]"),
            Err(_) => path += &format!(".{part}"),
        }
    }
    path
}

/// What serde says, with the key that it names.
fn explained(path: &str, keys: &[String], message: &str) -> Problem {
    let message = message.trim();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let ([unknown, known @ ..], true) = (&quoted[..], message.starts_with("unknown field")) {
        if keys.iter().any(|key| key == unknown) {
            let known = known.iter().copied().chain(["type"]);
            return unknown_key(path, unknown, known);
        }
        // Of a table in it, such as a window.
        return unknown_key(&format!("{path}.window"), unknown, known.iter().copied());
    }
    if let ([unknown, known @ ..], true) = (&quoted[..], message.starts_with("unknown variant")) {
        let words = format!(
            "{unknown:?} is not known{}",
            instead(unknown, known.iter().copied())
        );
        let wrong_type = known.contains(&"conv");
        let path = if wrong_type {
            format!("{path}.type")
        } else {
            path.to_owned()
        };
        let what = if wrong_type { "the layer" } else { "the word" };
        return Problem::new(path, format!("{what} {words}"));
    }
    Problem::new(path, format!("{path}: {}", message.replace('\n', ", ")))
}

/// The layers as a recipe has them, one a line.
pub(super) fn write(layers: &Layers) -> Result<String, toml::ser::Error> {
    let mut text = String::from("[\n");
    for layer in &layers.0 {
        text.push_str("    ");
        inline(&mut text, &Value::try_from(layer)?);
        text.push_str(",\n");
    }
    text.push(']');
    Ok(text)
}

/// A value on one line, `type` before all else.
fn inline(text: &mut String, value: &Value) {
    match value {
        Value::Table(table) => {
            let first = table.get_key_value("type").into_iter();
            let rest = table.iter().filter(|(key, _)| *key != "type");
            for (number, (key, value)) in first.chain(rest).enumerate() {
                text.push_str(if number == 0 { "{ " } else { ", " });
                text.push_str(key);
                text.push_str(" = ");
                inline(text, value);
            }
            text.push_str(if table.is_empty() { "{}" } else { " }" });
        }
        Value::Array(values) => {
            text.push('[');
            for (number, value) in values.iter().enumerate() {
                text.push_str(if number == 0 { "" } else { ", " });
                inline(text, value);
            }
            text.push(']');
        }
        // A network's numbers are f32: in their own digits 0.1 is 0.1.
        Value::Float(number) => {
            // Writing to a String cannot fail.
            let _ = write!(text, "{:?}", *number as f32);
        }
        other => {
            let _ = write!(text, "{other}");
        }
    }
}
