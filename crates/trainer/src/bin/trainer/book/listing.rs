//! The listings of chapters 9 and 10 as one loop: the same network with other shapes, see
//! [`conv_core::chapter`].

use std::time::{Duration, Instant};

use conv_core::chapter::{Batch, Geometry, Images, Network, Pooling, Rules, Workspace};
use conv_core::{Bits, NumpyRandom};
use mnist_data::Splits;
use rayon::ThreadPool;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::fix::{Fix, Fixes};
use crate::failure::{Failure, say};
use crate::terminal::interrupts::interrupted;
use crate::terminal::output::{Output, python_float};

/// What may be changed about a listing without making it another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) seed: u32,
    pub(crate) iterations: usize,
    pub(crate) batch_size: usize,
    pub(crate) alpha: f64,
    pub(crate) layer: Layer,
    pub(crate) fixes: Fixes,
}

/// The hidden layer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layer {
    /// Chapter 9's: dense, of so many units. Its listing has no kernels, so neither their two faults.
    Dense { units: usize },
    /// Chapter 10's.
    Kernels {
        count: usize,
        size: usize,
        pooling: Option<Pooling>,
    },
}

impl Settings {
    fn geometry(&self, image: (usize, usize)) -> Result<Geometry, Failure> {
        match self.layer {
            Layer::Dense { units } => Ok(Geometry::new(image, image, units, None)?),
            Layer::Kernels {
                count,
                size,
                pooling,
            } => {
                let all = self.fixes.has(Fix::LastPosition);
                let largest = image.0.min(image.1) - usize::from(!all);
                if size > largest {
                    let (height, width) = image;
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
                    return Err(Failure::option("--kernel-size", size, range));
                }
                let geometry = Geometry::new(image, (size, size), count, pooling)?;
                Ok(if all {
                    geometry
                } else {
                    geometry.without_last_position()?
                })
            }
        }
    }

    /// How a step on a batch of `images` changes the network.
    fn rules(&self, images: usize) -> Rules {
        let (fixes, alpha) = (self.fixes, self.alpha);
        let ascent = matches!(self.layer, Layer::Kernels { .. }) && !fixes.has(Fix::KernelSign);
        let divisor = if fixes.has(Fix::DeltaScale) {
            images
        } else {
            self.batch_size * images
        };
        Rules {
            alpha,
            kernel_alpha: if ascent { -alpha } else { alpha },
            delta_divisor: divisor as f64,
            slope: if fixes.has(Fix::TanhDerivative) {
                0.25
            } else {
                1.0
            },
            dropout_gradient: if fixes.has(Fix::DropoutGradient) {
                2.0
            } else {
                1.0
            },
            subtract_maximum: fixes.has(Fix::SoftmaxOverflow),
        }
    }
}

/// A listing under way.
pub(crate) struct Run {
    settings: Settings,
    network: Network,
    train: Images,
    test: Images,
    batches: Vec<Batch>,
    workspace: Workspace,
    random: NumpyRandom,
    /// The dropout masks of the next iteration.
    masks: Bits,
    done: usize,
}

/// What an iteration prints.
pub(crate) struct Accuracy {
    pub(crate) test: f64,
    pub(crate) train: f64,
}

