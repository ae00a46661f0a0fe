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
