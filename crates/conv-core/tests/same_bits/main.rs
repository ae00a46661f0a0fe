//! The same seed gives the same bits on every machine: four pieces of work have digests that are pinned, and every
//! instruction set must find them. `cargo xtask portability` runs this on other machines.
#![forbid(unsafe_code)]

mod book;
mod operations;
mod stacked;
#[path = "../support/mod.rs"]
mod support;

use sha2::{Digest, Sha256};

/// A line for each piece of work: its name and its digest.
const DIGESTS: &str = include_str!("../golden/digests.txt");

/// SHA-256, as lower-case hexadecimal digits.
fn hex(sha: Sha256) -> String {
    let bytes = sha.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pinned(name: &str) -> &'static str {
    let mut lines = DIGESTS.lines().filter_map(|line| line.split_once(' '));
    let line = lines.find(|(known, _)| *known == name);
    line.unwrap_or_else(|| panic!("{name} has no digest")).1
}

fn has_its_digest_on_every_level(name: &str, work: impl Fn() -> String) {
    support::on_every_level(|level| {
        assert_eq!(work(), pinned(name), "{name}, {level}");
        println!("{name}, {level}: {}", pinned(name));
    });
}

#[test]
fn three_iterations_of_the_book() {
    has_its_digest_on_every_level("book-3-iterations", book::digest);
}

#[test]
fn two_epochs_of_stacked() {
    has_its_digest_on_every_level("stacked-2-epochs", stacked::two_epochs);
}

#[test]
fn twenty_steps_of_quick() {
    has_its_digest_on_every_level("quick-20-steps", stacked::twenty_steps_of_quick);
}

#[test]
fn one_of_each_operation() {
    has_its_digest_on_every_level("operations", operations::digest);
}
