//! What must be the same on all ranks, compared before anything is trained.

use super::Ranks;
use crate::failure::Failure;

/// Something that must be the same on all ranks.
pub(crate) struct Fact {
    /// What it is, as in `rank 1 on b has WHAT`.
    pub(crate) what: &'static str,
    pub(crate) value: String,
    /// What to do where it differs.
    pub(crate) advice: &'static str,
}

impl Fact {
    /// The program: its version, and the commit that it was built from if that is known.
    pub(crate) fn program(version: &str, commit: Option<&str>) -> Self {
        Self {
            what: "version",
            value: format!("{version} ({})", commit.unwrap_or("no commit")),
            advice: "install the same build of trainer on all hosts",
        }
    }
}

impl Ranks {
    /// An error that names the first rank with another value than rank 0, and both values.
    pub(crate) fn agree(&self, facts: &[Fact]) -> Result<(), Failure> {
        for fact in facts {
            let values = self.messages.texts(&fact.value);
            let Some(other) = values.iter().position(|value| *value != values[0]) else {
                continue;
            };
            return Err(Failure::Error(format!(
                "{} has {} {}, and {} has {}; {}",
                self.messages.name(other),
                fact.what,
                values[other],
                self.messages.name(0),
                values[0],
                fact.advice
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::mpi::faults::tests::{is_a_rank, under_mpirun};

    /// As one of three ranks: all have the same program, then rank 2 has another commit, then rank 1 another version.
    fn compare() {
        let ranks = Ranks::join(Duration::from_secs(100)).ok().flatten();
        let ranks = ranks.expect("mpirun started this process");
        let agree = |version, commit| ranks.agree(&[Fact::program(version, commit)]);
        assert!(agree("0.1.0", Some("f0e1d2")).is_ok());
        assert!(agree("0.1.0", None).is_ok());
        let rank = ranks.messages.rank();
        let commit = if rank == 2 { "a3b4c5" } else { "f0e1d2" };
        let Err(Failure::Error(message)) = agree("0.1.0", Some(commit)) else {
            panic!("rank {rank} took another commit");
        };
        assert!(message.starts_with("rank 2 on "), "{message}");
        let words = " has version 0.1.0 (a3b4c5), and rank 0 on ";
        assert!(message.contains(words), "{message}");
        assert!(message.contains(" has 0.1.0 (f0e1d2); "), "{message}");
        let version = if rank == 1 { "0.2.0" } else { "0.1.0" };
        let outcome = agree(version, None);
        let _ = ranks.end(outcome);
    }

    #[test]
    fn a_rank_with_another_version_or_commit_is_named() {
        if is_a_rank() {
            return compare();
        }
        let test = "mpi::agreement::tests::a_rank_with_another_version_or_commit_is_named";
        let output = under_mpirun(3, test);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let errors = text.lines().filter(|line| line.starts_with("error: "));
        let errors: Vec<&str> = errors.collect();
        assert_eq!(errors.len(), 1, "{text}");
        assert!(errors[0].starts_with("error: rank 1 on "), "{text}");
        let words = " has version 0.2.0 (no commit), and rank 0 on ";
        assert!(errors[0].contains(words), "{text}");
        let words = " has 0.1.0 (no commit); install the same build of trainer";
        assert!(errors[0].contains(words), "{text}");
    }
}
