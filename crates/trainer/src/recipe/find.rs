//! A recipe by its name: a built-in one, or that of a file.

use std::path::Path;

use super::section::instead;
use super::{Changes, Named, Recipe, shipped};
use crate::error::{Advice, Error};

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
        Self::read(path, changes)
    }

    /// The recipe of a file: TOML in UTF-8, or in UTF-16 with a byte order mark, as PowerShell's `>` writes it.
    ///
    /// # Errors
    /// If it cannot be read, or the recipe is wrong: where and how.
    pub fn read(path: &Path, changes: &Changes) -> Result<Named, Error> {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.unwrap_or("recipe");
        let name = path.display().to_string();
        Self::parse(stem, &name, &read_text(path)?, changes)
    }
}

/// The text of a recipe's file.
fn read_text(path: &Path) -> Result<String, Error> {
    let name = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| {
        let message = format!("{name}: {error}");
        match error.kind() {
            std::io::ErrorKind::NotFound => Error::Advised {
                message,
                advice: Advice::ListRecipes,
            },
            _ => Error::Failed(message),
        }
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
    text(&bytes).map_err(|problem| Error::Failed(format!("{name}: {problem}")))
}

/// The text of a file's bytes, without its byte order mark.
fn text(bytes: &[u8]) -> Result<String, String> {
    type Word = fn([u8; 2]) -> u16;
    let (rest, word): (_, Word) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => {
            let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let start = bytes.len() - rest.len();
            return match str::from_utf8(rest) {
                Ok(text) => Ok(text.to_owned()),
                Err(error) => Err(format!(
                    "byte {} is not UTF-8, expected a TOML text",
                    start + error.valid_up_to()
                )),
            };
        }
    };
    let (words, odd) = rest.as_chunks();
    let words = words.iter().map(|&bytes| word(bytes));
    let mut text = String::with_capacity(rest.len());
    for (at, character) in char::decode_utf16(words).enumerate() {
        text.push(character.map_err(|_| {
            format!("character {at} is not UTF-16, though the file begins as such a text; save it as UTF-8")
        })?);
    }
    match odd {
        [] => Ok(text),
        _ => Err(
            "it begins as a text in UTF-16 and ends within a character; save it as UTF-8"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_text_may_have_a_byte_order_mark_and_two_bytes_a_character() {
        let written = "# \u{1f600} four\r\nepochs = 2\r\n";
        let wide = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
            let words = written.encode_utf16().flat_map(bytes);
            mark.iter().copied().chain(words).collect::<Vec<u8>>()
        };
        for bytes in [
            written.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", written.as_bytes()].concat(),
            wide(b"\xff\xfe", u16::to_le_bytes),
            wide(b"\xfe\xff", u16::to_be_bytes),
        ] {
            assert_eq!(text(&bytes).as_deref(), Ok(written), "{bytes:?}");
        }
        assert_eq!(text(b""), Ok(String::new()));
        let problem = |bytes: &[u8]| text(bytes).unwrap_err();
        assert!(problem(b"\xef\xbb\xbfab\xff").starts_with("byte 5 is not UTF-8"));
        assert!(problem(b"\xff\xfea\0b").contains("ends within a character"));
        assert!(problem(b"\xff\xfea\0\x00\xd8b\0").starts_with("character 1 is not UTF-16"));
    }
}
