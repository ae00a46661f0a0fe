//! The end of a run: the model, and how good it is.

use super::Session;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::images::Images;
use crate::model::{Model, digest};
use crate::run::RunFolder;
use crate::run::records::{BEST, Ending, MODEL, Outcome, RESULT};

impl Session {
    /// Judges the model by the test images, and writes it and the result. The model is the network after the best epoch
    /// where the recipe [keeps that](crate::recipe::Recipe::keeps_best), and else that after the last one.
    ///
    /// # Errors
    /// If they cannot be written, or the network after the best epoch is not in the run's folder any more.
    pub fn finish(&self, images: &Images, folder: &RunFolder) -> Result<Outcome, Error> {
        let last = self.model()?;
        let digest = digest(&last.network);
        let best = self.place.best.filter(|_| self.recipe.keeps_best());
        let (model, epoch) = match best {
            Some(best) if best.epoch < self.place.epochs => {
                (Model::read(&folder.path().join(BEST))?, best.epoch)
            }
            _ => (last, self.place.epochs),
        };
        let found = Evaluation::of(&model, &images.test)?;
        model.write(&folder.path().join(MODEL))?;
        let outcome = Outcome {
            test_loss: found.loss,
            test_accuracy: found.accuracy,
            epochs: self.place.epochs,
            steps: self.place.steps,
            seconds: self.place.seconds,
            parameters: model.network.values().len(),
            digest,
            stopped: match self.place.epochs < self.recipe.epochs {
                true => Ending::Early,
                false => Ending::Finished,
            },
            model_epoch: Some(epoch),
            chosen_by: best.map(|_| self.criterion),
        };
        let json = serde_json::to_string(&outcome)
            .map_err(|error| Error::Failed(format!("cannot write JSON: {error}")))?;
        folder.write(RESULT, format!("{json}\n").as_bytes())?;
        Ok(outcome)
    }
}
