//! The project's Markdown files: every link leads somewhere, and the README stays short.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use mnist_data::{embedded, png};
use ndarray::Axis;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use tests::{root, small_model};

#[allow(dead_code, unreachable_pub, reason = "it is a program")]
#[path = "../crates/trainer/examples/read_digit.rs"]
mod read_digit;

/// What a Markdown file links to, and the anchors of its headings.
#[derive(Default)]
struct Document {
    links: Vec<String>,
    anchors: HashSet<String>,
}

impl Document {
    fn read(text: &str) -> Self {
        let mut document = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new(text) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let heading = heading.take().unwrap_or_default();
                    document.anchors.insert(anchor(&heading));
                }
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        document
    }
}

/// The anchor that GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    let kept = heading.chars().filter(kept);
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The Markdown files of the project.
fn markdown(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let foreign = ["target", "node_modules"].contains(&name) || name.starts_with('.');
        if path.is_dir() && !foreign {
            markdown(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// What is wrong with a link that stands in this file.
fn broken(file: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => file.to_owned(),
        path => file.parent().unwrap().join(path),
    };
    if !target.exists() {
        return Some(format!("{}: no file {link}", file.display()));
    }
    if fragment.is_empty() {
        return None;
    }
    let anchors = Document::read(&fs::read_to_string(&target).unwrap()).anchors;
    let missing = !anchors.contains(fragment);
    missing.then(|| format!("{}: no heading {link}", file.display()))
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_in_it() {
    let mut files = Vec::new();
    markdown(root(), &mut files);
    let (mut checked, mut wrong) = (0, Vec::new());
    for file in &files {
        let links = Document::read(&fs::read_to_string(file).unwrap()).links;
        checked += links.len();
        wrong.extend(links.iter().filter_map(|link| broken(file, link)));
    }
    assert_eq!(wrong, [""; 0]);
    assert!(
        files.len() > 10 && checked > 60,
        "only {checked} links in {} files",
        files.len()
    );
}

#[test]
fn a_broken_link_is_found() {
    let readme = root().join("README.md");
    for (link, wrong) in [
        ("docs/GUIDE.md", false),
        ("docs/GUIDE.md#train", false),
        ("https://www.rust-lang.org", false),
        ("docs/NOTHING.md", true),
        ("docs/GUIDE.md#nothing", true),
        ("#nothing", true),
    ] {
        assert_eq!(broken(&readme, link).is_some(), wrong, "{link}");
    }
    assert_eq!(anchor("`quick`: the time to 99 %"), "quick-the-time-to-99-");
}

#[test]
fn the_readme_is_short_in_both_languages() {
    for name in ["README.md", "README.zh-CN.md"] {
        let lines = fs::read_to_string(root().join(name))
            .unwrap()
            .lines()
            .count();
        assert!(lines < 120, "{name}: {lines} lines");
    }
}

/// The other programs of that page are tests of the library `trainer`.
#[test]
fn the_program_that_uses_a_model_of_trainer_stands_in_the_docs_and_reads_digits() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let program = read("crates/trainer/examples/read_digit.rs");
    let (_, program) = program.split_once("#![forbid(unsafe_code)]\n\n").unwrap();
    assert!(
        read("docs/USE.md").contains(&format!("```rust,no_run\n{program}```\n")),
        "docs/USE.md has another program than the example"
    );

    let digits = embedded::load().test;
    let mut right = 0;
    for (image, &label) in digits
        .images()
        .axis_iter(Axis(0))
        .zip(digits.labels())
        .take(20)
    {
        let mut picture = Vec::new();
        png::write(&mut picture, &image).unwrap();
        let (digit, probability) = read_digit::read_digit(small_model(), picture).unwrap();
        assert!(probability > 0.1 && probability <= 1.0, "{probability}");
        right += usize::from(digit == label.to_string());
    }
    assert!(right >= 18, "{right} of 20");
    assert!(read_digit::read_digit(small_model(), b"no picture".to_vec()).is_err());
    assert!(read_digit::read_digit(b"no model", Vec::new()).is_err());
}
