//! Each way in which ranks may come to an end: all end in time, with one message that says which rank, where and why.

use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use tests::{result_digest, stderr, stdout, succeeds, trainer};

use crate::{
    LIMIT, begin, ends, is_open_mpi, launcher, mpirun, program, ranks_of, signal,
    wait_for_checkpoint,
};

/// Longer than all of them take on a busy machine, and far shorter than waiting for a rank that is gone.
const SOON: Duration = Duration::from_secs(30);

/// The lines by which `trainer` says that something is wrong.
fn errors(output: &Output) -> Vec<String> {
    let text = stderr(output);
    let lines = text.lines().filter(|line| line.starts_with("error: "));
    lines.map(str::to_owned).collect()
}

/// Asserts that the ranks did not succeed, that `code` is the exit code, and that there is one error, which has these words.
fn fails(output: &Output, code: i32, words: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    let errors = errors(output);
    assert_eq!(errors.len(), 1, "{}", stderr(output));
    for word in words {
        assert!(errors[0].contains(word), "{word:?} in {errors:?}");
    }
}

#[test]
fn a_wrong_command_line_is_told_once() {
    for (arguments, words) in [
        (&["train", "--nosuch"][..], "unexpected argument '--nosuch'"),
        (&["train", "nosuch"], "no recipe \"nosuch\""),
        (&["train", "stacked", "--set", "batch=0"], "batch"),
        (&["train", "stacked", "--data", "nosuch"], "nosuch"),
        (
            &["sweep", "stacked"],
            "mpirun started 3 processes, expected one",
        ),
    ] {
        let output = ends(begin(&mut mpirun(3, arguments)), SOON);
        assert!(!output.status.success());
        let errors = errors(&output);
        assert_eq!(errors.len(), 1, "{}", stderr(&output));
        assert!(errors[0].contains(words), "{errors:?}");
    }
    let output = ends(begin(&mut mpirun(3, &["--version"])), SOON);
    assert_eq!(succeeds(&output).lines().count(), 1);
}

/// MPICH's launcher drops what it has not read when a rank ends the run: one of ten ends was without a reason.
#[test]
fn the_reason_of_an_end_is_never_lost() {
    for _ in 0..20 {
        let output = ends(begin(&mut mpirun(3, &["train", "nosuch"])), SOON);
        fails(&output, 2, &["no recipe \"nosuch\""]);
    }
}

#[test]
fn a_command_that_every_rank_does_as_a_whole_warns_once() {
    let warnings = |output: &Output| {
        let text = stderr(output);
        text.lines()
            .filter(|line| line.starts_with("warning: "))
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    let show = ["recipes", "show", "stacked"];
    let output = ends(begin(&mut mpirun(3, &show)), SOON);
    let recipe = stdout(trainer().args(show).output().as_ref().unwrap());
    assert_eq!(succeeds(&output).len(), 3 * recipe.len());
    let warnings_of_three = warnings(&output);
    assert_eq!(warnings_of_three.len(), 1, "{warnings_of_three:?}");
    assert!(
        warnings_of_three[0]
            .contains("3 processes, and each of them does the whole of this command"),
        "{warnings_of_three:?}"
    );
    let output = ends(begin(&mut mpirun(1, &show)), SOON);
    assert_eq!(succeeds(&output), recipe);
    assert_eq!(warnings(&output), [""; 0]);
}

#[test]
fn more_ranks_than_a_batch_has_shards_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let recipe = ["train", "stacked", "--set", "batch=4", "--run"];
    let recipe = [&recipe[..], &[run.to_str().unwrap()]].concat();
    let output = ends(begin(&mut mpirun(5, &recipe)), SOON);
    let words = "5 ranks, expected at most 4: a batch of this recipe is divided into 4 shards";
    fails(&output, 2, &[words]);
    assert!(!run.exists());
}

