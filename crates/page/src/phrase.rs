//! What the Rust side has to say: phrases of the page, which stand in `web/phrases` in both languages.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use trainer::picture::{Error, Warning};
use wasm_bindgen::JsValue;

/// A phrase by its key, with the values that stand in it. A value may be another phrase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phrase {
    /// The key in `web/phrases`.
    pub(crate) phrase: &'static str,
    /// What stands for each `{name}` in it.
    pub(crate) values: BTreeMap<&'static str, Value>,
}

impl Phrase {
    /// A phrase without values.
    pub(crate) fn new(phrase: &'static str) -> Self {
        Self {
            phrase,
            values: BTreeMap::new(),
        }
    }

    /// The phrase with a value: a number, a text, or a phrase.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.values.insert(name, value.into());
        self
    }

    /// What the libraries say, in English: for what nobody meets who uses the page alone.
    pub(crate) fn program(words: impl fmt::Display) -> Self {
        Self::new("problem.program").with("words", words.to_string())
    }
}

impl From<Phrase> for Value {
    fn from(phrase: Phrase) -> Self {
        let values = phrase.values.into_iter();
        let values = values
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self::Object(serde_json::Map::from_iter([
            ("phrase".to_owned(), phrase.phrase.into()),
            ("values".to_owned(), Self::Object(values)),
        ]))
    }
}

/// As JSON, which the page's modules read.
impl From<Phrase> for JsValue {
    fn from(phrase: Phrase) -> Self {
        Self::from_str(&Value::from(phrase).to_string())
    }
}

/// Words of the program, in English in every language.
impl From<String> for Phrase {
    fn from(words: String) -> Self {
        Self::program(words)
    }
}

impl From<Error> for Phrase {
    fn from(error: Error) -> Self {
        let sized = |phrase, width, height| {
            Self::new(phrase)
                .with("width", width)
                .with("height", height)
        };
        match error {
            Error::Empty => Self::new("picture.empty"),
            Error::Ends => Self::new("picture.ends"),
            Error::NoPicture => Self::new("picture.none"),
            Error::Unsupported(_) => Self::new("picture.kind"),
            Error::Broken { format, .. } => Self::new("picture.broken").with("format", format),
            Error::TooLarge { width, height } => sized("picture.large", width, height),
            Error::LargeProgressive { width, height } => {
                sized("picture.progressive", width, height)
            }
            other => Self::program(other),
        }
    }
}

impl From<&Warning> for Phrase {
    fn from(warning: &Warning) -> Self {
        match warning {
            Warning::FillsItsBox(part) => {
                Self::new("warning.fills").with("percent", (100.0 * part).round())
            }
            Warning::SeveralFigures(count) => Self::new("warning.several").with("count", *count),
            Warning::TwoBackgrounds => Self::new("warning.two.backgrounds"),
            Warning::Wide => Self::new("warning.wide"),
            Warning::Faint => Self::new("warning.faint"),
            Warning::AlongAnEdge => Self::new("warning.edge"),
            Warning::UnevenBackground => Self::new("warning.uneven"),
            Warning::Tiny(pixels) => Self::new("warning.tiny").with("pixels", *pixels),
            other => Self::program(other),
        }
    }
}