impl Run {
    /// The network before its first iteration.
    pub(crate) fn new(settings: Settings, splits: &Splits) -> Result<Self, Failure> {
        let geometry = settings.geometry(splits.train.image_size())?;
        let images = |set: &mnist_data::Dataset| Images::new(geometry, set.images(), set.labels());
        let (train, test) = (images(&splits.train)?, images(&splits.test)?);
        let size = settings.batch_size;
        if size > train.len() {
            let range = format!("1 to {}, the number of training images", train.len());
            return Err(Failure::option("--batch-size", size, range));
        }
        let mut batches = Vec::new();
        for start in (0..train.len()).step_by(size) {
            let end = train.len().min(start + size);
            if end - start == size || settings.fixes.has(Fix::LastBatch) {
                batches.push(Batch::new(&train, start..end)?);
            }
        }
        let mut random = NumpyRandom::new(settings.seed);
        let network = Network::new(geometry, &mut random);
        let workspace = Workspace::new(&geometry, &batches);
        let mut run = Self {
            settings,
            network,
            train,
            test,
            batches,
            workspace,
            random,
            masks: Bits::default(),
            done: 0,
        };
        Self::draw_masks(&run.batches, &run.network, &mut run.random, &mut run.masks);
        Ok(run)
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// All masks of an iteration: nothing else draws random numbers, so they can be drawn ahead.
    fn draw_masks(
        batches: &[Batch],
        network: &Network,
        random: &mut NumpyRandom,
        masks: &mut Bits,
    ) {
        masks.clear();
        let images: usize = batches.iter().map(Batch::len).sum();
        random.randint2(images * network.geometry().hidden(), masks);
    }

    /// One pass over the training images, and with `test` one over the test images.
    fn iterate(&mut self, test: bool) -> Result<(f64, Option<f64>), Failure> {
        let (mut correct, mut seen, mut first_mask) = (0, 0, 0);
        for batch in &self.batches {
            if interrupted() {
                return Err(Failure::Interrupted);
            }
            let rules = self.settings.rules(batch.len());
            correct += self.network.train(
                &self.train,
                batch,
                &self.masks,
                first_mask,
                &rules,
                &mut self.workspace,
            )?;
            seen += batch.len();
            first_mask += batch.len() * self.network.geometry().hidden();
        }
        self.done += 1;
        let Self {
            network,
            batches,
            random,
            masks,
            ..
        } = self;
        let (tested, ()) = rayon::join(
            || test.then(|| network.count_correct(&self.test)).transpose(),
            || {
                if self.done < self.settings.iterations {
                    Self::draw_masks(batches, network, random, masks);
                }
            },
        );
        let denominator = match self.settings.fixes.has(Fix::TrainDenominator) {
            true => seen,
            false => self.train.len(),
        };
        let share = |part: usize, whole: usize| part as f64 / whole as f64;
        let tested = tested?.map(|correct| share(correct, self.test.len()));
        Ok((share(correct, denominator), tested))
    }

    /// Runs to the end, printing iterations in this form.
    pub(crate) fn print(&mut self, form: Form, output: &Output) -> Result<(), Failure> {
        for iteration in 0..self.settings.iterations {
            let (train, test) = self.iterate(iteration % form.print_every() == 0)?;
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
        let mut accuracy = Accuracy {
            test: 0.0,
            train: 0.0,
        };
        for iteration in 1..=self.settings.iterations {
            let (train, test) = self.iterate(iteration == self.settings.iterations)?;
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

    /// The accuracies on the training and on the test images as they are now, without dropout.
    pub(crate) fn accuracy(&self) -> Result<Accuracy, Failure> {
        let share = |images: &Images| -> Result<f64, Failure> {
            Ok(self.network.count_correct(images)? as f64 / images.len() as f64)
        };
        Ok(Accuracy {
            test: share(&self.test)?,
            train: share(&self.train)?,
        })
    }

    /// The result as a line of JSON.
    fn result(&self, took: Duration, threads: usize) -> Result<String, Failure> {
        let seconds = took.as_secs_f64();
        json(&RunResult {
            iterations: self.done,
            seconds,
            ms_per_iteration: 1e3 * seconds / self.done.max(1) as f64,
            threads,
            instruction_set: conv_core::simd::level().to_string(),
            digest: self.digest(),
        })
    }

    /// What the run took and the digest of its parameters, for stderr.
    pub(crate) fn summary(&self, took: Duration, threads: usize) -> String {
        let seconds = took.as_secs_f64();
        let each = 1e3 * seconds / self.done.max(1) as f64;
        format!(
            "{} iterations in {seconds:.3} s ({each:.3} ms an iteration), threads: {threads}, \
             instruction set: {}\nSHA-256 of the parameters: {}",
            self.done,
            conv_core::simd::level(),
            self.digest(),
        )
    }

    /// SHA-256 of the kernels and then the dense weights as the listing holds them: row-major float64,
    /// little-endian.
    fn digest(&self) -> String {
        let mut sha = Sha256::new();
        for number in self.network.kernels().iter().chain(&self.network.weights()) {
            sha.update(number.to_le_bytes());
        }
        format!("{:x}", sha.finalize())
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
            Self::Listing { .. } => {
                let (test, train) = (python_float(test), python_float(train));
                Ok(format!("I:{iteration} Test-Acc:{test} Train-Acc:{train}"))
            }
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
