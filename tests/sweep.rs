//! `trainer sweep` from outside: ordinary runs in one folder, which go on, and a table at the end.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::{SMALL_RECIPE, result_digest, small_data, stderr, stdout, succeeds, trainer};

/// A small data set, and a recipe for it in the folder in which the sweeps are.
struct Place {
    data: tempfile::TempDir,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("small.toml"), SMALL_RECIPE).unwrap();
        let data = small_data();
        Self { data, folder }
    }

    fn command(&self, name: &str, further: &[&str]) -> Command {
        let mut command = trainer();
        command.current_dir(self.folder.path());
        command
            .args([name, "small.toml", "--data"])
            .arg(self.data.path());
        command.args(further);
        command
    }

    fn sweep(&self, further: &[&str]) -> Output {
        self.command("sweep", further).output().unwrap()
    }

    fn run(&self, name: &str) -> PathBuf {
        self.folder.path().join("sweeps/small").join(name)
    }
}

const RATES: [&str; 4] = ["--set", "optimizer.rate=0.005,0.02", "--seeds", "1..2"];

fn names() -> [&'static str; 4] {
    [
        "optimizer.rate=0.005_seed=1",
        "optimizer.rate=0.005_seed=2",
        "optimizer.rate=0.02_seed=1",
        "optimizer.rate=0.02_seed=2",
    ]
}

/// When a run's result was written.
fn written(run: &Path) -> std::time::SystemTime {
    let result = fs::metadata(run.join("result.json")).unwrap();
    result.modified().unwrap()
}

#[test]
fn a_sweep_is_ordinary_runs_a_table_and_a_page() {
    let place = Place::new();
    let output = place.sweep(&[&RATES[..], &["--jobs", "2"]].concat());
    let table = succeeds(&output);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    for head in [
        "optimizer.rate",
        "runs",
        "validation accuracy",
        "test accuracy",
        "seconds",
    ] {
        assert!(lines[0].contains(head), "{table}");
    }
    assert!(
        lines[1].starts_with("0.005 ") && lines[2].starts_with("0.02 "),
        "{table}"
    );
    let text = stderr(&output);
    assert!(text.contains("4 of 4: optimizer.rate="), "{text}");
    assert!(
        text.contains("best by the mean validation accuracy: optimizer.rate=0.0"),
        "{text}"
    );
    let page = fs::read_to_string(place.folder.path().join("sweeps/small/report.html")).unwrap();
    assert!(page.contains("A sweep of small") && page.contains("2 settings, 4 finished runs"));

    // The same run by `train` alone.
    let alone = [
        "--set",
        "optimizer.rate=0.02",
        "--seed",
        "2",
        "--run",
        "alone",
    ];
    let _ = succeeds(&place.command("train", &alone).output().unwrap());
    let digest = result_digest(&place.folder.path().join("alone"));
    assert_eq!(result_digest(&place.run(names()[3])), digest);
    assert_ne!(result_digest(&place.run(names()[1])), digest);

    // Once more: nothing is trained. With another value: that alone is.
    let before = names().map(|name| written(&place.run(name)));
    let again = place.sweep(&RATES);
    assert_eq!(succeeds(&again), table);
    assert!(stderr(&again).starts_with("4 of 4 runs are finished already\n"));
    let more = ["--set", "optimizer.rate=0.005,0.01,0.02", "--seeds", "1..2"];
    assert_eq!(succeeds(&place.sweep(&more)).lines().count(), 4);
    assert_eq!(names().map(|name| written(&place.run(name))), before);
}

#[cfg(unix)]
#[test]
fn the_commands_of_a_sweep_are_whole_in_themselves() {
    let place = Place::new();
    let print = [&RATES[..], &["--threads", "1", "--print-jobs"]].concat();
    let commands = succeeds(&place.sweep(&print));
    assert_eq!(commands.lines().count(), 4, "{commands}");
    assert!(
        !place.folder.path().join("sweeps").exists(),
        "nothing is written"
    );
    let shell = |line: &str| {
        let mut shell = Command::new("sh");
        shell.current_dir(place.folder.path()).args(["-c", line]);
        shell.output().unwrap()
    };
    for line in commands.lines().take(3) {
        assert!(
            line.contains(" train small.toml --set optimizer.rate=0.0"),
            "{line}"
        );
        let _ = succeeds(&shell(line));
    }
    // One of them was stopped before its end: what is left goes on with it.
    fs::remove_file(place.run(names()[1]).join("result.json")).unwrap();
    let rest = succeeds(&place.sweep(&print));
    let lines: Vec<&str> = rest.lines().collect();
    assert_eq!(lines.len(), 2, "{rest}");
    assert!(
        lines[0].contains("train --resume sweeps/small/optimizer.rate=0.005_seed=2"),
        "{rest}"
    );
    for line in lines {
        let _ = succeeds(&shell(line));
    }
    let nothing = place.sweep(&print);
    assert_eq!(succeeds(&nothing), "");
    assert!(
        stderr(&nothing).contains("all runs are finished"),
        "{}",
        stderr(&nothing)
    );
    assert_eq!(succeeds(&place.sweep(&RATES)).lines().count(), 3);
}

