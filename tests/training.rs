//! `trainer train` from outside: what a run leaves behind, and what it does when something is wrong.
#![forbid(unsafe_code)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use serde_json::Value;
use tests::{SMALL_RECIPE, result_digest, run, small_data, stderr, stdout, succeeds, trainer};

/// A small data set and a recipe for it, in temporary folders.
struct Place {
    data: tempfile::TempDir,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("small.toml"), SMALL_RECIPE).unwrap();
        Self {
            data: small_data(),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Trains by the recipe in the folder of this name.
    fn train(&self, name: &str, further: &[&str]) -> Output {
        self.command(name, further).output().unwrap()
    }

    fn command(&self, name: &str, further: &[&str]) -> std::process::Command {
        let mut command = trainer();
        command.arg("train").arg(self.path("small.toml"));
        command.arg("--data").arg(self.data.path());
        command.arg("--run").arg(self.path(name)).args(further);
        command
    }

    fn resume(&self, name: &str, further: &[&str]) -> Output {
        let mut command = trainer();
        command.args(["train", "--resume"]).arg(self.path(name));
        command.args(further).output().unwrap()
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Asserts that it failed with this exit code, and gives what stderr says.
fn fails(output: &Output, code: i32) -> String {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn a_run_leaves_everything_that_it_takes_to_understand_and_repeat_it() {
    let place = Place::new();
    let output = place.train("first", &["--set", "stop.patience=100"]);
    let lines = succeeds(&output);
    let folder = place.path("first");
    let name = folder.to_str().unwrap();
    assert_eq!(lines.lines().count(), 5, "{lines}");
    assert!(lines.starts_with("epoch 1/4  loss "), "{lines}");
    assert!(lines.contains("  validation loss "), "{lines}");
    assert!(
        lines.contains("test accuracy ") && lines.contains(" on 50 images"),
        "{lines}"
    );
    let said = stderr(&output);
    assert!(said.contains(&format!("run folder: {name}")), "{said}");
    assert!(
        said.contains("SHA-256 of the parameters: ") && !said.contains('\u{1b}'),
        "{said}"
    );

    let metrics = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let epochs: Vec<Value> = metrics
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(epochs.len(), 4);
    for (number, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch["epoch"], number as u64 + 1);
        assert_eq!(epoch["step"], 5 * (number as u64 + 1));
        // 200, of which about a quarter of each class validates.
        let images = epoch["images"].as_u64().unwrap();
        assert!((140..=156).contains(&images), "{images}");
        for key in [
            "loss",
            "accuracy",
            "validation_loss",
            "validation_accuracy",
            "rate",
            "seconds",
        ] {
            assert!(epoch[key].as_f64().unwrap().is_finite(), "{key}");
        }
        for key in ["batches", "steps", "validation", "checkpoint"] {
            assert!(epoch["time"][key].as_f64().unwrap() >= 0.0, "{key}");
        }
    }
    // Along the one cycle the rate of the last step is next to nothing.
    assert!(epochs[3]["rate"].as_f64().unwrap() < 1e-6);

    let result = json(&folder.join("result.json"));
    assert_eq!(
        (&result["epochs"], &result["steps"]),
        (&4.into(), &20.into())
    );
    assert_eq!(result["stopped"], "finished");
    assert_eq!(result["digest"].as_str().unwrap().len(), 64);
    let environment = json(&folder.join("environment.json"));
    for key in [
        "version",
        "cpu",
        "instruction_set",
        "os",
        "command",
        "started",
    ] {
        assert!(!environment[key].as_str().unwrap().is_empty(), "{key}");
    }
    assert_eq!(environment["data"].as_array().unwrap().len(), 4);
    assert_eq!(environment["data"][0]["sha256"].as_str().unwrap().len(), 64);

    // The resolved recipe repeats it, on any number of threads.
    let again = place.path("again");
    let mut command = trainer();
    command.arg("train").arg(folder.join("recipe.toml"));
    command
        .arg("--data")
        .arg(place.data.path())
        .arg("--run")
        .arg(&again);
    let output = command
        .args(["--threads", "5", "--quiet"])
        .output()
        .unwrap();
    assert_eq!(succeeds(&output).lines().count(), 1);
    assert_eq!(stderr(&output), "");
    assert_eq!(result_digest(&again), result_digest(&folder));
    assert_eq!(
        fs::read_to_string(again.join("recipe.toml")).unwrap(),
        fs::read_to_string(folder.join("recipe.toml")).unwrap()
    );
    // The model is one that other commands take.
    let data = place.data.path().to_str().unwrap();
    let report = succeeds(&run(&["evaluate", name, "--data", data, "--json"]));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["accuracy"], result["test_accuracy"]);
    let best = folder.join("checkpoints/best.safetensors");
    assert!(
        run(&["evaluate", best.to_str().unwrap(), "--data", data])
            .status
            .success()
    );
}

#[test]
fn json_is_a_line_an_epoch_and_the_result() {
    let place = Place::new();
    let output = place.train("run", &["--json"]);
    let lines = succeeds(&output);
    assert_eq!(stderr(&output), "");
    let metrics = fs::read_to_string(place.path("run/metrics.jsonl")).unwrap();
    let result = fs::read_to_string(place.path("run/result.json")).unwrap();
    assert_eq!(lines, format!("{metrics}{result}"));
    let both = place.train("other", &["--json", "--quiet"]);
    assert!(fails(&both, 2).contains("--quiet"));
}

#[test]
fn a_default_folder_is_named_after_the_recipe_and_numbered() {
    let place = Place::new();
    for name in ["runs/small", "runs/small-2", "runs/small-3"] {
        let mut command = trainer();
        command
            .current_dir(place.folder.path())
            .args(["train", "small.toml", "--epochs", "1"]);
        let output = command
            .arg("--data")
            .arg(place.data.path())
            .output()
            .unwrap();
        assert!(
            stderr(&output).contains(&format!("run folder: {name}\n")),
            "{}",
            stderr(&output)
        );
        assert!(place.path(name).join("result.json").exists());
    }
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let place = Place::new();
    assert!(place.train("run", &["--epochs", "1"]).status.success());
    let digest = result_digest(&place.path("run"));
    let said = fails(&place.train("run", &[]), 1);
    assert!(
        said.contains("holds a run already") && said.contains("--resume"),
        "{said}"
    );
    assert_eq!(result_digest(&place.path("run")), digest);

    fs::create_dir(place.path("mine")).unwrap();
    fs::write(place.path("mine/letter.txt"), "dear").unwrap();
    let said = fails(&place.train("mine", &[]), 1);
    assert!(said.contains("it holds letter.txt"), "{said}");
    let said = fails(&place.resume("mine", &[]), 1);
    assert!(said.contains("no run began here"), "{said}");
    assert!(fails(&place.resume("nowhere", &[]), 1).contains("found no folder"));
    assert_eq!(
        fs::read_to_string(place.path("mine/letter.txt")).unwrap(),
        "dear"
    );

    fs::write(place.path("file"), "").unwrap();
    assert!(fails(&place.train("file", &[]), 1).contains("cannot make it"));
    if cfg!(target_os = "linux") {
        // A folder in which nobody can write, not even root.
        let mut command = trainer();
        command.args(["train", "quick", "--run", "/proc/run"]);
        let said = fails(&command.output().unwrap(), 1);
        assert!(said.contains("/proc/run: cannot make it"), "{said}");
    }
}

/// Waits until a line came out, so that the run is under way.
fn first_line(child: &mut Child) -> BufReader<std::process::ChildStdout> {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("epoch "), "{line}");
    lines
}

