//! How a run ends before its last epoch, or does not begin.

use std::process::Stdio;

use tests::{run, stderr, stdout, succeeds, trainer};

use crate::{Place, fails, first_line, json};

#[test]
fn numbers_that_diverge_stop_the_run_and_leave_the_last_good_checkpoint() {
    let place = Place::new();
    let settings = [
        "--set",
        "optimizer.type=sgd",
        "--set",
        "optimizer.rate=1e30",
        "--set",
        "schedule.type=constant",
        "--epochs",
        "50",
        "--checkpoint-every",
        "0",
    ];
    let said = fails(&place.train("run", &settings), 1);
    assert!(
        said.contains("is infinite or not a number")
            || said.contains("is NaN")
            || said.contains("is inf"),
        "{said}"
    );
    assert!(
        said.contains("epoch 1, step ") && said.contains("--set optimizer.clip"),
        "{said}"
    );
    let latest = place.path("run/checkpoints/latest.safetensors");
    let kept = format!("the last good checkpoint is {}", latest.display());
    assert!(said.contains(&kept) && latest.exists(), "{said}");
    // It is one that a run goes on from, here to the same end.
    let again = fails(&place.resume("run", &["--checkpoint-every", "0"]), 1);
    assert!(
        again.contains("going on from the checkpoint at epoch 1") && again.contains(&kept),
        "{again}"
    );
    assert!(!place.path("run/result.json").exists());
}

#[test]
fn a_run_that_gets_no_better_stops_early() {
    let place = Place::new();
    // A rate so small that nothing changes: the first epoch stays the best, or ties with it.
    let settings = [
        "--set",
        "stop.patience=3",
        "--epochs",
        "500",
        "--set",
        "optimizer.rate=1e-30",
        "--set",
        "schedule.type=constant",
        "--set",
        "augmentation.shift=0",
        "--set",
        "network.layers[5].probability=0",
    ];
    let output = place.train("run", &settings);
    assert!(
        stderr(&output).contains("stopped early"),
        "{}",
        stderr(&output)
    );
    let result = json(&place.path("run/result.json"));
    assert_eq!(result["stopped"], "early");
    let epochs = result["epochs"].as_u64().unwrap();
    assert!((4..100).contains(&epochs), "{epochs}");
}

#[test]
fn a_reader_that_leaves_early_does_not_end_the_run() {
    let place = Place::new();
    let mut command = place.command("run", &["--epochs", "20"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(first_line(&mut child));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(json(&place.path("run/result.json"))["epochs"], 20);
}

#[test]
fn images_that_are_not_there_tell_how_to_get_them() {
    let nowhere = tempfile::tempdir().unwrap();
    let train = |arguments: &[&str]| {
        let mut command = trainer();
        command
            .env("MNIST_DATA_DIR", nowhere.path())
            .arg("train")
            .args(arguments);
        command.arg("--dry-run").output().unwrap()
    };
    let said = fails(&train(&["best"]), 1);
    assert!(
        said.contains("the recipe needs 60,000 training images, only 1,000 are built in"),
        "{said}"
    );
    assert!(
        said.contains("cargo xtask fetch-mnist --dataset mnist"),
        "{said}"
    );
    let said = fails(&train(&["quick", "--dataset", "kmnist"]), 1);
    assert!(
        said.contains("cargo xtask fetch-mnist --dataset kmnist"),
        "{said}"
    );
    let place = Place::new();
    let data = place.data.path().to_str().unwrap();
    let said = fails(&train(&["best", "--data", data]), 1);
    assert!(
        said.contains("needs 60000 training images, found 200"),
        "{said}"
    );
    let said = fails(&train(&["quick", "--data", "nowhere"]), 1);
    assert!(said.contains("nowhere: expected a folder"), "{said}");
}

#[test]
fn without_a_recipe_it_explains_itself() {
    let said = fails(&run(&["train"]), 2);
    for words in [
        "Usage: trainer train",
        "Examples:",
        "--resume",
        "Exit codes",
    ] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = succeeds(&run(&["completions", shell]));
        assert!(
            script.contains("trainer") && script.contains("resume"),
            "{shell}"
        );
    }
    assert_eq!(stdout(&run(&["completions", "tcsh"])), "");
}

#[test]
fn options_out_of_range_or_at_odds_are_errors_of_the_command_line() {
    for (options, word) in [
        (&["--epochs", "0"][..], "--epochs"),
        (&["--epochs", "1000001"], "--epochs"),
        (&["--seed", "9223372036854775808"], "--seed"),
        (&["--threads", "0"], "--threads"),
        (&["--dry-run", "--json"], "--json"),
        (&["--quiet", "--json"], "--json"),
        (&["--set", "epochs"], "KEY=VALUE"),
    ] {
        let said = fails(&run(&[&["train", "quick"], options].concat()), 2);
        assert!(said.contains(word), "{options:?}: {said}");
    }
}
