//! Which epoch's network is the model of a run.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tests::{root, run, stderr, stdout, succeeds, trainer};

use crate::{Place, fails, json};

/// What `evaluate --json` says of a model on the built-in test images.
fn evaluated(model: &Path) -> Value {
    let text = succeeds(&run(&["evaluate", model.to_str().unwrap(), "--json"]));
    serde_json::from_str(&text).unwrap()
}

fn epochs(folder: &Path) -> Vec<Value> {
    let metrics = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let lines = metrics.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The epoch with the smallest or the largest figure; of equals the one with the smaller loss, and then the first.
fn first_best(epochs: &[Value], figure: &str, sign: f64) -> Value {
    let place = |epoch: &Value| {
        let number = |key: &str| epoch[key].as_f64().unwrap();
        (sign * number(figure), number("validation_loss"))
    };
    let better = |best, other| match place(other) < place(best) {
        true => other,
        false => best,
    };
    epochs.iter().reduce(better).unwrap()["epoch"].clone()
}

/// The recipe's last epoch is worse than an earlier one.
#[test]
fn a_run_that_stops_early_keeps_the_best_network() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = root().join("tests/training/stop.toml");
    let path = folder.path().join("run");
    let name = path.to_str().unwrap();
    let output = run(&["train", recipe.to_str().unwrap(), "--run", name]);
    let printed = succeeds(&output);
    let result = json(&path.join("result.json"));
    let (epochs, best) = (epochs(&path), &result["model_epoch"]);
    assert_eq!(first_best(&epochs, "validation_loss", 1.0), *best);
    assert_eq!(result["chosen_by"], "validation_loss");
    assert_eq!(result["stopped"], "early");
    let last = epochs.len() as u64;
    assert_eq!(best.as_u64().unwrap() + 3, last, "the recipe's patience");
    let words = format!("by the network after epoch {best} of {last}, the best by validation loss");
    assert!(printed.contains(&words), "{printed}");
    let words = format!("after epoch {last}, the last one; the model has those after epoch {best}");
    let said = stderr(&output);
    assert!(said.contains(&words), "{said}");
    // The folder, its file and the best checkpoint are the same network, whose figures the result has.
    for model in ["", "model.safetensors", "checkpoints/best.safetensors"] {
        let found = evaluated(&path.join(model));
        assert_eq!(found["accuracy"], result["test_accuracy"], "{model}");
        assert_eq!(found["loss"], result["test_loss"], "{model}");
    }
    assert!(result["test_accuracy"].as_f64().unwrap() > 0.8, "{result}");
    let page = path.join("report.html");
    let _ = succeeds(&run(&["report", name]));
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(&format!("Best epoch by validation loss: {best}, ")));
    assert!(!page.contains("are not those of the result"));
    assert!(page.contains("model.safetensors is the network after it"));
    // What is exported is that network, too.
    let exported = folder.path().join("exported.safetensors");
    let _ = succeeds(&run(&[
        "export",
        name,
        "--to",
        "safetensors",
        "--output",
        exported.to_str().unwrap(),
    ]));
    assert_eq!(evaluated(&exported)["loss"], result["test_loss"]);
    let again = run(&["train", "--resume", name]);
    let words = format!("\"model_epoch\":{best}");
    assert!(stdout(&again).contains(&words), "{again:?}");
}

#[test]
fn the_recipe_names_the_figure_that_chooses() {
    let place = Place::new();
    for (monitor, figure, sign) in [
        ("loss", "validation_loss", 1.0),
        ("accuracy", "validation_accuracy", -1.0),
    ] {
        let further = ["--set", &format!("monitor={monitor}"), "--epochs", "12"];
        let _ = succeeds(&place.train(monitor, &further));
        let result = json(&place.path(monitor).join("result.json"));
        let best = first_best(&epochs(&place.path(monitor)), figure, sign);
        assert_eq!(result["model_epoch"], best, "{monitor}");
        assert_eq!(result["chosen_by"], figure, "{monitor}");
    }
    let wrong = place.train("wrong", &["--set", "monitor=loss_of_validation"]);
    assert!(
        fails(&wrong, 1)
            .contains("monitor is \"loss_of_validation\"; known: \"loss\", \"accuracy\"")
    );
    // Without validation images and without an early end nothing is chosen.
    let plain = ["--set", "data.validation=0"];
    let printed = succeeds(&place.train("plain", &plain));
    assert!(!printed.contains("epoch 4 of 4, the best"), "{printed}");
    let result = json(&place.path("plain/result.json"));
    assert_eq!(
        (&result["model_epoch"], result.get("chosen_by")),
        (&4.into(), None)
    );
    // With an early end alone it is by the figure in training.
    let stop = ["--set", "data.validation=0", "--set", "stop.patience=5"];
    let _ = succeeds(&place.train("stop", &stop));
    assert_eq!(
        json(&place.path("stop/result.json"))["chosen_by"],
        "training_loss"
    );
}