/// Long enough to be interrupted.
const LONG: [&str; 4] = ["--epochs", "100000", "--checkpoint-every", "0.05"];

#[test]
fn another_process_may_not_use_the_folder_of_a_run_under_way() {
    let place = Place::new();
    let mut command = place.command("run", &LONG);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = first_line(&mut child);
    let said = fails(&place.resume("run", &[]), 1);
    assert!(
        said.contains(&format!("another process ({}) trains here", child.id())),
        "{said}"
    );
    let said = fails(&place.train("run", &[]), 1);
    assert!(said.contains("trains here"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lines);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on() {
    let place = Place::new();
    // Undisturbed, and then interrupted twice.
    let epochs = ["--epochs", "60"];
    assert!(place.train("whole", &epochs).status.success());
    let mut interrupted = 0;
    let mut command = place.command("run", &epochs);
    loop {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = first_line(&mut child);
        let kill = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            break;
        }
        let said = fails(&output, 130);
        let run = place.path("run");
        let way = format!("go on with `trainer train --resume {}`", run.display());
        assert!(said.contains(&way), "{said}");
        assert!(
            run.join("checkpoints/latest.safetensors").exists()
                && !run.join("result.json").exists()
        );
        interrupted += 1;
        if interrupted == 2 {
            break;
        }
        command = trainer();
        command.args(["train", "--resume"]).arg(&run);
    }
    assert!(interrupted > 0, "it ended before the signal came");
    assert!(place.resume("run", &["--threads", "3"]).status.success());
    assert_eq!(
        result_digest(&place.path("run")),
        result_digest(&place.path("whole"))
    );
    // Once more there is nothing to do.
    let output = place.resume("run", &[]);
    assert!(
        stderr(&output).contains("is finished"),
        "{}",
        stderr(&output)
    );
    assert_eq!(
        succeeds(&output),
        fs::read_to_string(place.path("run/result.json")).unwrap()
    );
}

/// A run that was killed in its middle.
fn killed(place: &Place, name: &str) {
    let mut command = place.command(name, &["--epochs", "5000", "--checkpoint-every", "0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let lines = first_line(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lines);
    assert!(
        place
            .path(name)
            .join("checkpoints/latest.safetensors")
            .exists()
    );
}

#[test]
fn a_run_goes_on_with_its_own_recipe_and_its_own_images_alone() {
    let place = Place::new();
    killed(&place, "run");
    let recipe = place.path("run/recipe.toml");
    let text = fs::read_to_string(&recipe).unwrap();
    fs::write(&recipe, text.replace("rate = 0.01", "rate = 0.02")).unwrap();
    let said = fails(&place.resume("run", &[]), 1);
    assert!(
        said.contains("was made with another recipe than recipe.toml"),
        "{said}"
    );
    fs::write(&recipe, &text).unwrap();

    let other = small_data();
    let labels = other.path().join("train-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    bytes[8] = (bytes[8] + 1) % 10;
    fs::write(&labels, bytes).unwrap();
    let said = fails(
        &place.resume("run", &["--data", other.path().to_str().unwrap()]),
        1,
    );
    assert!(said.contains("was made with other images"), "{said}");

    let latest = place.path("run/checkpoints/latest.safetensors");
    let good = fs::read(&latest).unwrap();
    for (bytes, words) in [
        (good[..good.len() / 2].to_vec(), "no checkpoint: "),
        (Vec::new(), "no checkpoint: "),
        (
            [&good[..good.len() - 1], b"\x01"].concat(),
            "the checkpoint is damaged",
        ),
    ] {
        fs::write(&latest, bytes).unwrap();
        let said = fails(&place.resume("run", &[]), 1);
        assert!(
            said.contains(words) && said.contains("latest.safetensors"),
            "{said}"
        );
    }
    let output = run(&["train", "--resume", "x", "--epochs", "3"]);
    assert!(fails(&output, 2).contains("--epochs"));
}

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
    assert!(!place.path("run/result.json").exists());
}

/// Where no byte more can be written, the error names the file, and what was kept before is whole.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_leaves_the_last_checkpoint_whole() {
    let place = Place::new();
    let epochs = ["--epochs", "5000", "--checkpoint-every", "0"];
    killed(&place, "run");
    let latest = place.path("run/checkpoints/latest.safetensors");
    // Lines of metrics that find the disk full.
    let metrics = place.path("run/metrics.jsonl");
    let kept = fs::read(&metrics).unwrap();
    fs::remove_file(&metrics).unwrap();
    std::os::unix::fs::symlink("/dev/full", &metrics).unwrap();
    let said = fails(&place.resume("run", &["--checkpoint-every", "0"]), 1);
    assert!(
        said.contains("metrics.jsonl: cannot write it: ") && said.contains("free some space"),
        "{said}"
    );
    fs::remove_file(&metrics).unwrap();
    fs::write(&metrics, &kept).unwrap();
    let before = fs::read(&latest).unwrap();

    // A limit to the size of files stands for a disk without room for a checkpoint: the shell ignores the signal.
    let limited = |blocks: u64| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &script, "sh"])
            .arg(trainer().get_program());
        command
            .args(["train", "--resume"])
            .arg(place.path("run"))
            .arg("--checkpoint-every=0");
        command.output().unwrap()
    };
    let said = fails(&limited(0), 1);
    assert!(said.contains("cannot write"), "{said}");
    assert!(
        fs::read(&latest).unwrap() == before,
        "the checkpoint has changed"
    );
    let left = fs::read_dir(place.path("run/checkpoints")).unwrap().count();
    assert!(left <= 2, "{left} files");

    // With room again it goes on, to an end that the test does not wait for.
    let mut command = trainer();
    command
        .args(["train", "--resume"])
        .arg(place.path("run"))
        .args(&epochs[2..]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = first_line(&mut child);
    // A checkpoint stands between the first line and the second.
    lines.read_line(&mut String::new()).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lines);
    assert!(fs::read(&latest).unwrap() != before, "it has not gone on");
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
        said.contains("60000 training images are wanted, and 1,000 embedded"),
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
        said.contains("wants 60000 training images, found 200"),
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
