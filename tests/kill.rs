//! A run that is killed at any moment, and goes on to the same bits.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::{SMALL_RECIPE, result_digest, small_data, stderr, trainer};

/// How often it is killed.
const KILLS: u32 = 50;

fn begin(arguments: &[&str]) -> Child {
    let mut command = trainer();
    command.args(arguments).arg("--quiet");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("trainer starts")
}

/// Waits for its end, which must be a good one.
fn ends_well(child: Child) {
    let output = child.wait_with_output().expect("the process ends");
    assert!(output.status.success(), "{}", stderr(&output));
}

/// The lines of metrics without what the clock decides.
fn metrics(run: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).expect("the run has metrics");
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        for key in ["seconds", "images_per_second", "time"] {
            assert!(line.as_object_mut().unwrap().remove(key).is_some(), "{key}");
        }
        line
    };
    text.lines().map(line).collect()
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_to_the_same_bits() {
    let data = small_data();
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("small.toml");
    std::fs::write(&recipe, SMALL_RECIPE).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (recipe, data) = (path("small.toml"), data.path().to_str().unwrap().to_owned());
    let start = |run: &str| {
        // A checkpoint after every step, so that kills fall into their writing too.
        let every = ["--checkpoint-every", "0"];
        begin(
            &[
                &["train", &recipe, "--data", &data, "--run", run],
                &every[..],
            ]
            .concat(),
        )
    };

    let undisturbed = path("undisturbed");
    let clock = Instant::now();
    ends_well(start(&undisturbed));
    let whole = clock.elapsed();
    let (digest, lines) = (
        result_digest(undisturbed.as_ref()),
        metrics(undisturbed.as_ref()),
    );
    assert_eq!(lines.len(), 4);

    let (mut kills, mut runs, mut resumed) = (0, 0, 0);
    let mut random = 1_u64;
    while kills < KILLS {
        runs += 1;
        let run = path(&format!("run-{runs}"));
        let mut child = start(&run);
        loop {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Between nothing and a bit more than half of the time that a whole run takes.
            let part = (random >> 40) as f64 / (1_u64 << 24) as f64;
            sleep(whole.mul_f64(0.6 * part) + Duration::from_millis(1));
            if child.try_wait().unwrap().is_some() || kills == KILLS {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            // Before its recipe is written, a run has not begun.
            child = if Path::new(&run).join("recipe.toml").exists() {
                resumed += 1;
                begin(&["train", "--resume", &run, "--checkpoint-every", "0"])
            } else {
                start(&run)
            };
        }
        ends_well(child);
        assert_eq!(result_digest(run.as_ref()), digest, "run {runs}");
        assert_eq!(metrics(run.as_ref()), lines, "run {runs}");
        let left = std::fs::read_dir(Path::new(&run).join("checkpoints")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        let file = |run: &str, name: &str| std::fs::read(Path::new(run).join(name)).unwrap();
        for name in ["model.safetensors", "checkpoints/best.safetensors"] {
            assert!(
                file(&run, name) == file(&undisturbed, name),
                "run {runs}: {name}"
            );
        }
    }
    // The kills met runs under way, not only their beginnings and ends.
    assert!(
        resumed > KILLS / 4,
        "{resumed} of {kills} kills met a run under way"
    );
}