/// Learns its 150 images by heart: of 24 epochs the 9th has the smallest validation loss.
const BY_HEART: &str = r#"
epochs = 24
batch = 30

[data]
validation = 50

[network]
layers = [
    { type = "conv", kernels = 2, window = { size = 5, stride = 2 } },
    { type = "relu" },
    { type = "flatten" },
    { type = "dense", outputs = 10 },
]

[optimizer]
type = "adamw"
rate = 0.05
"#;

/// A run that goes on after its best epoch arrives at the same model.
#[test]
fn a_run_that_goes_on_has_the_same_model() {
    let place = Place::new();
    fs::write(place.path("small.toml"), BY_HEART).unwrap();
    let _ = succeeds(&place.train("run", &[]));
    let model = fs::read(place.path("run/model.safetensors")).unwrap();
    let result = json(&place.path("run/result.json"));
    assert_eq!(result["model_epoch"], 9);
    for file in ["run/model.safetensors", "run/result.json"] {
        fs::remove_file(place.path(file)).unwrap();
    }
    let _ = succeeds(&place.resume("run", &[]));
    assert_eq!(
        fs::read(place.path("run/model.safetensors")).unwrap(),
        model
    );
    assert_eq!(json(&place.path("run/result.json")), result);
    // The network that would be the model is gone: no other one is taken in its place.
    for file in [
        "model.safetensors",
        "result.json",
        "checkpoints/best.safetensors",
    ] {
        fs::remove_file(place.path("run").join(file)).unwrap();
    }
    let said = fails(&place.resume("run", &[]), 1);
    assert!(said.contains("best.safetensors: "), "{said}");
    assert!(!place.path("run/model.safetensors").exists());
}

/// Folders that a program wrote in which recipes had no `monitor`: the best epoch was by accuracy, the 11th, and the
/// model was the last network. The 9th is the one with the smallest loss.
#[test]
fn folders_from_before_there_was_a_choice_are_still_read_and_gone_on_with() {
    let place = Place::new();
    let data = place.data.path().to_str().unwrap();
    let copy = |name: &str| {
        let from = root().join("tests/training/original").join(name);
        let to = place.path(name);
        fs::create_dir_all(to.join("checkpoints")).unwrap();
        for folder in ["", "checkpoints"] {
            for entry in fs::read_dir(from.join(folder)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    fs::copy(entry.path(), to.join(folder).join(entry.file_name())).unwrap();
                }
            }
        }
        to
    };
    let finished = copy("finished");
    let name = finished.to_str().unwrap();
    let found = succeeds(&run(&["evaluate", name, "--data", data, "--json"]));
    let found: Value = serde_json::from_str(&found).unwrap();
    let result = json(&finished.join("result.json"));
    assert_eq!(found["accuracy"], result["test_accuracy"]);
    assert_eq!(found["loss"], result["test_loss"]);
    let _ = succeeds(&run(&["report", name, "--data", data]));
    let page = fs::read_to_string(finished.join("report.html")).unwrap();
    assert!(page.contains("Best epoch by validation accuracy: 11, "));
    assert!(page.contains("model.safetensors that after the last epoch"));
    let again = trainer()
        .args(["train", "--resume", name])
        .output()
        .unwrap();
    assert!(stderr(&again).contains("is finished"), "{again:?}");

    let interrupted = copy("interrupted");
    // Before its end a run has no model, and which network there is instead is told.
    let said = fails(&run(&["evaluate", interrupted.to_str().unwrap()]), 1);
    assert!(said.contains("the run has not finished"), "{said}");
    let best = interrupted.join("checkpoints/best.safetensors");
    assert!(
        said.contains(&format!("so far is {}", best.display())),
        "{said}"
    );
    let _ = succeeds(&place.resume("interrupted", &["--data", data]));
    let result = json(&interrupted.join("result.json"));
    assert_eq!(result["chosen_by"], "validation_accuracy");
    assert_eq!(result["epochs"], 400);
    assert_eq!(
        result["model_epoch"],
        first_best(&epochs(&interrupted), "validation_accuracy", -1.0)
    );
}
