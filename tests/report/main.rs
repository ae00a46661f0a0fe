//! The page of `trainer report`.
#![forbid(unsafe_code)]

mod browser;
mod folders;
mod page;
mod run;
mod trained;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use conv_core::spec::Layers;
use scraper::{Html, Selector};
use tempfile::TempDir;
use tests::{succeeds, trainer};

use run::Run;

/// What a recipe's author might write to harm the page.
const HOSTILE: &str = "</title><script>alert(1)</script> <b>bold</b> & \"quoted\"";

/// Two small runs, made once: `first` with a convolution and a hostile description, and `second`, dense.
fn runs() -> &'static Path {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let folder = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let layers = Layers::new()
            .conv(3, (5, 5))
            .max_pool(4)
            .relu()
            .flatten()
            .dense(10);
        let first = Run {
            description: HOSTILE,
            layers,
            epochs: 3,
            rate: 4e-3,
            seed: 1,
        };
        first.make(&folder.path().join("first"));
        let second = Run {
            description: "dense",
            layers: Layers::new().flatten().dense(10),
            epochs: 2,
            rate: 2e-3,
            seed: 1,
        };
        second.make(&folder.path().join("second"));
        folder
    });
    folder.path()
}

/// A copy of the first run that a test may change.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(runs().join("first")).expect("the run") {
        let entry = entry.expect("an entry");
        if entry.file_name() != "report.html" {
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
        }
    }
    folder
}

/// Reports on runs into a file of its own.
fn report(runs: &[&Path]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("page.html");
    let output = trainer()
        .arg("report")
        .args(runs)
        .arg("--output")
        .arg(&file)
        .output();
    let printed = succeeds(&output.expect("trainer starts"));
    assert_eq!(printed.trim_end(), file.to_string_lossy());
    (folder, file)
}

/// The page about these runs, parsed as a browser does.
fn parsed(runs: &[&Path]) -> Html {
    let (_folder, file) = report(runs);
    Html::parse_document(&std::fs::read_to_string(file).expect("a page"))
}

/// The texts of all elements that a CSS selector finds.
fn texts(page: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).expect("a selector");
    page.select(&selector)
        .map(|element| element.text().collect())
        .collect()
}
