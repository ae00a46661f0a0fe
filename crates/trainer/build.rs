//! Tells the program the commit it was built from, for the record of a run.

use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // In a package the commit stands in a file that Cargo wrote; a git folder around it is somebody else's.
    if let Ok(package) = std::fs::read_to_string(".cargo_vcs_info.json") {
        let quoted = package.split('"');
        let commit = quoted.skip_while(|&part| part != "sha1").nth(2);
        if let Some(commit) = commit {
            println!("cargo:rustc-env=TRAINER_COMMIT={commit}");
        }
        return;
    }
    // A source archive has no git folder, and then the program knows its version alone.
    let log = git(&[
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "logs/HEAD",
    ]);
    // A file that is not there would have the program built anew each time.
    if let Some(log) = log.filter(|log| std::path::Path::new(log).exists()) {
        println!("cargo:rerun-if-changed={log}");
    }
    if let Some(commit) = git(&["rev-parse", "HEAD"]) {
        println!("cargo:rustc-env=TRAINER_COMMIT={commit}");
    }
}
