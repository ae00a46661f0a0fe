//! What a run leaves in its folder while it trains, and what is left when it cannot go on.

use std::time::Instant;

use super::Session;
use super::checkpoint::Checkpoint;
use super::clock::Clock;
use crate::error::{Advice, Error};
use crate::run::records::{BEST, LATEST};
use crate::run::{Metrics, RunFolder};

/// Where a run is kept.
pub(super) struct Keeper<'a> {
    pub(super) folder: &'a RunFolder,
    pub(super) metrics: Metrics,
}

impl Session {
    /// The run cannot go on: where it was, why, and what is left of it.
    pub(super) fn stopped(&self, why: &str, keeper: Option<&Keeper<'_>>) -> Error {
        let place = &self.place;
        let latest = keeper.map(|keeper| keeper.folder.path().join(LATEST));
        let kept = match latest {
            Some(latest) if latest.exists() => {
                format!("\nthe last good checkpoint is {}", latest.display())
            }
            Some(_) => "\nthere was no checkpoint yet".to_owned(),
            None => String::new(),
        };
        Error::Advised {
            message: format!(
                "epoch {}, step {} of {}: {why}{kept}",
                place.epochs + 1,
                place.epoch_steps + 1,
                self.course.steps()
            ),
            advice: Advice::SmallerRate(self.recipe.rate() / 3.0),
        }
    }

    /// Writes a checkpoint where there is a folder for it, and before it the best network, if that is not on disk yet.
    pub(super) fn keep(
        &mut self,
        keeper: Option<&Keeper<'_>>,
        clock: &mut Clock,
    ) -> Result<(), Error> {
        let Some(Keeper { folder, metrics }) = keeper else {
            return Ok(());
        };
        let start = Instant::now();
        let whole = |failure| unwritten(failure, folder);
        self.place.metrics = metrics.sync().map_err(whole)?;
        let bytes = Checkpoint::to_bytes(
            &self.place,
            &self.learner.network,
            self.learner.optimizer.state(),
        )
        .map_err(|problem| self.stopped(&problem, keeper))?;
        if let Some(network) = self.best.take() {
            let best = folder.path().join(BEST);
            self.model_of(network)?.write(&best).map_err(whole)?;
        }
        folder.write(LATEST, &bytes).map_err(whole)?;
        self.place.times.checkpoint += clock.lap();
        clock.kept(start.elapsed());
        Ok(())
    }
}

/// What could not be written, and that what was written before is whole.
pub(super) fn unwritten(failure: Error, folder: &RunFolder) -> Error {
    match failure {
        Error::Failed(message) | Error::Advised { message, .. }
            if folder.path().join(LATEST).exists() =>
        {
            Error::Advised {
                message: format!("{message}\nthe checkpoint before is whole"),
                advice: Advice::GoOn(folder.path().to_owned()),
            }
        }
        other => other,
    }
}
