//! What a run leaves in its folder, and whose the folder is.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tests::{result_digest, run, stderr, succeeds, trainer};

use crate::{Place, fails, first_line, json};

/// Long enough to be interrupted.
const LONG: [&str; 4] = ["--epochs", "100000", "--checkpoint-every", "0.05"];

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
        command.args(["train", "stacked", "--run", "/proc/run"]);
        let said = fails(&command.output().unwrap(), 1);
        assert!(said.contains("/proc/run: cannot make it"), "{said}");
    }
}

/// The options of the program are its own: the library's errors do not know them, and the program adds them.
#[test]
fn errors_of_the_library_name_no_options_of_the_program() {
    use trainer::Error;
    use trainer::recipe::{Changes, Recipe};
    use trainer::run::{Contents, RunFolder};

    let place = Place::new();
    let run_folder = place.path("run");
    assert!(place.train("run", &["--epochs", "1"]).status.success());
    let changed = |setting: &str| {
        let changes = Changes {
            set: vec![setting.to_owned()],
            ..Changes::default()
        };
        Recipe::find("stacked", &changes).err()
    };
    let held = RunFolder::open(&run_folder).unwrap();
    let errors = [
        RunFolder::open(&run_folder).err(),
        {
            drop(held);
            RunFolder::create(&run_folder).err()
        },
        RunFolder::open(place.data.path()).err(),
        Contents::read(&place.path("none")).err(),
        Contents::read(place.data.path()).err(),
        Recipe::find("none/recipe.toml", &Changes::default()).err(),
        changed("batch="),
        changed("optimizer.rate=-1"),
    ];
    for (number, error) in errors.into_iter().enumerate() {
        let error: Error = error.unwrap_or_else(|| panic!("{number} is no error"));
        let message = error.to_string();
        assert!(!message.contains("--"), "{message}");
        assert!(!message.contains("`trainer"), "{message}");
    }
}

/// A report or an export of the run may be under way, which needs no lock.
#[test]
fn going_on_removes_only_unfinished_files_that_a_run_writes() {
    let place = Place::new();
    assert!(place.train("run", &["--epochs", "1"]).status.success());
    fs::remove_file(place.path("run/result.json")).unwrap();
    let own = [
        ".result.json.1.partial",
        ".model.safetensors.1.partial",
        "checkpoints/.latest.safetensors.1.partial",
    ];
    let others = [".report.html.1.partial", ".model.onnx.1.partial"];
    for name in own.iter().chain(&others) {
        fs::write(place.path("run").join(name), "").unwrap();
    }
    assert!(place.resume("run", &[]).status.success());
    for name in own {
        assert!(!place.path("run").join(name).exists(), "{name}");
    }
    for name in others {
        assert!(place.path("run").join(name).exists(), "{name}");
    }
}

/// What a shell reads is what was given.
#[test]
#[cfg(unix)]
fn the_command_of_a_run_is_quoted() {
    let place = Place::new();
    let name = "a run's folder";
    let mut command = place.command(name, &["--epochs", "1", "--set", "seed = 7"]);
    assert!(command.status().unwrap().success());
    let environment = json(&place.path(name).join("environment.json"));
    let shell = format!(
        "printf '%s\\n' {}",
        environment["command"].as_str().unwrap()
    );
    let read = std::process::Command::new("sh")
        .args(["-c", &shell])
        .output()
        .unwrap();
    let read = String::from_utf8(read.stdout).unwrap();
    let words: Vec<&str> = read.lines().collect();
    assert!(words.contains(&"seed = 7"), "{read}");
    assert!(
        words.contains(&place.path(name).to_str().unwrap()),
        "{read}"
    );
}

/// A path need not be UTF-8.
#[test]
#[cfg(unix)]
fn a_run_may_have_a_name_of_any_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let place = Place::new();
    let folder = place.folder.path().join(OsStr::from_bytes(b"run\xff"));
    let train = |data: &Path, run: &Path| {
        let mut command = trainer();
        command.args(["train", "--epochs", "1", "--data"]).arg(data);
        command.arg(place.path("small.toml")).arg("--run").arg(run);
        command.output().unwrap()
    };
    let _ = succeeds(&train(place.data.path(), &folder));
    for arguments in [
        &["evaluate"][..],
        &["report"],
        &["export", "--to", "onnx"],
        &["predict", "test:1"],
    ] {
        let (command, rest) = arguments.split_first().unwrap();
        let mut program = trainer();
        let output = program.arg(command).arg(&folder).args(rest).output();
        let _ = succeeds(&output.unwrap());
    }
    fs::remove_file(folder.join("result.json")).unwrap();
    let resumed = trainer().args(["train", "--resume"]).arg(&folder).output();
    let _ = succeeds(&resumed.unwrap());

    // In environment.json a folder of data has to be UTF-8: that is told, and nothing is left behind.
    let data = place.folder.path().join(OsStr::from_bytes(b"data\xff"));
    std::os::unix::fs::symlink(place.data.path(), &data).unwrap();
    let said = fails(&train(&data, &place.path("other")), 1);
    assert!(said.contains("this name is not UTF-8"), "{said}");
    assert!(!place.path("other").exists());
    let model = trainer()
        .arg("evaluate")
        .arg(&folder)
        .arg("--data")
        .arg(&data)
        .output();
    let _ = succeeds(&model.unwrap());
    // Nor is there a panic over other arguments.
    let bytes = OsStr::from_bytes(b"\xff.toml");
    for argument in ["train", "recipes", "completions"] {
        let output = trainer().arg(argument).arg(bytes).output().unwrap();
        let _ = fails(&output, 2);
    }
}

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
