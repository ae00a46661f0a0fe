//! The page of runs that the program trained itself, not of folders made by hand.

use std::path::{Path, PathBuf};

use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use tests::{succeeds, trainer};

use super::{parsed, report, texts};

/// Few images and few steps, and a part of the images kept for validation.
const RECIPE: &str = r#"
epochs = 3
batch = 20

[data]
train_images = 200
validation = 40

[network]
layers = [
    { type = "conv", kernels = 6, window = 5 },
    { type = "relu" },
    { type = "pool", pool = "max", window = 4 },
    { type = "flatten" },
    { type = "dense", outputs = 10 },
]

[optimizer]
type = "adamw"
rate = 0.01

[schedule]
type = "cosine"
"#;
/// Its kernels.
const KERNELS: usize = 6;
/// The digits that the first convolution is shown.
const DIGITS: usize = 3;

/// Trains the recipe, in a folder of this name.
fn train(folder: &Path, name: &str, further: &[&str]) -> PathBuf {
    let recipe = folder.join("small.toml");
    std::fs::write(&recipe, RECIPE).expect("a file");
    let run = folder.join(name);
    let mut command = trainer();
    command
        .arg("train")
        .arg(recipe)
        .args(["--quiet", "--run"])
        .arg(&run)
        .args(further);
    let _ = succeeds(&command.output().expect("trainer starts"));
    run
}

fn json(run: &Path, file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(run.join(file)).expect("a file")).expect("JSON")
}

fn metrics(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn percent(share: &Value) -> String {
    format!("{:.2}\u{202f}%", 100.0 * share.as_f64().expect("a share"))
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    let selector = Selector::parse(selector).expect("a selector");
    page.select(&selector).collect()
}

/// The pictures of an element, which are all part of the page, and differ from each other where they show what differs.
fn pictures(page: &Html, selector: &str) -> Vec<String> {
    let pictures = all(page, selector).into_iter().map(|picture| {
        let source = picture.attr("src").expect("a picture has a source");
        assert!(source.starts_with("data:image/png;base64,"), "{source}");
        source.to_owned()
    });
    pictures.collect()
}

/// The charts of a page: what each is called, and what each of its points tells.
fn charts(page: &Html) -> Vec<(String, Vec<String>)> {
    let names = texts(page, "#curves figure.chart figcaption");
    let told = all(page, "#curves figure.chart").into_iter().map(|chart| {
        let points = Selector::parse(".told title").expect("a selector");
        chart
            .select(&points)
            .map(|point| point.text().collect())
            .collect()
    });
    names.into_iter().zip(told).collect()
}

#[test]
fn a_run_of_the_program_has_every_part_of_its_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = train(folder.path(), "small", &[]);
    let page = parsed(&[&run]);
    assert!(texts(&page, ".notes").is_empty(), "the run is whole");
    let (result, epochs) = (json(&run, "result.json"), metrics(&run));
    assert_eq!(epochs.len(), 3);

    // Curves of loss, accuracy and the learning rate, every epoch of each.
    let charts = charts(&page);
    let names: Vec<&str> = charts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Loss", "Accuracy", "Learning rate"]);
    let points: Vec<usize> = charts.iter().map(|(_, points)| points.len()).collect();
    assert_eq!(points, [6, 6, 3], "training and validation, and one rate");
    for epoch in &epochs {
        let number = &epoch["epoch"];
        let accuracy = percent(&epoch["validation_accuracy"]);
        let expected = format!("validation, epoch {number}: {accuracy}");
        assert!(charts[1].1.contains(&expected), "{expected}: {charts:?}");
    }

    // The kernels, what each sees in the digits, and the same pooled in the three ways of the chapter.
    let kernels = pictures(&page, "#kernels .strip .head .map");
    assert_eq!(kernels.len(), KERNELS);
    let maps = pictures(&page, "#kernels .strip > .map");
    assert_eq!(maps.len(), (KERNELS + 3) * DIGITS);
    let distinct: std::collections::BTreeSet<&String> = kernels.iter().chain(&maps).collect();
    assert!(
        distinct.len() > maps.len(),
        "{} differ of {} kernels and {} maps",
        distinct.len(),
        kernels.len(),
        maps.len()
    );
    let names = texts(&page, "#kernels .strip .name");
    for pooling in ["sum", "mean", "max"] {
        assert!(names.iter().any(|name| name == pooling), "{names:?}");
    }

    // Every test image once in the confusion matrix, and so the accuracy of the result.
    let count = |text: &String| text.replace(',', "").parse::<u64>().unwrap_or(0);
    let sum = |selector| texts(&page, selector).iter().map(count).sum::<u64>();
    let (every, right) = (sum(".confusion td"), sum(".confusion .right"));
    assert_eq!(every, 10_000);
    let accuracy = result["test_accuracy"].as_f64().expect("a share");
    assert_eq!(right, (accuracy * 10_000.0).round() as u64);

    // The worst mistakes, each with its image.
    let cards = texts(&page, "#mistakes .cards li");
    assert_eq!(cards.len(), 40, "so few steps leave more than 40 mistakes");
    assert_eq!(pictures(&page, "#mistakes .cards img").len(), 40);
    assert!(cards.iter().all(|card| card.contains("%is ")), "{cards:?}");

    // How sure it was, and how often it was right.
    let calibration = &texts(&page, "#calibration")[0];
    assert!(
        calibration.contains("Expected calibration error"),
        "{calibration}"
    );
    assert!(!all(&page, "#calibration svg .bar").is_empty());

    // Where the time went; the parts are those of metrics.jsonl.
    let parts = texts(&page, "#time tbody th");
    for part in ["steps", "batches", "validation", "checkpoint", "other"] {
        assert!(parts.iter().any(|row| row.starts_with(part)), "{parts:?}");
    }

    // The command that repeats it, and the digest that it should arrive at.
    let again = &texts(&page, "#again")[0];
    let digest = result["digest"].as_str().expect("a digest");
    for words in [
        "trainer train ",
        "recipe.toml",
        digest,
        "train_images = 200",
    ] {
        assert!(again.contains(words), "no {words:?} in {again}");
    }
}

