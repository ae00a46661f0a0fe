//! What a run shows while it lasts: a bar on a terminal's stderr, and lines on stdout.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use trainer::run::records::{Epoch, Outcome};
use trainer::session::{Observer, Progress, Session};

use super::interrupts::interrupted;
use crate::failure::{Failure, say};

/// From one change of the bar's text to the next.
const FRESH: Duration = Duration::from_millis(100);

/// How much is said on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// A line an epoch, and the result.
    Text,
    /// The result alone.
    Last,
    /// The same as JSON.
    Json,
}

/// The place of the bar and of the lines.
pub(crate) struct Screen {
    words: Words,
    bar: ProgressBar,
    epochs: u64,
    told: Option<Instant>,
    /// Why a line could not be written.
    unwritten: Option<Failure>,
}

impl Screen {
    /// For a run that may have begun.
    pub(crate) fn new(words: Words, session: &Session) -> Self {
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
            unwritten: None,
        }
    }

    /// Whether all lines so far could be written.
    pub(crate) fn written(&mut self) -> Result<(), Failure> {
        self.unwritten.take().map_or(Ok(()), Err)
    }

    fn line_of(&self, epoch: &Epoch) -> Result<(), Failure> {
        match self.words {
            Words::Last => Ok(()),
            Words::Json => self.json(epoch),
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
    pub(crate) fn result(&self, outcome: &Outcome, test_images: usize) -> Result<(), Failure> {
        match self.words {
            Words::Json => self.json(outcome),
            Words::Text | Words::Last => {
                let model = chosen(outcome).map(|model| format!(", {model}"));
                self.line(&format!(
                    "test accuracy {:.4} on {} images, loss {:.4}{}",
                    outcome.test_accuracy,
                    test_images,
                    outcome.test_loss,
                    model.unwrap_or_default()
                ))
            }
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn json(&self, record: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(record)
            .map_err(|error| Failure::Error(format!("cannot write JSON: {error}")))?;
        self.line(&json)
    }

    fn line(&self, line: &str) -> Result<(), Failure> {
        let written = self.bar.suspend(|| {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{line}").and_then(|()| stdout.flush())
        });
        match written {
            // Nobody reads on, as with `| head -3`; what counts is in the run's folder.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| Failure::stdout(&error)),
        }
    }
}

/// Which network the model is, where an epoch was chosen.
fn chosen(outcome: &Outcome) -> Option<String> {
    let (epoch, criterion) = (outcome.model_epoch?, outcome.chosen_by?);
    Some(format!(
        "by the network after epoch {epoch} of {}, the best by {criterion}",
        outcome.epochs
    ))
}

impl Observer for Screen {
    fn step(&mut self, progress: &Progress) {
        self.bar.inc(1);
        if self.told.is_some_and(|told| told.elapsed() < FRESH) || self.bar.is_hidden() {
            return;
        }
        self.told = Some(Instant::now());
        self.bar.set_message(format!(
            "epoch {}/{} loss {:.4} accuracy {:.4} {:.0} images/s",
            progress.epoch,
            self.epochs,
            progress.loss,
            progress.accuracy,
            progress.images_per_second
        ));
    }

    fn epoch(&mut self, epoch: &Epoch) {
        if let Err(failure) = self.line_of(epoch) {
            self.unwritten = Some(failure);
        }
    }

    fn warn(&mut self, message: &str) {
        say(&format!("warning: {message}"));
    }

    fn wants_stop(&mut self) -> bool {
        interrupted() || self.unwritten.is_some()
    }
}
