//! A `LeNet`: training steps of 64 images by SGD with momentum, inference of 100 images, and of one.

use std::error::Error;
use std::ops::Range;

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::conv::Conv;
use conv_core::optimizer::Optimizer;
use conv_core::reference;
use conv_core::shape::Window;
use conv_core::spec::{Layers, Spec};
use mnist_data::{Dataset, embedded};
use ndarray::{Array2, Array4, ArrayView4, Axis};

use crate::numbers::{agree, bias, checksum, drawn, images, kernels};
use crate::{Found, Settings, clock};

const BATCH: usize = 64;
pub(crate) const TEST_BATCH: usize = 100;
/// Steps whose losses are compared.
const COMPARED: usize = 10;
const RATE: f64 = 0.02;
const MOMENTUM: f32 = 0.9;
const LOSS: Loss = Loss::CrossEntropy { smoothing: 0.0 };

/// The first weights, in this project's order of axes; each layer's scale is 1 / √(inputs of an output).
struct Weights {
    kernels: [Array4<f32>; 2],
    biases: [ndarray::Array1<f32>; 3],
    dense: Array2<f32>,
}

impl Weights {
    fn new() -> Self {
        let scales = [1.0 / 5.0, 1.0 / 200_f64.sqrt(), 1.0 / 16.0].map(|scale| scale as f32);
        // Drawn (class, channel, row, column), needed (row, column, channel; class).
        let dense = drawn(10 * 256, 5, scales[2]);
        Self {
            kernels: [
                kernels([8, 1, 5, 5], 1, scales[0]),
                kernels([16, 8, 5, 5], 3, scales[1]),
            ],
            biases: [
                bias(8, 2, scales[0]),
                bias(16, 4, scales[1]),
                bias(10, 6, scales[2]),
            ],
            dense: Array2::from_shape_fn((256, 10), |(unit, class)| {
                let (pixel, channel) = (unit / 16, unit % 16);
                dense[class * 256 + channel * 16 + pixel]
            }),
        }
    }

    fn network(&self) -> Result<Network, conv_core::Error> {
        let layers = Layers::new()
            .conv(8, (5, 5))
            .max_pool(2)
            .relu()
            .conv(16, (5, 5))
            .max_pool(2)
            .relu()
            .flatten()
            .dense(10);
        let mut network = Network::new(&Spec::new((28, 28, 1), layers), 1)?;
        let numbers: Vec<f32> = self.kernels[0]
            .iter()
            .chain(&self.biases[0])
            .chain(&self.kernels[1])
            .chain(&self.biases[1])
            .chain(&self.dense)
            .chain(&self.biases[2])
            .copied()
            .collect();
        network.set_values(&numbers)?;
        Ok(network)
    }

    /// The logits in plain loops, in `f64`.
    fn logits(&self, images: &Array4<f32>) -> Result<Array2<f64>, Box<dyn Error>> {
        let mut x = images.mapv(f64::from);
        for (kernels, bias) in self.kernels.iter().zip(&self.biases) {
            let (kernels, bias) = (kernels.mapv(f64::from), bias.mapv(f64::from));
            let conv = Conv::new(Window::new(5, 5));
            let y = reference::conv(&conv, x.view(), kernels.view(), Some(bias.view()));
            let (n, rows, cols, channels) = y.dim();
            x = Array4::from_shape_fn((n, rows / 2, cols / 2, channels), |(n, row, col, c)| {
                let at = |i: usize| y[[n, 2 * row + i / 2, 2 * col + i % 2, c]];
                (0..4).map(at).fold(0.0, f64::max)
            });
        }
        let n = x.dim().0;
        let units = x.into_shape_with_order((n, 256))?;
        let (dense, bias) = (self.dense.mapv(f64::from), self.biases[2].mapv(f64::from));
        Ok(reference::dense(
            units.view(),
            dense.view(),
            Some(bias.view()),
        ))
    }
}

/// Three images, against the plain loops in `f64`.
pub(crate) fn verify() -> Result<(), Box<dyn Error>> {
    let weights = Weights::new();
    let input = images([3, 1, 28, 28], 7, 1.0);
    let mut workspace = Workspace::new();
    let network = weights.network()?;
    let logits = network.forward(input.view(), &mut workspace)?;
    agree("lenet's logits", logits, weights.logits(&input)?.view())?;
    Ok(())
}

/// Images as (image, row, column, 1) from 0 to 1, and labels.
pub(crate) fn arrays(set: &Dataset) -> (Array4<f32>, Vec<usize>) {
    let images = set.images().mapv(|pixel| f32::from(pixel) / 255.0);
    let labels = set.labels().iter().map(|&label| usize::from(label));
    (images.insert_axis(Axis(3)), labels.collect())
}

pub(crate) fn some(images: &Array4<f32>, which: Range<usize>) -> ArrayView4<'_, f32> {
    images.slice_axis(Axis(0), which.into())
}

pub(crate) fn time(settings: &Settings, pool: &rayon::ThreadPool) -> Result<Found, Box<dyn Error>> {
    let digits = match &settings.data {
        Some(folder) => mnist_data::read_dir(folder)?,
        None => embedded::load(),
    };
    let (train, labels) = arrays(&digits.train);
    let (test, _) = arrays(&digits.test);
    if labels.len() < COMPARED * BATCH || test.dim().0 < TEST_BATCH {
        return Err("too few images: 640 to learn from and 100 to test are needed".into());
    }
    Ok(pool.install(|| on_this_pool(settings, (&train, &labels), &test))?)
}

fn on_this_pool(
    settings: &Settings,
    (train, labels): (&Array4<f32>, &[usize]),
    test: &Array4<f32>,
) -> Result<Found, conv_core::Error> {
    let mut found = Found::default();
    let untrained = Weights::new().network()?;
    let window = settings.window;

    let mut network = untrained.clone();
    let mut optimizer = Optimizer::momentum(RATE, MOMENTUM);
    let mut workspace = Workspace::new();
    let mut place = 0;
    let mut step = || {
        if place + BATCH > labels.len() {
            place = 0;
        }
        let batch = some(train, place..place + BATCH);
        let targets = Targets::Labels(&labels[place..place + BATCH]);
        place += BATCH;
        network.train_step(batch, targets, LOSS, &mut optimizer, &mut workspace)
    };
    for number in 1..=COMPARED {
        let report = step()?;
        found.check(format!("loss {number}"), report.loss, 1e-4);
    }
    let training = clock::fastest(window, || step().map(drop))?;

    let mut workspace = Workspace::new();
    let first = some(test, 0..TEST_BATCH);
    let (sum, tolerance) = checksum(untrained.forward(first, &mut workspace)?);
    found.check("logits".to_owned(), sum, tolerance);
    let batches = test.dim().0 / TEST_BATCH;
    let mut batch = 0;
    let inference = clock::fastest(window, || {
        let images = some(test, batch * TEST_BATCH..(batch + 1) * TEST_BATCH);
        batch = (batch + 1) % batches;
        untrained.forward(images, &mut workspace).map(drop)
    })?;

    let mut workspace = Workspace::new();
    let image = some(test, 0..1);
    let latency = clock::fastest(window, || {
        untrained.forward(image, &mut workspace).map(drop)
    })?;
    for (name, time) in [
        ("training", training),
        ("inference", inference),
        ("latency", latency),
    ] {
        found.times.insert(name.to_owned(), time);
    }
    Ok(found)
}
