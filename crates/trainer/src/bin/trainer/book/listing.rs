//! The runs of the listings, with lines on stdout and a summary on stderr.

use std::time::{Duration, Instant};

use mnist_data::Splits;
use rayon::ThreadPool;
use serde::Serialize;
use trainer::listing::{Accuracy, Fix, Layer, Listing, Settings, python_float};

use crate::failure::{Failure, say};
use crate::terminal::interrupts::interrupted;
use crate::terminal::output::Output;

/// Refuses what the options ask for and the images cannot give, by the options' names.
fn check(settings: &Settings, splits: &Splits) -> Result<(), Failure> {
    let (size, images) = (settings.batch_size, splits.train.len());
    if size > images {
        let range = format!("1 to {images}, the number of training images");
        return Err(Failure::option("--batch-size", size, range));
    }
    let Layer::Kernels { size, .. } = settings.layer else {
        return Ok(());
    };
    let (height, width) = splits.train.image_size();
    let all = settings.fixes.has(Fix::LastPosition);
    let largest = height.min(width) - usize::from(!all);
    if size <= largest {
        return Ok(());
    }
    if largest == 0 {
        return Err(Failure::Error(format!(
            "images of {height}×{width} have no position but the last, which the listing \
             leaves out; add `--fix last-position`"
        )));
    }
    let why = if all {
        ""
    } else {
        ", since the listing leaves out the last position"
    };
    let range = format!("1 to {largest} for images of {height}×{width}{why}");
    Err(Failure::option("--kernel-size", size, range))
}

/// A listing that Ctrl-C ends.
pub(crate) struct Run {
    listing: Listing,
}

impl Run {
    /// The network before its first iteration.
    pub(crate) fn new(settings: Settings, splits: &Splits) -> Result<Self, Failure> {
        check(&settings, splits)?;
        let listing = Listing::new(settings, splits)?;
        Ok(Self { listing })
    }

    pub(crate) fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Runs to the end, printing iterations in this form.
    pub(crate) fn print(&mut self, form: Form, output: &Output) -> Result<(), Failure> {
        for iteration in 0..self.listing.settings().iterations {
            let (train, test) = self
                .listing
                .iterate(iteration % form.print_every() == 0, interrupted)?;
            if let Some(test) = test {
                output.line(&form.iteration(iteration, test, train)?)?;
                output.step(format!("test accuracy {}", python_float(test)));
            }
            if interrupted() {
                return Err(Failure::Interrupted);
            }
        }
        Ok(())
    }

    /// Runs to the end without a word, and gives what the last iteration would print.
    pub(crate) fn last(&mut self, output: &Output, name: &str) -> Result<Accuracy, Failure> {
        let mut accuracy = Accuracy::default();
        for iteration in 1..=self.listing.settings().iterations {
            let (train, test) = self
                .listing
                .iterate(iteration == self.listing.settings().iterations, interrupted)?;
            if let Some(test) = test {
                accuracy = Accuracy { test, train };
            }
            output.step(name.to_owned());
            if interrupted() {
                return Err(Failure::Interrupted);
            }
        }
        Ok(accuracy)
    }

    /// The result as a line of JSON.
    fn result(&self, took: Duration, threads: usize) -> Result<String, Failure> {
        let seconds = took.as_secs_f64();
        json(&RunResult {
            iterations: self.listing.done(),
            seconds,
            ms_per_iteration: 1e3 * seconds / self.listing.done().max(1) as f64,
            threads,
            instruction_set: conv_core::simd::level().to_string(),
            digest: self.listing.digest(),
        })
    }

    /// What the run took and the digest of its parameters, for stderr.
    pub(crate) fn summary(&self, took: Duration, threads: usize) -> String {
        let seconds = took.as_secs_f64();
        let each = 1e3 * seconds / self.listing.done().max(1) as f64;
        format!(
            "{} iterations in {seconds:.3} s ({each:.3} ms an iteration), threads: {threads}, \
             instruction set: {}\nSHA-256 of the parameters: {}",
            self.listing.done(),
            conv_core::simd::level(),
            self.listing.digest(),
        )
    }
}

/// How a run is printed on stdout.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// Every `print_every`th iteration as the books print it; the test images pass through the network only then.
    Listing { print_every: usize },
    /// A line of JSON for each iteration, and one for the result.
    Json,
}

/// An iteration as JSON.
#[derive(Serialize)]
struct Iteration {
    iteration: usize,
    test_accuracy: f64,
    train_accuracy: f64,
}

/// The end of a run as JSON.
#[derive(Serialize)]
struct RunResult {
    iterations: usize,
    seconds: f64,
    ms_per_iteration: f64,
    threads: usize,
    instruction_set: String,
    /// SHA-256 of the parameters.
    digest: String,
}

impl Form {
    fn print_every(self) -> usize {
        match self {
            Self::Listing { print_every } => print_every,
            Self::Json => 1,
        }
    }

    fn iteration(self, iteration: usize, test: f64, train: f64) -> Result<String, Failure> {
        match self {
            Self::Listing { .. } => Ok(Accuracy { test, train }.line(iteration)),
            Self::Json => json(&Iteration {
                iteration,
                test_accuracy: test,
                train_accuracy: train,
            }),
        }
    }
}

fn json(line: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(line).map_err(|error| Failure::Error(format!("JSON: {error}")))
}

/// Prints a run's lines on stdout and its summary on stderr, also of one that Ctrl-C ends.
pub(crate) fn print(
    settings: Settings,
    splits: Splits,
    pool: &ThreadPool,
    form: Form,
) -> Result<(), Failure> {
    pool.install(|| {
        let threads = rayon::current_num_threads();
        let mut run = Run::new(settings, &splits)?;
        // The run has the images in a form of its own.
        drop(splits);
        let output = Output::new(settings.iterations.div_ceil(form.print_every()) as u64);
        let start = Instant::now();
        let mut end = run.print(form, &output);
        let took = start.elapsed();
        if let (Ok(()), Form::Json) = (&end, form) {
            end = run
                .result(took, threads)
                .and_then(|line| output.line(&line));
        }
        let end = end.and(output.finish());
        if let Ok(()) | Err(Failure::Interrupted) = end {
            say(&run.summary(took, threads));
        }
        end
    })
}