#[test]
fn a_run_that_fails_does_not_end_the_others() {
    let place = Place::new();
    let output = place.sweep(&["--set", "optimizer.rate=1e30,0.01"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("failed:\nerror: epoch 1, step "), "{text}");
    assert!(
        text.contains("error: 1 run failed; the others are kept"),
        "{text}"
    );
    let table = stdout(&output);
    assert!(table.contains("\n1e30            0 of 1  -"), "{table}");
    assert!(table.contains("\n0.01            1 "), "{table}");
}

#[test]
fn what_is_wrong_is_told_before_anything_is_trained() {
    let place = Place::new();
    for (arguments, words) in [
        (&["--set", "optimizer.rate"][..], "there is no ="),
        (&["--set", "optimizer.nosuch=1,2"], "nosuch"),
        (&["--set", "optimizer.rate=0.1,fast"], "fast"),
        (&["--seeds", "5..1"], "5..1 runs backwards"),
        (&["--seeds", ""], "there are none"),
        (&["--set", "seed=1,2"], "--seeds"),
        (&["--jobs", "0"], "a whole number above 0"),
    ] {
        let output = place.sweep(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(
            stderr(&output).contains(words),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            !place.folder.path().join("sweeps").exists(),
            "{arguments:?}"
        );
    }
    let one = ["--set", "epochs=1", "--seeds", "1"];
    let _ = succeeds(&place.sweep(&one));
    let changed = SMALL_RECIPE.replace("batch = 30", "batch = 25");
    fs::write(place.folder.path().join("small.toml"), changed).unwrap();
    let output = place.sweep(&one);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(
        text.contains("epochs=1_seed=1 holds a run of another recipe"),
        "{text}"
    );
    assert!(text.contains("--folder"), "{text}");
}

#[test]
fn a_damaged_result_is_told_and_the_run_can_be_finished_again() {
    let place = Place::new();
    let _ = succeeds(&place.sweep(&RATES));
    let run = place.run(names()[1]);
    let digest = result_digest(&run);
    let result = run.join("result.json");
    fs::write(&result, "{\"test_loss\":2.1").unwrap();
    let resume = [
        "train",
        "--resume",
        "sweeps/small/optimizer.rate=0.005_seed=2",
    ];
    let mut train = trainer();
    train.current_dir(place.folder.path()).args(resume);
    for output in [place.sweep(&RATES), train.output().unwrap()] {
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        let text = stderr(&output);
        let words = "optimizer.rate=0.005_seed=2/result.json: this is not the result of a run: ";
        assert!(
            text.contains(words) && text.contains("remove the file"),
            "{text}"
        );
    }
    fs::remove_file(&result).unwrap();
    assert_eq!(succeeds(&place.sweep(&RATES)).lines().count(), 3);
    assert_eq!(result_digest(&run), digest);
}

#[test]
fn a_folder_has_the_runs_of_one_recipe() {
    let place = Place::new();
    let file = |name: &str| place.folder.path().join(name);
    let sweep = |recipe: &str, further: &[&str]| {
        let mut command = trainer();
        command.current_dir(place.folder.path());
        command.args(["sweep", recipe, "--folder", "both", "--data"]);
        command.arg(place.data.path()).args(further);
        command.output().unwrap()
    };
    let rate = ["--set", "optimizer.rate=0.02", "--seeds", "1"];
    let _ = succeeds(&sweep("small.toml", &rate));
    let page = fs::read(file("both/report.html")).unwrap();

    // Another recipe, whose runs have other names; and the same one for other epochs.
    let other = SMALL_RECIPE.replace("batch = 30", "batch = 25");
    fs::write(file("other.toml"), other).unwrap();
    for (recipe, further, differ) in [
        ("other.toml", &["--seeds", "2"][..], "in batch"),
        ("other.toml", &["--seeds", "2", "--print-jobs"], "in batch"),
        (
            "small.toml",
            &["--seeds", "2", "--epochs", "2"],
            "in epochs",
        ),
    ] {
        let output = sweep(recipe, further);
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        let text = stderr(&output);
        for words in [
            "both/optimizer.rate=0.02_seed=1 holds a run of another recipe than ",
            recipe,
            differ,
            "--folder",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
    assert!(!file("both/seed=2").exists());
    assert_eq!(fs::read(file("both/report.html")).unwrap(), page);

    // What the runs there set themselves may have changed in the recipe, and ordinary runs stand beside them. The table is
    // of the combinations that are asked for, and says that there are more.
    let changed = SMALL_RECIPE.replace("type = \"adamw\"", "type = \"sgd\"");
    assert_ne!(changed, SMALL_RECIPE);
    fs::write(file("small.toml"), changed).unwrap();
    let train = ["train", "other.toml", "--run", "both/other", "--data"];
    let mut train_other = trainer();
    train_other.current_dir(place.folder.path()).args(train);
    let _ = succeeds(&train_other.arg(place.data.path()).output().unwrap());
    let output = sweep("small.toml", &["--set", "optimizer.rate=0.005"]);
    assert_eq!(succeeds(&output).lines().count(), 2);
    let words = "1 other finished run in both, optimizer.rate=0.02_seed=1, is not in the table";
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
    let page = fs::read_to_string(file("both/report.html")).unwrap();
    assert!(page.contains("1 other finished run"), "{page}");
}

#[test]
fn images_that_are_not_there_are_told_once_and_others_than_before_too() {
    let place = Place::new();
    let first = place.sweep(&["--seeds", "1"]);
    let _ = succeeds(&first);
    let text = stderr(&first);
    assert!(
        text.starts_with("training 1 run in sweeps/small, 1 at a time, each on "),
        "{text}"
    );

    let images = place.data.path().join("train-images-idx3-ubyte");
    let mut bytes = fs::read(&images).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&images, bytes).unwrap();
    let output = place.sweep(&["--seeds", "1..2"]);
    assert_eq!(succeeds(&output).lines().count(), 2);
    let text = stderr(&output);
    let words = "other files of the data set than this command finds: 1 of them, seed=1 the first";
    assert!(text.contains(words), "{text}");

    fs::remove_file(images).unwrap();
    let output = place.sweep(&["--seeds", "3..4"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    let errors = text.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{text}");
    assert!(text.contains("train-images"), "{text}");
    assert!(!place.run("seed=3").exists());
}

#[test]
fn each_data_set_of_a_sweep_is_looked_for_before_anything_is_trained() {
    let place = Place::new();
    let own = SMALL_RECIPE.replace("[data]", "[data]\ntrain_images = 300");
    assert_ne!(own, SMALL_RECIPE);
    fs::write(place.folder.path().join("small.toml"), own).unwrap();
    let mut command = trainer();
    command.current_dir(place.folder.path());
    // MNIST's first images are built in; the others would have been downloaded into a folder that is empty here.
    command.env("MNIST_DATA_DIR", place.folder.path());
    let datasets = "data.dataset='mnist','kmnist'";
    let output = command
        .args(["sweep", "small.toml", "--set", datasets])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let text = stderr(&output);
    assert!(
        text.starts_with("error: ") && text.contains("kmnist"),
        "{text}"
    );
    assert!(!place.folder.path().join("sweeps").exists());
}

/// The terminal sends Ctrl-C to the sweep and its runs alike.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_sweep_that_goes_on() {
    use std::os::unix::process::CommandExt as _;

    let place = Place::new();
    let mut command = place.command("sweep", &["--epochs", "300", "--seeds", "1..3"]);
    let child = command
        .process_group(0)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let first = place.run("seed=1");
    while !first.join("metrics.jsonl").exists() {
        assert!(start.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(5));
    }
    let group = format!("-{}", child.id());
    let kill = Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("stopped; the same command goes on"));
    assert!(first.join("checkpoints/latest.safetensors").exists());
    assert!(!first.join("result.json").exists());
    assert!(!place.run("seed=2").exists());
    let print = ["--epochs", "300", "--seeds", "1..3", "--print-jobs"];
    let left = succeeds(&place.sweep(&print));
    assert_eq!(left.lines().count(), 3, "{left}");
    assert!(
        left.lines()
            .next()
            .unwrap()
            .contains("train --resume sweeps/small/seed=1"),
        "{left}"
    );
}
