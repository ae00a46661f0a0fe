//! The pinned digests, and those that tests and programs print on a machine.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

/// A line for each piece of work: its name and its digest.
const PINNED: &str = include_str!("../../../crates/conv-core/tests/golden/digests.txt");

fn pinned() -> impl Iterator<Item = (&'static str, &'static str)> {
    PINNED.lines().filter_map(|line| line.split_once(' '))
}

/// Fails unless this is the pinned digest of a piece of work.
pub(super) fn check(work: &str, digest: &str) -> Result<()> {
    let right = pinned().find(|(name, _)| *name == work);
    let (_, right) = right.with_context(|| format!("{work} has no pinned digest"))?;
    ensure!(
        digest == right,
        "{work} has the digest {digest}, pinned is {right}"
    );
    Ok(())
}

/// The digests that the tests `same_bits` of conv-core print.
#[derive(Default)]
pub(super) struct Found {
    /// For each instruction set, the work whose digest is the pinned one.
    right: BTreeMap<String, BTreeSet<String>>,
    /// What is wrong with the others.
    wrong: Vec<String>,
}

impl Found {
    /// Takes the digest of a line, as in `test … operations, avx2: 360e8c…`, if it has one.
    pub(super) fn read(&mut self, line: &str) {
        let Some((work, level, digest)) = computed(line) else {
            return;
        };
        match check(work, digest) {
            Ok(()) => {
                let right = self.right.entry(level.to_owned()).or_default();
                right.insert(work.to_owned());
            }
            Err(error) => self.wrong.push(format!("{level}: {error}")),
        }
    }

    /// Fails if a digest is wrong.
    pub(super) fn none_is_wrong(&self) -> Result<()> {
        ensure!(self.wrong.is_empty(), "{}", self.wrong.join("; "));
        Ok(())
    }

    /// Fails unless these instruction sets at least have all digests, and no digest is wrong; gives those that there are.
    pub(super) fn has_all_on(&self, needed: &[&str]) -> Result<String> {
        self.none_is_wrong()?;
        for &level in needed {
            for (work, _) in pinned() {
                let computed = self.right.get(level).is_some_and(|all| all.contains(work));
                ensure!(computed, "{work} was not computed on {level}");
            }
        }
        let levels: Vec<&str> = self.right.keys().map(String::as_str).collect();
        Ok(format!("digests on {}", levels.join(", ")))
    }
}

/// The work, the instruction set and the digest of a line.
fn computed(line: &str) -> Option<(&str, &str, &str)> {
    let (before, digest) = line.rsplit_once(": ")?;
    let (before, level) = before.rsplit_once(", ")?;
    let work = before.split_whitespace().next_back()?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some((work, level, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the tests print on an instruction set.
    fn read(found: &mut Found, level: &str) {
        for (work, digest) in pinned() {
            found.read(&format!("test some_test ... {work}, {level}: {digest}"));
        }
    }

    #[test]
    fn every_instruction_set_that_is_needed_has_every_digest() {
        assert_eq!(pinned().count(), 4);
        let mut found = Found::default();
        read(&mut found, "scalar");
        found.read("running 4 tests");
        found.read("test result: ok. 4 passed; 0 failed");
        assert_eq!(found.has_all_on(&["scalar"]).unwrap(), "digests on scalar");
        let missing = found.has_all_on(&["scalar", "neon"]).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "book-3-iterations was not computed on neon"
        );
        found.read(&format!("operations, neon: {}", pinned().last().unwrap().1));
        assert!(found.has_all_on(&["scalar", "neon"]).is_err());
        read(&mut found, "neon");
        assert_eq!(
            found.has_all_on(&["scalar", "neon"]).unwrap(),
            "digests on neon, scalar"
        );
    }

    #[test]
    fn a_wrong_digest_fails_even_where_it_is_not_needed() {
        let mut found = Found::default();
        read(&mut found, "scalar");
        let digest = "0".repeat(64);
        found.read(&format!("operations, avx2: {digest}"));
        let wrong = found.has_all_on(&["scalar"]).unwrap_err().to_string();
        let begins = format!("avx2: operations has the digest {digest}, pinned is 360e8c77");
        assert!(wrong.starts_with(&begins), "{wrong}");

        let mut unknown = Found::default();
        unknown.read(&format!("something, scalar: {digest}"));
        let wrong = unknown.none_is_wrong().unwrap_err().to_string();
        assert_eq!(wrong, "scalar: something has no pinned digest");
    }
}