#[test]
fn ranks_that_differ_are_told_apart_before_anything_is_trained() {
    let (data, other) = (tests::small_data(), tests::small_data());
    let images = other.path().join("train-images-idx3-ubyte");
    let mut bytes = std::fs::read(&images).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&images, bytes).unwrap();
    let [data, other] = [&data, &other].map(|folder| folder.path().to_str().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (recipe, run) = (path("small.toml"), path("run"));
    std::fs::write(&recipe, tests::SMALL_RECIPE).unwrap();
    for (second, words) in [
        (["--data", data, "--seed", "2"], "a recipe with the digest"),
        (["--data", other, "--seed", "1"], "images with the digest"),
    ] {
        let own = ["train", &recipe, "--run", &run];
        let mut command = launcher();
        command.args(program(1)).args(own);
        command.args(["--data", data, "--seed", "1", ":"]);
        command.args(program(1)).args(own).args(second);
        let output = ends(begin(&mut command), SOON);
        fails(
            &output,
            1,
            &["rank 1 on ", words, ", and rank 0 on ", " has "],
        );
        assert!(!Path::new(&run).exists(), "{words}");
    }
}

/// What a program meets that was built for Open MPI and is started by MPICH's `mpirun`, or the other way round.
#[test]
fn an_mpirun_of_another_mpi_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    // How one rank is told of itself by the other library's launcher.
    let names = match is_open_mpi() {
        true => ["PMI_RANK", "PMI_SIZE"],
        false => ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
    };
    for rank in ["1", "0"] {
        let mut command = trainer();
        command.args(["train", "stacked", "--run", run.to_str().unwrap()]);
        command.envs(names.into_iter().zip([rank, "2"]));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = ends(begin(&mut command), SOON);
        if rank == "0" {
            let words = ["mpirun started 2 processes, and the MPI library", "MPICC"];
            fails(&output, 1, &words);
        } else {
            assert_eq!(output.status.code(), Some(1));
            assert_eq!(errors(&output), [""; 0], "rank 0 says it");
        }
        assert!(!run.exists());
    }
}

/// On processors of different kinds ranks may compute with different instructions: the bits are the same.
#[cfg(target_arch = "x86_64")]
#[test]
fn ranks_may_have_different_instruction_sets() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (alone, together) = (path("alone"), path("together"));
    let train = |run: &str| ["train", "stacked", "--epochs", "2", "--run", run].map(str::to_owned);
    let _ = succeeds(&trainer().args(train(&alone)).output().unwrap());
    let mut command = launcher();
    command.args(program(1)).args(train(&together));
    command.args([":", "-n", "1"]);
    match is_open_mpi() {
        true => command.args(["-x", "CONV_CORE_SIMD=scalar"]),
        false => command.args(["-env", "CONV_CORE_SIMD", "scalar"]),
    };
    command.args(&program(1)[2..]).args(train(&together));
    let _ = succeeds(&ends(begin(&mut command), LIMIT));
    assert_eq!(
        result_digest(together.as_ref()),
        result_digest(alone.as_ref())
    );
}

/// Three ranks under way, which have written a checkpoint.
fn with_checkpoint(run: &Path, further: &[&str]) -> Child {
    let arguments = ["train", "stacked", "--checkpoint-every", "0"];
    let own = ["--threads", "1", "--run", run.to_str().unwrap()];
    let arguments = [&arguments[..], &own, further].concat();
    let mut child = begin(&mut mpirun(3, &arguments));
    wait_for_checkpoint(run, &mut child);
    child
}

#[test]
fn a_rank_that_is_killed_ends_all_and_leaves_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    for rank in 0..3 {
        let run = folder.path().join(format!("run-{rank}"));
        let child = with_checkpoint(&run, &[]);
        let clock = Instant::now();
        signal("-KILL", ranks_of(&child)[rank]);
        let output = ends(child, SOON);
        assert!(clock.elapsed() < SOON);
        assert!(!output.status.success());
        // The launcher knows of it first: that of MPICH says so on stdout, without the rank.
        let (told, words) = match is_open_mpi() {
            true => (stderr(&output), format!("process rank {rank} with PID")),
            false => (stdout(&output), "EXIT CODE: 9".to_owned()),
        };
        assert!(told.contains(&words), "{output:?}");
        assert!(!run.join("result.json").exists());
    }
}

