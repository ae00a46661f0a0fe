//! The same seed gives the same bits, whatever the threads and the instruction set.
#![forbid(unsafe_code)]

use std::fs;

use conv_core::simd::Level;
use tests::{digest, root, skipped_on, succeeds, trainer};

/// stdout and the digest of the parameters of a run.
fn bits(args: &[&str], level: Level, threads: usize) -> (String, String) {
    let output = trainer()
        .args(args)
        .args(["--threads", &threads.to_string()])
        .env("CONV_CORE_SIMD", level.to_string())
        .output()
        .unwrap();
    (succeeds(&output), digest(&output))
}

/// Asserts that a run prints and learns what is recorded, on every instruction set and with any number of threads.
fn gives_the_recorded_bits(name: &str, args: &[&str]) {
    let file = root().join(format!("tests/golden/same-bits/{name}.txt"));
    let recorded = fs::read_to_string(&file).unwrap();
    let levels = Level::ALL.iter().copied();
    let (here, absent): (Vec<_>, Vec<_>) = levels.partition(|level| level.is_available());
    skipped_on(&absent);
    for level in here {
        // The slowest level runs once.
        let threads: &[usize] = if level == Level::Scalar {
            &[2]
        } else {
            &[1, 2, 4]
        };
        for &threads in threads {
            let (lines, digest) = bits(args, level, threads);
            assert_eq!(
                format!("{lines}{digest}\n"),
                recorded,
                "{args:?}, {level}, {threads} threads"
            );
        }
    }
}

#[test]
fn the_chapter() {
    gives_the_recorded_bits("book", &["book", "--iterations", "3"]);
}

#[test]
fn more_kernels_of_another_size() {
    let args = "book --iterations 2 --kernels 20 --kernel-size 5";
    let args: Vec<&str> = args.split(' ').collect();
    gives_the_recorded_bits("kernels-20-size-5", &args);
}

#[test]
fn the_maximum_over_kernels_without_faults() {
    let args = "book --iterations 2 --combine max --fix all";
    let args: Vec<&str> = args.split(' ').collect();
    gives_the_recorded_bits("max-fix-all", &args);
}

#[test]
fn the_mean_over_kernels() {
    let args = ["book", "--iterations", "2", "--combine", "mean"];
    gives_the_recorded_bits("mean", &args);
}

#[test]
fn the_dense_network() {
    let args = ["dense", "--iterations", "2", "--print-every", "1"];
    gives_the_recorded_bits("dense", &args);
}

#[test]
fn another_seed_gives_other_bits() {
    let args = |seed| ["book", "--iterations", "1", "--seed", seed];
    let one = bits(&args("1"), Level::best(), 2);
    assert_ne!(bits(&args("2"), Level::best(), 2).1, one.1);
}

/// What the book's run ends with, on any machine.
#[test]
fn the_parameters_after_ten_iterations_are_pinned() {
    let output = tests::run(&["book", "--iterations", "10"]);
    let _ = succeeds(&output);
    assert_eq!(
        digest(&output),
        include_str!("golden/parameters-10.sha256").trim()
    );
}

/// What the library computes on every machine (`crates/conv-core/tests/same_bits`) is what the program computes.
#[test]
fn the_program_has_the_digests_that_are_pinned_for_every_machine() {
    let digests = include_str!("../crates/conv-core/tests/golden/digests.txt");
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| folder.path().join(name).display().to_string();
    let (stacked, quick) = (run("stacked"), run("quick"));
    for (name, arguments) in [
        ("book-3-iterations", &["book", "--iterations", "3"][..]),
        (
            "stacked-2-epochs",
            &["train", "stacked", "--epochs", "2", "--run", &stacked],
        ),
        (
            "quick-20-steps",
            &[
                "train",
                "quick",
                "--epochs",
                "1",
                "--set",
                "data.train_images=1000",
                "--set",
                "batch=50",
                "--run",
                &quick,
            ],
        ),
    ] {
        let output = tests::run(arguments);
        let _ = succeeds(&output);
        let line = format!("{name} {}", digest(&output));
        assert!(digests.lines().any(|pinned| pinned == line), "{line}");
    }
}
