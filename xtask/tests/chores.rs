//! The chores that handle data, from outside: what they print where, and how they exit.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use skipped::full_mnist;
use tempfile::TempDir;

fn xtask(arguments: &[&str], root: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .env("MNIST_DATA_DIR", root)
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

/// Exits with 1, says all of this on stderr, and nothing on stdout.
fn fails(arguments: &[&str], root: &Path, says: &[&str]) {
    let output = xtask(arguments, root);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty());
    for text in says {
        assert!(stderr.contains(text), "{text} is not in: {stderr}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        // The source may be read-only; the copy's permissions must not be.
        fs::write(to.join(entry.file_name()), fs::read(entry.path()).unwrap()).unwrap();
    }
}

#[test]
fn what_is_missing_offline_is_named() {
    let root = TempDir::new().unwrap();
    let names = [
        "train-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "found nothing",
    ];
    fails(&["fetch-mnist", "--offline"], root.path(), &names);
    fails(&["fetch-mnist", "--verify"], root.path(), &names);
    let advice = "`cargo xtask fetch-mnist --dataset mnist` downloads";
    fails(&["fetch-mnist", "--verify"], root.path(), &[advice]);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn a_mirror_that_is_dead_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mnist", listener.local_addr().unwrap());
    drop(listener);
    let root = TempDir::new().unwrap();
    let address = format!("{url}/train-images-idx3-ubyte.gz");
    fails(
        &["fetch-mnist", "--mirror", &url],
        root.path(),
        &[&address, "refused", "--mirror"],
    );
}

#[test]
fn of_all_data_sets_every_one_that_is_missing_is_named() {
    let root = TempDir::new().unwrap();
    let says = [
        "MNIST",
        "Kuzushiji",
        "gzip.zip",
        "not there: mnist, fashion-mnist, kmnist, qmnist, emnist",
    ];
    fails(
        &["fetch-mnist", "--dataset", "all", "--offline"],
        root.path(),
        &says,
    );
}

#[test]
fn an_unknown_data_set_is_a_usage_error() {
    let root = TempDir::new().unwrap();
    let output = xtask(&["fetch-mnist", "--dataset", "imagenet"], root.path());
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("imagenet") && stderr.contains("fashion-mnist"),
        "{stderr}"
    );
}

#[test]
fn the_folder_of_a_verified_set_is_printed() {
    let Some(full) = full_mnist() else { return };
    let root = TempDir::new().unwrap();
    let folder = root.path().join("mnist");
    copy(&full, &folder);
    for arguments in [["fetch-mnist", "--offline"], ["fetch-mnist", "--verify"]] {
        let output = xtask(&arguments, root.path());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            format!("{}\n", folder.display())
        );
    }
    let names = ["train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];
    let paths = names.map(|name| folder.join(name));
    for path in &paths {
        fs::write(path, b"<html>503</html>").unwrap();
    }
    // Not the first alone.
    let shown = paths.each_ref().map(|path| path.display().to_string());
    let says = shown.each_ref().map(String::as_str);
    fails(&["fetch-mnist", "--verify"], root.path(), &says);
}

#[test]
fn the_embedded_data_is_what_embed_makes() {
    let Some(full) = full_mnist() else { return };
    let root = TempDir::new().unwrap();
    let from = full.display().to_string();
    let output = xtask(&["embed", "--check", "--from", &from], root.path());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 4);
}

#[test]
fn embed_takes_nothing_but_the_full_set() {
    let root = TempDir::new().unwrap();
    let from = root.path().display().to_string();
    fails(
        &["embed", "--check", "--from", &from],
        root.path(),
        &[&from, "found nothing", "`cargo xtask fetch-mnist`"],
    );
}

#[test]
fn a_record_that_has_no_peers_or_no_seeds_says_so_before_it_builds_anything() {
    let root = TempDir::new().unwrap();
    let record = |more: [&str; 2], says: &str| {
        let arguments = [&["bench", "record"], &more[..]].concat();
        fails(&arguments, root.path(), &[says]);
    };
    record(["tiny", "--peers"], "only quick and latency have peers");
    record(["latency", "--seeds=3"], "latency trains with one seed");
}

/// `portability` with something else than Cargo, which prints this, and with none of the programs of other machines.
#[cfg(unix)]
fn portability(arguments: &[&str], printed: &str) -> Output {
    let stand_ins = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand_ins");
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("portability")
        .args(arguments)
        .env("CARGO", stand_ins.join("prints.sh"))
        .env("RUSTC", stand_ins.join("prints.sh"))
        .env("PATH", &stand_ins)
        .env("PRINTED", printed)
        .output()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn a_machine_with_a_wrong_digest_fails() {
    let pinned = include_str!("../../crates/conv-core/tests/golden/digests.txt");
    let lines = pinned.lines().map(|line| {
        let (work, digest) = line.split_once(' ').unwrap();
        format!("test of_it ... {work}, scalar: {digest}\n")
    });
    let right: String = lines.collect();
    let passed = portability(&["here"], &right);
    assert_eq!(
        String::from_utf8(passed.stdout).unwrap(),
        "here: passed, digests on scalar\n"
    );
    assert!(passed.status.success());

    let (last, _) = right.trim_end().rsplit_once('\n').unwrap();
    let (wrong, missing) = (
        right.replacen(": 360e8c77", ": 360e8c78", 1),
        format!("{last}\n"),
    );
    for (printed, says) in [
        (&*wrong, "scalar: operations has the digest 360e8c78"),
        (&missing, "operations was not computed on scalar"),
        ("", "book-3-iterations was not computed on scalar"),
    ] {
        let failed = portability(&["here"], printed);
        let stdout = String::from_utf8(failed.stdout).unwrap();
        assert!(stdout.starts_with("here: FAILED: "), "{stdout}");
        assert!(stdout.contains(says), "{stdout}");
        assert_eq!(failed.status.code(), Some(1));
    }
}

#[cfg(unix)]
#[test]
fn a_machine_that_cannot_be_is_skipped_with_the_reason_or_fails_where_it_is_required() {
    // The standard library of every target stands in this folder.
    let folder = TempDir::new().unwrap();
    let libraries = folder.path().to_str().unwrap();
    for (arguments, code) in [(&["wasm"][..], 0), (&["wasm", "--require"], 1)] {
        let skipped = portability(arguments, libraries);
        let stdout = String::from_utf8(skipped.stdout).unwrap();
        assert!(stdout.starts_with("wasm: SKIPPED ("), "{stdout}");
        assert!(
            stdout.contains("no node; apt-get install nodejs"),
            "{stdout}"
        );
        assert_eq!(skipped.status.code(), Some(code));
    }
}