#[test]
fn a_rank_that_hangs_is_named_and_ends_all() {
    let folder = tempfile::tempdir().unwrap();
    for rank in 0..3 {
        let run = folder.path().join(format!("run-{rank}"));
        let child = with_checkpoint(&run, &["--rank-timeout", "5"]);
        signal("-STOP", ranks_of(&child)[rank]);
        let output = ends(child, SOON);
        let words = format!("rank {rank} on ");
        fails(
            &output,
            1,
            &[&words, " said nothing for 5 s", "--rank-timeout"],
        );
    }
}

#[test]
fn an_error_of_rank_0_alone_ends_all() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::write(run.join("something"), "else").unwrap();
    let arguments = ["train", "stacked", "--run", run.to_str().unwrap()];
    let output = ends(begin(&mut mpirun(3, &arguments)), SOON);
    fails(
        &output,
        1,
        &["rank 0 on ", "is not empty, it holds something"],
    );
}

#[test]
fn numbers_that_diverge_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = ["train", "stacked", "--set", "optimizer.rate=1e30", "--run"];
    let arguments = [&arguments[..], &[run.to_str().unwrap()]].concat();
    let output = ends(begin(&mut mpirun(3, &arguments)), SOON);
    fails(&output, 1, &["rank 0 on ", "infinite or not a number"]);
}

/// After Ctrl-C, Open MPI 4.1 lets this many seconds pass before it sends all ranks SIGTERM, and as many again before SIGKILL.
/// Its usual second is too short for a checkpoint of ranks that share a busy machine. The ranks train on meanwhile, so the run
/// must be longer.
const OPEN_MPI_WAITS: &str = "5";

#[test]
fn ctrl_c_leaves_a_checkpoint_from_which_another_number_of_ranks_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (alone, run) = (path("alone"), path("run"));
    let train = |run: &str| {
        let arguments = [
            "train",
            "stacked",
            "--epochs",
            "60",
            "--threads",
            "1",
            "--run",
            run,
        ];
        arguments.map(str::to_owned)
    };
    let _ = succeeds(&trainer().args(train(&alone)).output().unwrap());
    let mut command = launcher();
    if is_open_mpi() {
        command.args(["--mca", "odls_base_sigkill_timeout", OPEN_MPI_WAITS]);
    }
    command.args(program(3)).args(train(&run));
    command.args(["--checkpoint-every", "0"]);
    let mut child = begin(&mut command);
    wait_for_checkpoint(run.as_ref(), &mut child);
    signal("-INT", child.id());
    let output = ends(child, SOON);
    let text = stderr(&output);
    assert_eq!(text.matches("stopped at ").count(), 1, "{text}");
    assert_eq!(errors(&output), [""; 0]);
    let environment = std::fs::read(Path::new(&run).join("environment.json")).unwrap();
    let environment: serde_json::Value = serde_json::from_slice(&environment).unwrap();
    assert_eq!(environment["ranks"], 3);

    let resume = ["train", "--threads", "1", "--resume", &run];
    let output = ends(begin(&mut mpirun(2, &resume)), LIMIT);
    let _ = succeeds(&output);
    assert!(stderr(&output).contains("going on from the checkpoint"));
    assert_eq!(result_digest(run.as_ref()), result_digest(alone.as_ref()));
    // A run that is finished has nothing more to do, and rank 0 says so.
    let output = ends(begin(&mut mpirun(2, &resume)), SOON);
    let _ = succeeds(&output);
    assert_eq!(stdout(&output).lines().count(), 1, "{}", stdout(&output));
    assert!(stderr(&output).contains("is finished"));
}
