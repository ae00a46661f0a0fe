//! Going on from a checkpoint.

use std::path::Path;

use super::Session;
use crate::error::{Advice, Error};
use crate::run::records::LATEST;
use crate::session::checkpoint::Checkpoint;

impl Session {
    /// Goes to the place of a checkpoint, which is one of the run in a folder.
    ///
    /// # Errors
    /// If it is one of another recipe, of other images, or of another network.
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
