//! The listings of chapters 9 and 10 as one loop: the same network with other shapes, see
//! [`conv_core::chapter`].

mod fix;

use conv_core::chapter::{Batch, Geometry, Images, Network, Pooling, Rules, Workspace};
use conv_core::{Bits, NumpyRandom};
use mnist_data::{Dataset, Splits};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
pub use fix::{Fix, Fixes};

/// What may be changed about a listing without making it another one.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// That of NumPy's random numbers.
    pub seed: u32,
    /// Passes over the training images.
    pub iterations: usize,
    /// Images of a step.
    pub batch_size: usize,
    /// The learning rate.
    pub alpha: f64,
    /// The hidden layer.
    pub layer: Layer,
    /// The faults that are put right.
    pub fixes: Fixes,
}

/// The hidden layer.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    /// Chapter 9's: dense. Its listing has no kernels, so neither their two faults.
    Dense {
        /// How many units.
        units: usize,
    },
    /// Chapter 10's.
    Kernels {
        /// How many kernels.
        count: usize,
        /// Their height and width, in pixels.
        size: usize,
        /// Pooling across kernels; none gives each kernel's prediction weights of its own.
        pooling: Option<Pooling>,
    },
}

impl Settings {
    /// Chapter 10 as it is printed, but for faults that are put right.
    #[must_use]
    pub fn chapter_10(fixes: Fixes) -> Self {
        Self {
            seed: 1,
            iterations: 300,
            batch_size: 128,
            alpha: 2.0,
            layer: Layer::Kernels {
                count: 16,
                size: 3,
                pooling: None,
            },
            fixes,
        }
    }

    /// Chapter 9 as it is printed.
    #[must_use]
    pub fn chapter_9() -> Self {
        Self {
            batch_size: 100,
            layer: Layer::Dense { units: 100 },
            ..Self::chapter_10(Fixes::NONE)
        }
    }

    /// The shapes of the network for images of (rows, columns).
    fn geometry(&self, image: (usize, usize)) -> Result<Geometry, Error> {
        let (count, size, pooling) = match self.layer {
            Layer::Dense { units } => return Ok(Geometry::new(image, image, units, None)?),
            Layer::Kernels {
                count,
                size,
                pooling,
            } => (count, size, pooling),
        };
        let geometry = Geometry::new(image, (size, size), count, pooling)?;
        Ok(match self.fixes.has(Fix::LastPosition) {
            true => geometry,
            false => geometry.without_last_position()?,
        })
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
pub struct Listing {
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

/// The accuracies that an iteration prints, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// On all test images.
    pub test: f64,
    /// On the training images, each before its step.
    pub train: f64,
}

impl Accuracy {
    /// The line of an iteration, as the books print it.
    ///
    /// ```
    /// use trainer::listing::Accuracy;
    ///
    /// let accuracy = Accuracy { test: 0.0288, train: 0.055 };
    /// assert_eq!(accuracy.line(0), "I:0 Test-Acc:0.0288 Train-Acc:0.055");
    /// ```
    #[must_use]
    pub fn line(&self, iteration: usize) -> String {
        let (test, train) = (python_float(self.test), python_float(self.train));
        format!("I:{iteration} Test-Acc:{test} Train-Acc:{train}")
    }
}

impl Listing {
    /// The network before its first iteration.
    ///
    /// # Errors
    /// If the kernels do not fit the images, or there are fewer training images than a batch has.
    pub fn new(settings: Settings, splits: &Splits) -> Result<Self, Error> {
        let geometry = settings.geometry(splits.train.image_size())?;
        let (train, test) = (
            Images::new(geometry, splits.train.images(), splits.train.labels())?,
            Images::new(geometry, splits.test.images(), splits.test.labels())?,
        );
        let size = settings.batch_size;
        if size == 0 || size > train.len() {
            return Err(Error::Failed(format!(
                "a batch has {size} images, expected 1 to {}, the number of training images",
                train.len()
            )));
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
        let mut listing = Self {
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
        listing.draw_masks();
        Ok(listing)
    }

    /// What it runs by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The network as it is now.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Iterations that are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// All masks of an iteration: nothing else draws random numbers, so they can be drawn ahead.
    fn draw_masks(&mut self) {
        Self::masks(
            &self.batches,
            &self.network,
            &mut self.random,
            &mut self.masks,
        );
    }

    fn masks(batches: &[Batch], network: &Network, random: &mut NumpyRandom, masks: &mut Bits) {
        masks.clear();
        let images: usize = batches.iter().map(Batch::len).sum();
        random.randint2(images * network.geometry().hidden(), masks);
    }

    /// One pass over the training images, and with `test` one over the test images. Gives the training accuracy, and
    /// with `test` the test accuracy.
    ///
    /// # Errors
    /// [`Error::Stopped`] if `stop` says so before a batch.
    pub fn iterate(
        &mut self,
        test: bool,
        stop: impl Fn() -> bool,
    ) -> Result<(f64, Option<f64>), Error> {
        let (mut correct, mut seen, mut first_mask) = (0, 0, 0);
        for batch in &self.batches {
            if stop() {
                return Err(Error::Stopped);
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
                    Self::masks(batches, network, random, masks);
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

    /// The accuracies on the training and on the test images as they are now, without dropout.
    ///
    /// # Errors
    /// None: the images were made for the network.
    pub fn accuracy(&self) -> Result<Accuracy, Error> {
        let share = |images: &Images| -> Result<f64, Error> {
            Ok(self.network.count_correct(images)? as f64 / images.len() as f64)
        };
        Ok(Accuracy {
            test: share(&self.test)?,
            train: share(&self.train)?,
        })
    }

    /// What the network computes for other images, before softmax: (N, 10).
    ///
    /// # Errors
    /// If they have another size.
    pub fn logits(&self, images: &Dataset) -> Result<ndarray::Array2<f64>, Error> {
        let images = Images::new(*self.network.geometry(), images.images(), images.labels())?;
        Ok(self.network.logits(&images)?)
    }

    /// SHA-256 of the kernels and then the dense weights as the listing holds them: row-major float64,
    /// little-endian.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut sha = Sha256::new();
        for number in self.network.kernels().iter().chain(&self.network.weights()) {
            sha.update(number.to_le_bytes());
        }
        format!("{:x}", sha.finalize())
    }
}

/// A number as Python's `str` of a float prints it.
///
/// Both languages print the shortest digits that read back; they differ in when they turn to exponents,
/// and in the exponent's form.
#[must_use]
pub fn python_float(x: f64) -> String {
    if x == 0.0 || x.abs() >= 1e-4 {
        return format!("{x:?}");
    }
    let text = format!("{x:e}");
    match text.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::python_float;

    #[test]
    fn floats_print_as_in_python() {
        for (x, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.055, "0.055"),
            (0.04, "0.04"),
            (1.0 / 3.0, "0.3333333333333333"),
            (0.0001, "0.0001"),
            (0.00005, "5e-05"),
            (1.0 / 60_000.0, "1.6666666666666667e-05"),
        ] {
            assert_eq!(python_float(x), text);
        }
    }
}
