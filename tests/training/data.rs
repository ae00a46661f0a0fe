//! The images of a run, in the commands that take a run.

use std::fs;

use serde_json::Value;
use tests::{run, stderr, succeeds};

use crate::{Place, fails};

/// The run's images are 12×12 pixels: no others fit its model.
#[test]
fn commands_on_a_run_use_its_images() {
    let place = Place::new();
    let _ = succeeds(&place.train("run", &["--epochs", "1"]));
    let folder = place.path("run");
    let name = folder.to_str().unwrap();
    let data = place.data.path().to_str().unwrap();
    let with = succeeds(&run(&["evaluate", name, "--json", "--data", data]));
    for model in ["", "model.safetensors", "checkpoints/best.safetensors"] {
        let model = folder.join(model);
        let model = model.to_str().unwrap();
        let output = run(&["evaluate", model, "--json"]);
        assert_eq!(succeeds(&output), with, "{model}");
        assert_eq!(stderr(&output), "");
        let images = ["predict", model, "train:150", "test:49", "--json"];
        let lines = succeeds(&run(&images));
        let labels: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["label"].clone())
            .collect();
        let digits = mnist_data::read_dir(place.data.path()).unwrap();
        assert_eq!(labels[0], digits.train.labels()[150].to_string());
        assert_eq!(labels[1], digits.test.labels()[49].to_string());
        let one = succeeds(&run(&["predict", model, "train:150", "--json"]));
        assert_eq!(Some(one.trim_end()), lines.lines().next());
    }
    // A copy elsewhere is of no run, and the built-in images do not fit it.
    let copy = place.path("copy.safetensors");
    fs::copy(folder.join("model.safetensors"), &copy).unwrap();
    let said = fails(&run(&["evaluate", copy.to_str().unwrap()]), 1);
    assert!(said.contains("28×28, expected 12×12"), "{said}");
    // Images that are gone are missed with a word.
    let moved = place.path("moved");
    fs::rename(place.data.path(), &moved).unwrap();
    let said = fails(&run(&["evaluate", name]), 1);
    assert!(
        said.contains(&format!(
            "warning: {data} is gone, whose images the run used"
        )),
        "{said}"
    );
    let _ = succeeds(&run(&["report", name]));
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("is gone, whose images the run used"));
    let again = [
        "evaluate",
        name,
        "--json",
        "--data",
        moved.to_str().unwrap(),
    ];
    assert_eq!(succeeds(&run(&again)), with);
    // Another data set than the run's is not looked for in the run's folder.
    fs::rename(&moved, place.data.path()).unwrap();
    let other = ["evaluate", name, "--dataset", "qmnist"];
    assert!(!stderr(&run(&other)).contains(data));
}
