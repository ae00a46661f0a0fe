//! Systems that allow few threads: `ulimit -u` of a shared host, the limit of a container.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tests::{result_digest, small_model, stderr, stdout, succeeds, trainer};

/// The program as a user who may have so many threads in all. The limit counts for nobody who is root, so root becomes
/// another user; of anybody else the threads that they have already are more than the limit.
struct Limited {
    folder: tempfile::TempDir,
}

impl Limited {
    /// None, with a word, where there is no way to try it.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("trainer");
        fs::copy(trainer().get_program(), program).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let limited = Self { folder };
        // One thread is the program's own: a shell that wants another process does not get it.
        let tried = limited
            .command(1, Path::new("sh"))
            .args(["-c", "true & wait $!"])
            .output();
        if tried.is_ok_and(|output| !output.status.success()) {
            return Some(limited);
        }
        tests::skipped(
            "threads cannot be limited here, which takes prlimit and, for root, setpriv",
        );
        None
    }

    fn command(&self, threads: usize, program: &Path) -> Command {
        let limit = format!("--nproc={threads}");
        let root = fs::metadata("/proc/self").is_ok_and(|own| {
            use std::os::unix::fs::MetadataExt as _;
            own.uid() == 0
        });
        let mut command = Command::new(if root { "setpriv" } else { "prlimit" });
        if root {
            command.args([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "prlimit",
            ]);
        }
        command
            .arg(limit)
            .arg(program)
            .current_dir(self.folder.path());
        command
    }

    fn run(&self, threads: usize, arguments: &[&str]) -> Output {
        let program = self.folder.path().join("trainer");
        let mut command = self.command(threads, &program);
        command.args(arguments).output().unwrap()
    }
}

/// The same output as without a limit, from the program's own thread.
#[test]
fn without_threads_to_start_every_command_computes_on_its_own() {
    let Some(limited) = Limited::new() else {
        return;
    };
    let folder = limited.folder.path();
    fs::write(folder.join("model.safetensors"), small_model()).unwrap();
    for arguments in [
        &["evaluate", "model.safetensors"][..],
        &["predict", "model.safetensors", "test:1"],
        &[
            "export",
            "model.safetensors",
            "--to",
            "onnx",
            "--output",
            "-",
        ],
        &["book", "--iterations", "1"],
        &["train", "stacked", "--dry-run"],
    ] {
        let output = limited.run(1, arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        let said = stderr(&output);
        assert!(
            said.contains("warning: cannot start "),
            "{arguments:?}: {said}"
        );
        assert!(
            said.contains("with the same results"),
            "{arguments:?}: {said}"
        );
        if !arguments.contains(&"--dry-run") {
            let free = trainer()
                .args(arguments)
                .current_dir(folder)
                .output()
                .unwrap();
            assert_eq!(output.stdout, free.stdout, "{arguments:?}");
        }
    }
}

/// As many as there may be, and the same bits; nor does a limit leave half a run behind.
#[test]
fn a_run_on_fewer_threads_than_wanted_has_the_same_bits() {
    let Some(limited) = Limited::new() else {
        return;
    };
    let train = [
        "train",
        "stacked",
        "--epochs",
        "1",
        "-q",
        "--set",
        "data.train_images=100",
        "--run",
    ];
    let free = limited.folder.path().join("free");
    let output = trainer().args(train).arg(&free).output().unwrap();
    let line = succeeds(&output);
    for (threads, further) in [(1, "4"), (1, "1"), (2, "1"), (3, "8")] {
        let name = format!("run-{threads}-{further}");
        let output = limited.run(
            threads,
            &[&train[..], &[&name, "--threads", further]].concat(),
        );
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        assert_eq!(stdout(&output), line, "{name}");
        let run = limited.folder.path().join(&name);
        assert_eq!(result_digest(&run), result_digest(&free), "{name}");
        let output = limited.run(threads, &["report", &name]);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
    }
}
