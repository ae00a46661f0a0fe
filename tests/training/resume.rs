//! Runs that were interrupted, killed, or found the disk full, and how they go on.

use std::fs;
use std::io::{BufRead, Read};
use std::process::{Command, Stdio};

use tests::{result_digest, run, small_data, stderr, succeeds, trainer};

use crate::{Place, fails, first_line};

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
        tests::interrupt(&child);
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

#[cfg(unix)]
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
    // What is no file: a pipe that nobody writes into, and a device that never ends.
    for (file, code) in [
        ("checkpoints/latest.safetensors", "cannot read it"),
        ("environment.json", "not a regular file"),
    ] {
        let path = place.path("run").join(file);
        let kept = fs::read(&path).unwrap();
        for target in ["/dev/zero", "a pipe"] {
            fs::remove_file(&path).unwrap();
            if target == "a pipe" {
                assert!(
                    Command::new("mkfifo")
                        .arg(&path)
                        .status()
                        .unwrap()
                        .success()
                );
            } else {
                std::os::unix::fs::symlink(target, &path).unwrap();
            }
            let said = fails(&place.resume("run", &[]), 1);
            assert!(
                said.contains(code) && said.contains(file),
                "{target}: {said}"
            );
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
    let output = run(&["train", "--resume", "x", "--epochs", "3"]);
    assert!(fails(&output, 2).contains("--epochs"));
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
        let mut command = Command::new("sh");
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
    assert!(
        said.contains("cannot write") && said.contains("the checkpoint before is whole"),
        "{said}"
    );
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
