//! Going on from a checkpoint.

use std::path::Path;

use conv_core::ops::batch_norm::Statistics;
use conv_core::optimizer::State;

use super::Session;
use crate::error::{Advice, Error};
use crate::run::records::LATEST;
use crate::session::checkpoint::Checkpoint;

impl Session {
    /// Goes to the place of a checkpoint, which is one of the run in a folder.
    ///
    /// # Errors
    /// If it is one of another recipe, of other images, of another network, or of a version that kept less.
    pub fn restore(&mut self, checkpoint: Checkpoint, run: &Path) -> Result<(), Error> {
        let name = run.join(LATEST);
        let name = name.display();
        let other =
            |what: &str, then: &str| Error::Failed(format!("{name} was made with {what}; {then}"));
        let Checkpoint {
            place,
            parameters,
            running,
            optimizer,
        } = checkpoint;
        let original = self.recipe.original_digest()?;
        if place.recipe != self.place.recipe && Some(&place.recipe) != original.as_ref() {
            return Err(other(
                "another recipe than recipe.toml beside it",
                "put back what was changed there, or start a new run with it",
            ));
        }
        if place.images != self.place.images {
            return Err(Error::Advised {
                message: format!("{name} was made with other images"),
                advice: Advice::SameData,
            });
        }
        let steps = self.course.steps();
        let fits = place.epoch_steps < steps
            && place.epochs <= self.recipe.epochs
            && place.steps == place.epochs * steps + place.epoch_steps;
        if !fits {
            return Err(other("another count of steps", "start the run anew"));
        }
        if lacks_statistics(&optimizer, &running) {
            return Err(other(
                "an earlier version of this program, which did not average running statistics",
                "start the run anew",
            ));
        }
        let restored = self.learner.network.set_values(&parameters).and_then(|()| {
            self.learner.network.set_running_statistics(&running)?;
            let fresh = self.recipe.fresh_optimizer(steps);
            let optimizer = fresh.with_state(optimizer, parameters.len())?;
            // Averages that are not of this network are found now, not at the end of an epoch.
            self.learner.network.averaged(&optimizer)?;
            Ok(optimizer)
        });
        self.learner.optimizer = restored
            .map_err(|error| other("another network", &format!("{error}; start the run anew")))?;
        self.place = place;
        Ok(())
    }
}

/// Whether there are averages of parameters alone, where running statistics should have theirs too.
fn lacks_statistics(optimizer: &State, running: &[Statistics]) -> bool {
    !optimizer.averaged.is_empty()
        && optimizer.averaged_statistics.is_empty()
        && !running.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_without_those_of_statistics_are_of_an_earlier_version() {
        let running = [Statistics::default()];
        let old = State {
            averaged: vec![0.5],
            ..State::default()
        };
        assert!(lacks_statistics(&old, &running));
        let whole = State {
            averaged_statistics: running.to_vec(),
            ..old.clone()
        };
        assert!(!lacks_statistics(&whole, &running));
        // Without an average, and without a normalisation, there is none to have.
        assert!(!lacks_statistics(&State::default(), &running));
        assert!(!lacks_statistics(&old, &[]));
    }
}
