//! Folders of runs that are not whole, or none.

use std::fs;

use tests::{run, stderr};

use super::{copy, parsed, texts};

/// Asserts that a run is reported on with a note that has these words, and gives the sections' titles.
fn noted(change: impl FnOnce(&std::path::Path), words: &str) -> Vec<String> {
    let folder = copy();
    change(folder.path());
    let page = parsed(&[folder.path()]);
    let notes = texts(&page, ".notes").join("\n");
    assert!(notes.contains(words), "no {words:?} in {notes:?}");
    texts(&page, "section > h2")
}

#[test]
fn a_run_that_has_not_finished_is_shown_as_far_as_it_came() {
    let interrupted = |folder: &std::path::Path| {
        fs::remove_file(folder.join("result.json")).expect("it was there");
        fs::remove_file(folder.join("model.safetensors")).expect("it was there");
    };
    let titles = noted(interrupted, "trainer train --resume");
    assert_eq!(titles, ["Curves", "Time", "Reproduce this run"]);
    let best = |folder: &std::path::Path| {
        fs::remove_file(folder.join("result.json")).expect("it was there");
        fs::create_dir(folder.join("checkpoints")).expect("a folder");
        let to = folder.join("checkpoints/best.safetensors");
        fs::rename(folder.join("model.safetensors"), to).expect("a name");
    };
    assert_eq!(noted(best, "checkpoints/best.safetensors").len(), 8);
}

#[test]
fn what_is_damaged_is_noted_and_left_out() {
    let write = |name: &'static str, bytes: &[u8]| {
        let bytes = bytes.to_owned();
        move |folder: &std::path::Path| fs::write(folder.join(name), &bytes).expect("a file")
    };
    // A line as the run wrote it, with some of its numbers changed.
    let whole = fs::read_to_string(copy().path().join("metrics.jsonl")).expect("the run's");
    let first = whole.lines().next().expect("a line");
    let line = |changes: &[(&str, &str)]| {
        let mut line: serde_json::Value = serde_json::from_str(first).expect("JSON");
        for &(key, number) in changes {
            line[key] = serde_json::from_str(number).expect("a number");
        }
        line.to_string()
    };
    let beyond = first.replacen("\"loss\":", "\"loss\":1e999,\"old\":", 1);
    let torn = format!(
        "{}\n{{\"epoch\":2,\"lo\n{beyond}\n",
        line(&[("loss", "2.0")])
    );
    let torn = write("metrics.jsonl", torn.as_bytes());
    assert!(noted(torn, "line 2 (").contains(&"Curves".to_owned()));
    let beyond = write("metrics.jsonl", beyond.as_bytes());
    noted(beyond, "line 1 (number out of range");
    let missing = write("metrics.jsonl", b"{\"epoch\":1,\"loss\":2.0}\n");
    noted(missing, "line 1 (missing field");
    noted(write("metrics.jsonl", b"\xff\xfe\0"), "line 1 (");
    noted(write("result.json", b"{"), "result.json is damaged");
    noted(
        write("environment.json", b"[]"),
        "environment.json is damaged",
    );
    noted(
        write("recipe.toml", b"= ="),
        "recipe.toml is shown as it is",
    );
    let titles = noted(
        write("model.safetensors", b"no model"),
        "model.safetensors: ",
    );
    assert_eq!(titles, ["Curves", "Time", "Reproduce this run"]);
    let other = fs::read_to_string(copy().path().join("result.json")).expect("the run's");
    let mut other: serde_json::Value = serde_json::from_str(&other).expect("JSON");
    other["test_accuracy"] = 0.125.into();
    let other = write("result.json", other.to_string().as_bytes());
    noted(other, "are not those of the result");
    // Numbers that no chart has room for.
    let huge = [
        line(&[("loss", "1e308"), ("rate", "-1e308")]),
        line(&[("epoch", "18446744073709551615"), ("loss", "-1e308")]),
    ]
    .join("\n");
    noted(
        |folder| {
            write("metrics.jsonl", huge.as_bytes())(folder);
            write("result.json", b"{")(folder);
        },
        "result.json",
    );
}

#[test]
fn what_is_no_run_is_an_error_that_says_so() {
    let empty = tempfile::tempdir().expect("a folder");
    let path = empty.path().to_string_lossy().into_owned();
    for (path, words) in [
        (path.as_str(), "found none of recipe.toml"),
        ("no such folder", "found nothing of this name"),
    ] {
        let output = run(&["report", path]);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains(words) && said.contains(path), "{said}");
    }
}

#[test]
fn the_report_stands_in_the_run_and_where_it_cannot_the_error_says_so() {
    let folder = copy();
    let path = folder.path().to_string_lossy().into_owned();
    for _ in 0..2 {
        assert!(run(&["report", &path]).status.success());
        assert!(folder.path().join("report.html").is_file());
    }
    let output = run(&["report", &path, "--output", "-"]);
    let written = fs::read(folder.path().join("report.html")).expect("a page");
    assert_eq!(output.stdout, written);
    assert!(!std::path::Path::new("-").exists());
    let output = run(&["report", &path, "--output", "no/such/folder/page.html"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no/such/folder/page.html"));
}