#[test]
fn two_runs_of_the_program_stand_side_by_side() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = train(folder.path(), "first", &[]);
    let second = train(folder.path(), "second", &["--set", "optimizer.rate=0.001"]);
    let (_folder, file) = report(&[&first, &second]);
    let text = std::fs::read_to_string(file).expect("a page");
    for word in ["http://", "https://", "url(", "@import", "<script"] {
        assert!(!text.contains(word), "{word}");
    }
    let page = Html::parse_document(&text);
    assert!(texts(&page, ".notes").is_empty(), "both runs are whole");

    let accuracies = texts(&page, ".results tbody tr:first-child td");
    let of = |run: &Path| percent(&json(run, "result.json")["test_accuracy"]);
    assert_eq!(accuracies[..2], [of(&first), of(&second)]);

    // Both runs in each chart.
    for (name, points) in charts(&page) {
        let both = ["A", "B"].map(|letter| {
            points
                .iter()
                .filter(|told| told.starts_with(letter))
                .count()
        });
        assert!(both[0] > 0 && both[0] == both[1], "{name}: {points:?}");
    }
    // Twice what a run has alone.
    assert_eq!(
        pictures(&page, "#kernels .strip .head .map").len(),
        2 * KERNELS
    );
    assert_eq!(texts(&page, ".confusion").len(), 2);
    assert_eq!(all(&page, "#calibration .calibration").len(), 2);
    assert_eq!(all(&page, "#time table").len(), 2);
    assert!(
        !pictures(&page, "#images .cards img").is_empty(),
        "images that one alone reads"
    );
    let recipes = &texts(&page, "#recipes pre")[0];
    assert!(recipes.contains("rate = 0.001"), "{recipes}");
    assert!(
        !recipes.contains("kernels"),
        "what is the same is not told: {recipes}"
    );
}
