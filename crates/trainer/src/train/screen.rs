//! What a run shows while it lasts: a bar on a terminal's stderr, and lines on stdout.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::metrics::{Epoch, Outcome};
use super::session::Session;
use crate::failure::Failure;

/// From one change of the bar's text to the next.
const FRESH: Duration = Duration::from_millis(100);

/// How much is said on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// A line an epoch, and the result.
    Text,
    /// The result alone.
    Last,
    /// The same as JSON.
    Json,
}

/// The place of the bar and of the lines.
pub(super) struct Screen {
    words: Words,
    bar: ProgressBar,
    epochs: u64,
    told: Option<Instant>,
}

impl Screen {
    /// For a run that may have begun.
    pub(super) fn new(words: Words, session: &Session) -> Self {
        let (done, all) = session.extent();
        let bar = match words {
            Words::Last => ProgressBar::hidden(),
            _ => ProgressBar::new(all),
        };
        let style = ProgressStyle::with_template("{bar:30} {msg} {eta} left");
        let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_position(done);
        // What an earlier process did says nothing about how fast this one is.
        bar.reset_eta();
        Self {
            words,
            bar,
            epochs: session.recipe().epochs,
            told: None,
        }
    }

    /// A step is done: `epoch` counts from 1, the loss and accuracy are those of the epoch so far.
    pub(super) fn step(&mut self, epoch: u64, loss: f64, accuracy: f64, images_per_second: f64) {
        self.bar.inc(1);
        if self.told.is_some_and(|told| told.elapsed() < FRESH) || self.bar.is_hidden() {
            return;
        }
        self.told = Some(Instant::now());
        self.bar.set_message(format!(
            "epoch {epoch}/{} loss {loss:.4} accuracy {accuracy:.4} {images_per_second:.0} images/s",
            self.epochs
        ));
    }

    /// An epoch is done; `json` is its line of metrics.
    pub(super) fn epoch(&self, epoch: &Epoch, json: &str) -> Result<(), Failure> {
        match self.words {
            Words::Last => Ok(()),
            Words::Json => self.line(json),
            Words::Text => {
                let width = self.epochs.to_string().len();
                let validation = match (epoch.validation_loss, epoch.validation_accuracy) {
                    (Some(loss), Some(accuracy)) => {
                        format!("  validation loss {loss:.4} accuracy {accuracy:.4}")
                    }
                    _ => String::new(),
                };
                self.line(&format!(
                    "epoch {:>width$}/{}  loss {:.4}  accuracy {:.4}{validation}  {:.0} images/s",
                    epoch.epoch, self.epochs, epoch.loss, epoch.accuracy, epoch.images_per_second
                ))
            }
        }
    }

    /// The run is done.
    pub(super) fn result(&self, outcome: &Outcome) -> Result<(), Failure> {
        match self.words {
            Words::Json => {
                let json = serde_json::to_string(outcome)
                    .map_err(|error| Failure::Error(format!("cannot write JSON: {error}")))?;
                self.line(&json)
            }
            Words::Text | Words::Last => self.line(&format!(
                "test accuracy {:.4} on {} images, loss {:.4}",
                outcome.test_accuracy, outcome.test_images, outcome.test_loss
            )),
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, line: &str) -> Result<(), Failure> {
        let written = self.bar.suspend(|| {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{line}").and_then(|()| stdout.flush())
        });
        match written {
            // Nobody reads on, as with `| head -3`; what counts is in the run's folder.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }
}
