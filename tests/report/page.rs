//! What stands on the page.

use std::path::Path;

use scraper::{Html, Selector};
use serde_json::Value;

use super::{HOSTILE, parsed, report, runs, texts};

fn json(run: &Path, file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(run.join(file)).expect("a file")).expect("JSON")
}

fn percent(share: &Value) -> String {
    format!("{:.2}\u{202f}%", 100.0 * share.as_f64().expect("a share"))
}

/// A number without the commas between its thousands.
fn number(text: &str) -> u64 {
    text.replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("{text:?} is no number"))
}

#[test]
fn it_is_whole_and_fetches_nothing() {
    for runs in [
        vec![runs().join("first")],
        vec![runs().join("first"), runs().join("second")],
    ] {
        let paths: Vec<&Path> = runs.iter().map(std::path::PathBuf::as_path).collect();
        let (_folder, file) = report(&paths);
        let text = std::fs::read_to_string(file).expect("a page");
        assert!(text.len() < 1_500_000, "{} bytes", text.len());
        let page = Html::parse_document(&text);
        assert!(page.errors.is_empty(), "{:?}", page.errors);
        for word in ["http://", "https://", "url(", "@import", "<script"] {
            assert!(!text.contains(word), "{word}");
        }
        for attribute in ["src", "href"] {
            let all = Selector::parse(&format!("[{attribute}]")).expect("a selector");
            for element in page.select(&all) {
                let target = element.attr(attribute).expect("it was selected by it");
                assert!(
                    target.starts_with("data:") || target.starts_with('#'),
                    "{target}"
                );
            }
        }
        // Whatever the page points to is there, and every picture says what it is.
        for link in page.select(&Selector::parse("nav a").expect("a selector")) {
            let id = link.attr("href").expect("a link");
            assert_eq!(
                page.select(&Selector::parse(id).expect("an id")).count(),
                1,
                "{id}"
            );
        }
        for picture in page.select(&Selector::parse("img, svg[role=img]").expect("a selector")) {
            let words = picture
                .attr("alt")
                .or(picture.attr("aria-label"))
                .unwrap_or_default();
            assert!(!words.is_empty(), "{}", picture.html());
        }
    }
}

#[test]
fn a_run_has_all_its_sections_and_the_values_of_its_files() {
    let run = runs().join("first");
    let page = parsed(&[&run]);
    let titles = texts(&page, "section > h2");
    let expected = [
        "Curves",
        "Network",
        "Kernels",
        "Classes",
        "Mistakes",
        "Calibration",
        "Time",
        "Reproduce this run",
    ];
    assert_eq!(titles, expected);
    assert!(texts(&page, ".notes").is_empty());

    let result = json(&run, "result.json");
    let figures = texts(&page, ".large dd");
    assert!(
        figures[0].starts_with(&percent(&result["test_accuracy"])),
        "{figures:?}"
    );
    let mistakes = number(figures[1].split(' ').next().expect("a number"));
    let accuracy = result["test_accuracy"].as_f64().expect("a share");
    assert_eq!(mistakes, 10_000 - (accuracy * 10_000.0).round() as u64);
    assert_eq!(
        number(&figures[2]),
        result["parameters"].as_u64().expect("a number")
    );
    assert!(figures[3].starts_with("1.50 s"), "{figures:?}");

    // Every epoch of every curve.
    let told = texts(&page, "svg .told title");
    let lines = std::fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    for line in lines.lines() {
        let epoch: Value = serde_json::from_str(line).expect("JSON");
        for (name, key) in [
            ("training", "accuracy"),
            ("validation", "validation_accuracy"),
        ] {
            let text = format!("{name}, epoch {}: {}", epoch["epoch"], percent(&epoch[key]));
            assert!(told.contains(&text), "no {text:?} in {told:?}");
        }
    }

    // The confusion matrix has every image once, and the diagonal those that were read.
    let cells = texts(&page, ".confusion td");
    assert_eq!(cells.len(), 100);
    let count = |text: &String| if text == "·" { 0 } else { number(text) };
    assert_eq!(cells.iter().map(count).sum::<u64>(), 10_000);
    let right = texts(&page, ".confusion .right");
    assert_eq!(right.iter().map(count).sum::<u64>(), 10_000 - mistakes);
    assert_eq!(texts(&page, ".cards li").len() as u64, mistakes.min(40));

    // Three kernels and three ways of pooling, each with a map of three digits.
    let heads = Selector::parse(".strip .head .map").expect("a selector");
    let maps = Selector::parse(".strip > .map").expect("a selector");
    assert_eq!(
        (page.select(&heads).count(), page.select(&maps).count()),
        (3, 18)
    );
    assert!(texts(&page, "details pre")[0].contains("validation = 200"));
}

#[test]
fn a_hostile_recipe_is_text() {
    let page = parsed(&[&runs().join("first")]);
    assert_eq!(texts(&page, ".lede"), [HOSTILE]);
    assert_eq!(texts(&page, "script").len() + texts(&page, "b").len(), 0);
    assert_eq!(texts(&page, "head > title"), ["first – trainer"]);
}

#[test]
fn two_runs_stand_side_by_side() {
    let (first, second) = (runs().join("first"), runs().join("second"));
    let page = parsed(&[&first, &second]);
    let titles = texts(&page, "section > h2");
    let expected = [
        "Results",
        "Curves",
        "Recipes",
        "Networks",
        "Kernels",
        "Classes",
        "Read by one alone",
        "Calibration",
        "Time",
        "Reproduce these runs",
    ];
    assert_eq!(titles, expected);
    let [a, b] = [&first, &second].map(|run| json(run, "result.json")["test_accuracy"].clone());
    let accuracies = texts(&page, ".results tbody tr:first-child td");
    assert_eq!(accuracies[..2], [percent(&a), percent(&b)]);
    let points = 100.0 * (b.as_f64().expect("a share") - a.as_f64().expect("a share"));
    let sign = if points < 0.0 { "−" } else { "+" };
    assert_eq!(accuracies[2], format!("{sign}{:.2} points", points.abs()));
    // Every image is read by both, by neither, or by one alone.
    let counts = &texts(&page, "#images > p")[0];
    let counts = counts.split(". ").next().expect("a sentence");
    let words = counts.split([' ', '.']);
    let numbers = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let numbers: Vec<u64> = numbers
        .map(|word| number(word.trim_end_matches(',')))
        .collect();
    assert_eq!(numbers.len(), 4, "{counts}");
    assert_eq!(numbers.iter().sum::<u64>(), 10_000, "{counts}");
    assert_eq!(
        numbers[0] + numbers[2],
        (a.as_f64().expect("a share") * 10_000.0).round() as u64
    );
    assert!(texts(&page, "#kernels")[0].contains("This network has no convolution."));
    let lines = &texts(&page, "#recipes pre")[0];
    assert!(
        lines.contains("A epochs = 3\n") && lines.contains("B epochs = 2\n"),
        "{lines}"
    );
    assert!(!lines.contains("seed"), "{lines}");
}

#[test]
fn a_run_beside_itself_differs_in_nothing() {
    let run = runs().join("second");
    let page = parsed(&[&run, &run]);
    assert!(texts(&page, "#recipes")[0].contains("The recipes are the same."));
    assert!(texts(&page, "#images .cards").is_empty());
}
