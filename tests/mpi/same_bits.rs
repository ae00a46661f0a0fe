//! The digests of one process, by any number of ranks and threads.

use tests::{result_digest, succeeds, trainer};

use crate::{LIMIT, begin, ends, mpirun};

/// Trains a recipe on the built-in images alone and by 1 to 8 ranks of 1 and 2 threads.
fn every_number_of_ranks_finds_the_digest_of_one_process(recipe: &str, changes: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let train = |run: &str, threads: &str| {
        let run = folder.path().join(run).to_str().unwrap().to_owned();
        let own = ["train", recipe, "--threads", threads, "--run", &run];
        let own = own.iter().chain(changes).map(|&text| text.to_owned());
        own.collect::<Vec<String>>()
    };
    let alone = trainer().args(train("alone", "2")).output().unwrap();
    let _ = succeeds(&alone);
    let digest = result_digest(&folder.path().join("alone"));
    for ranks in [1, 2, 3, 4, 8] {
        for threads in ["1", "2"] {
            let name = format!("{ranks}-{threads}");
            let arguments = train(&name, threads);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let output = ends(begin(&mut mpirun(ranks, &arguments)), LIMIT);
            let _ = succeeds(&output);
            let found = result_digest(&folder.path().join(&name));
            assert_eq!(found, digest, "{ranks} ranks of {threads} threads");
        }
    }
}

#[test]
fn stacked() {
    // All of its 1,200 steps.
    every_number_of_ranks_finds_the_digest_of_one_process("stacked", &[]);
}

#[test]
fn a_thousand_steps_of_quick() {
    let changes = ["--set", "data.train_images=1000", "--epochs", "125"];
    every_number_of_ranks_finds_the_digest_of_one_process("quick", &changes);
}

#[test]
fn fifty_steps_of_best() {
    let changes = ["--set", "data.train_images=1000", "--epochs", "5"];
    every_number_of_ranks_finds_the_digest_of_one_process("best", &changes);
}
