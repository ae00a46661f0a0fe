//! What stands in `web/`: the phrases are whole in both languages, and the listing's blocks are found.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use trainer::listing::Fix;

type Phrases = BTreeMap<String, String>;

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn phrases(language: &str) -> Phrases {
    serde_json::from_str(&text(&web().join(format!("phrases/{language}.json")))).unwrap()
}

/// The page, all its modules, and the Rust side.
fn sources() -> String {
    let mut all = text(&web().join("index.html")) + &text(&web().join("early.js"));
    for folder in [web().join("modules"), web().join("../src")] {
        for entry in fs::read_dir(folder).unwrap() {
            all += &text(&entry.unwrap().path());
        }
    }
    all
}

/// What stands between a beginning and the next `end`.
fn between<'a>(text: &'a str, begin: &'a str, end: char) -> impl Iterator<Item = &'a str> {
    let parts = text.split(begin).skip(1);
    parts.filter_map(move |part| part.split_once(end).map(|(inside, _)| inside))
}

/// The `{values}` of a phrase.
fn values(phrase: &str) -> BTreeSet<&str> {
    between(phrase, "{", '}').collect()
}

#[test]
fn both_languages_say_the_same_things() {
    let (english, chinese) = (phrases("en"), phrases("zh"));
    let keys = |phrases: &Phrases| phrases.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&english), keys(&chinese));
    assert!(english.len() > 150);
    for (key, phrase) in &english {
        assert!(!phrase.is_empty() && !chinese[key].is_empty(), "{key}");
        assert_eq!(values(phrase), values(&chinese[key]), "{key}");
    }
}

#[test]
fn every_phrase_is_there_and_is_used() {
    let (phrases, sources) = (phrases("en"), sources());
    let mut used = BTreeSet::new();
    let rust = ["Phrase::new(\"", "Self::new(\"", "sized(\""];
    let page = [
        "data-phrase=\"",
        "data-label=\"",
        "say(\"",
        "new Problem(\"",
    ];
    for begin in rust.into_iter().chain(page) {
        used.extend(between(&sources, begin, '"'));
    }
    for key in &used {
        assert!(phrases.contains_key(*key), "no phrase {key}");
    }
    // Keys that a value ends, as in say(`fault.${name}`), and those that stand in a condition.
    let begins: Vec<&str> = between(&sources, "say(`", '$').collect();
    for key in phrases.keys() {
        let known = used.contains(key.as_str())
            || sources.contains(&format!("\"{key}\""))
            || begins.iter().any(|begin| key.starts_with(begin));
        assert!(known, "nobody says {key}");
    }
}

/// Limits that stand in phrases as numbers are those of the library.
#[test]
fn limits_of_pictures_are_the_library_s() {
    use trainer::picture::Error;
    let (width, height) = (1, 1);
    for (key, error, limit) in [
        (
            "picture.large",
            Error::TooLarge { width, height },
            "134217728",
        ),
        (
            "picture.progressive",
            Error::LargeProgressive { width, height },
            "11 million",
        ),
    ] {
        assert!(error.to_string().contains(limit), "{error}");
        assert!(phrases("en")[key].replace(',', "").contains(limit), "{key}");
    }
    for (key, limit) in [
        ("picture.large", "134217728"),
        ("picture.progressive", "1100 万"),
    ] {
        assert!(phrases("zh")[key].replace(',', "").contains(limit), "{key}");
    }
}

#[test]
fn every_fault_has_a_phrase_and_a_switch() {
    let run = text(&web().join("modules/run.js"));
    for fault in Fix::ALL {
        let name = fault.name();
        assert!(
            phrases("en").contains_key(&format!("fault.{name}")),
            "{name}"
        );
        assert!(run.contains(&format!("\"{name}\"")), "{name}");
    }
    let said = phrases("en");
    let said = said.keys().filter(|key| key.starts_with("fault."));
    assert_eq!(said.count(), Fix::ALL.len());
}

#[test]
fn the_blocks_of_the_listing_are_found_in_order() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = text(&root.join("benches/peers/listing_book.py"));
    let rust = text(&root.join("crates/conv-core/examples/chapter.rs"));
    let blocks = text(&web().join("listing.json"));
    let blocks: Vec<(String, String, Vec<String>)> = serde_json::from_str(&blocks).unwrap();
    assert_eq!(blocks.len(), 11);
    let place = |text: &str, start: &str| {
        let mut lines = text.lines();
        lines
            .position(|line| line.starts_with(start))
            .unwrap_or_else(|| panic!("no line {start:?}"))
    };
    let mut last = 0;
    for (name, left, right) in &blocks {
        assert!(phrases("en").contains_key(&format!("listing.{name}")));
        let at = place(&python, left);
        assert!(at > last, "{name}");
        last = at;
        for part in right {
            place(&rust, part);
        }
    }
}
