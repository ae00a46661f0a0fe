//! Ranks that are killed at any moment, and runs that go on with another number of ranks to the same bits.

use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::{SMALL_RECIPE, result_digest, small_data, succeeds, trainer};

use crate::{LIMIT, begin, ends, mpirun, ranks_of, signal};

/// How often a rank is killed.
const KILLS: usize = 20;
/// A checkpoint after every step, so that kills fall into their writing too.
const EVERY_STEP: [&str; 5] = ["--checkpoint-every", "0", "--threads", "1", "--quiet"];

/// Ranks that have all been started.
fn started(ranks: usize, arguments: &[&str]) -> Child {
    let clock = Instant::now();
    let mut child = begin(&mut mpirun(ranks, arguments));
    while ranks_of(&child).len() < ranks && child.try_wait().unwrap().is_none() {
        assert!(clock.elapsed() < LIMIT);
        sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_run_whose_ranks_are_killed_goes_on_with_others_to_the_same_bits() {
    let data = small_data();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (recipe, data) = (path("small.toml"), data.path().to_str().unwrap().to_owned());
    std::fs::write(&recipe, SMALL_RECIPE).unwrap();
    let start = |run: &str| {
        let own = [
            "train", &recipe, "--data", &data, "--epochs", "40", "--run", run,
        ];
        own.map(str::to_owned).to_vec()
    };
    let undisturbed = path("undisturbed");
    let output = trainer().args(start(&undisturbed)).output().unwrap();
    let _ = succeeds(&output);
    let digest = result_digest(undisturbed.as_ref());

    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    // How long it takes three ranks, from the start of the last one on.
    let whole = path("whole");
    let arguments = [&start(&whole)[..], &EVERY_STEP.map(str::to_owned)].concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let child = started(3, &arguments);
    let clock = Instant::now();
    let _ = succeeds(&ends(child, LIMIT));
    let whole = clock.elapsed().as_millis() as usize;
    let (mut kills, mut runs, mut under_way) = (0, 0, 0);
    while kills < KILLS {
        runs += 1;
        let run = path(&format!("run-{runs}"));
        loop {
            let begun = Path::new(&run).join("recipe.toml").exists();
            let mut arguments = match begun {
                true => vec!["train".to_owned(), "--resume".to_owned(), run.clone()],
                false => start(&run),
            };
            arguments.extend(EVERY_STEP.map(str::to_owned));
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let ranks = 2 + next(3);
            let mut child = started(ranks, &arguments);
            if kills < KILLS {
                // Between nothing and more than half of the time that a whole run takes.
                sleep(Duration::from_millis(next(whole * 6 / 10) as u64));
                let all = ranks_of(&child);
                if child.try_wait().unwrap().is_none() && all.len() == ranks {
                    let latest = Path::new(&run).join("checkpoints/latest.safetensors");
                    under_way += usize::from(latest.exists());
                    signal("-KILL", all[next(ranks)]);
                    kills += 1;
                }
            }
            let output = ends(child, LIMIT);
            if output.status.success() {
                break;
            }
        }
        assert_eq!(result_digest(run.as_ref()), digest, "run {runs}");
    }
    // The kills met runs under way, not only their beginnings and ends.
    assert!(under_way > KILLS / 2, "{under_way} of {kills}");
}
