//! The chapter's fused network against the composition of the reference's operations in `f64`.

mod support;

use conv_core::chapter::{Batch, Geometry, Images, Network, Pooling, Rules, Workspace};
use conv_core::shape::Window;
use conv_core::{Bits, NumpyRandom, reference};
use ndarray::{Array1, Array2, Array3, s};
use support::*;

const STEPS: usize = 3;

/// The parameters that [`trains_to_the_same_bits_everywhere`] ends with, on any machine and with any features.
const DIGEST: &str = "39380b420de41bdb";
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// The 64-bit FNV-1a digest, a whole number further (G. Fowler, L. Noll and K. Vo).
fn fnv(digest: u64, number: u64) -> u64 {
    let bytes = number.to_le_bytes();
    bytes.iter().fold(digest, |digest, &byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Images of which most pixels are 0, as in MNIST, and their labels.
fn images(random: &mut NumpyRandom, n: usize, (h, w): (usize, usize)) -> (Array3<u8>, Vec<u8>) {
    let images = Array3::from_shape_simple_fn((n, h, w), || {
        let ink = random.random() > 0.7;
        let pixel = (random.random() * 256.0) as u8;
        if ink { pixel } else { 0 }
    });
    (images, (0..n).map(|i| (i * 7 % 10) as u8).collect())
}

/// The listing of a network, in `f64` and one operation after the other.
struct Listing {
    window: Window,
    positions: (usize, usize),
    pooling: Option<Pooling>,
    kernels: Array2<f64>,
    weights: Array2<f64>,
    /// The sum of the absolute values of all that was added to any kernel weight, and to any dense weight:
    /// what rounding errors are relative to.
    summands: [f64; 2],
}

impl Listing {
    /// The sections, as rows, and what every kernel predicts (N, positions, kernels).
    fn predict(&self, images: &Array3<u8>) -> (Array2<f64>, Array3<f64>) {
        let pixels = images.mapv(|pixel| f64::from(pixel) / 255.0);
        // Only as many positions as the network has: the listing forgets the last ones.
        let (kh, kw) = self.window.size.into();
        let pixels = pixels.slice(s![
            ..,
            ..self.positions.0 + kh - 1,
            ..self.positions.1 + kw - 1
        ]);
        let sections = reference::sections(pixels, &self.window);
        let (n, positions, taps) = sections.dim();
        let sections = sections
            .into_shape_with_order((n * positions, taps))
            .unwrap();
        let sums = reference::dense(sections.view(), self.kernels.view(), None);
        let shape = (n, positions, self.kernels.ncols());
        (
            sections,
            sums.mapv(reference::tanh)
                .into_shape_with_order(shape)
                .unwrap(),
        )
    }

    fn hidden(&self, predictions: &Array3<f64>) -> Array2<f64> {
        let (n, positions, kernels) = predictions.dim();
        match self.pooling {
            Some(pooling) => reference::pool_kernels(predictions.view(), pooling),
            None => predictions
                .to_shape((n, positions * kernels))
                .unwrap()
                .to_owned(),
        }
    }

    fn logits(&self, images: &Array3<u8>) -> Array2<f64> {
        let hidden = self.hidden(&self.predict(images).1);
        reference::dense(hidden.view(), self.weights.view(), None)
    }

    /// One step; how many images were classified rightly.
    fn train(
        &mut self,
        images: &Array3<u8>,
        labels: &[u8],
        masks: &dyn Fn(usize) -> bool,
        rules: &Rules,
    ) -> usize {
        let n = labels.len();
        let (sections, predictions) = self.predict(images);
        let mut hidden = self.hidden(&predictions);
        for (i, unit) in hidden.iter_mut().enumerate() {
            *unit = reference::dropout(*unit, masks(i), 2.0);
        }
        let logits = reference::dense(hidden.view(), self.weights.view(), None);
        let mut targets = Array2::zeros(logits.raw_dim());
        for (mut target, &label) in targets.rows_mut().into_iter().zip(labels) {
            target[usize::from(label)] = 1.0;
        }
        // label − prediction is minus the gradient of the summed loss.
        let gradient = reference::cross_entropy_d_logits(logits.view(), targets.view());
        let delta = gradient * (-(n as f64) / rules.delta_divisor);
        let mut d_hidden = reference::dense_d_input(delta.view(), self.weights.view());
        for (i, d) in d_hidden.iter_mut().enumerate() {
            *d = reference::dropout(*d, masks(i), rules.dropout_gradient);
        }
        let d_predictions = match self.pooling {
            Some(pooling) => {
                reference::pool_kernels_d_input(predictions.view(), d_hidden.view(), pooling)
            }
            None => d_hidden
                .into_shape_with_order(predictions.raw_dim())
                .unwrap(),
        };
        let mut d_sums = d_predictions;
        // The derivative of tanh by what dropout made of it: twice the tanh, wherever it is not 0.
        let slope = f64::from(rules.slope);
        d_sums.zip_mut_with(&predictions, |d, &t| *d *= 1.0 - slope * (2.0 * t).powi(2));
        let d_sums = d_sums
            .to_shape((sections.nrows(), self.kernels.ncols()))
            .unwrap();
        let sides = [(&sections, d_sums.to_owned()), (&hidden, delta)];
        let steps = [rules.kernel_alpha, rules.alpha];
        let parameters = [&mut self.kernels, &mut self.weights];
        for (i, (parameters, (input, d_output))) in parameters.into_iter().zip(sides).enumerate() {
            let gradient = reference::dense_d_weights(input.view(), d_output.view());
            parameters.scaled_add(steps[i], &gradient);
            let (input, d_output) = (input.mapv(f64::abs), d_output.mapv(f64::abs));
            let summands = reference::dense_d_weights(input.view(), d_output.view());
            self.summands[i] += steps[i].abs() * summands.iter().fold(0.0, |a: f64, b| a.max(*b));
        }
        let largest = |row: ndarray::ArrayView1<'_, f64>| {
            (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
        };
        let rows = logits.rows().into_iter().zip(labels);
        rows.filter(|(row, label)| largest(*row) == usize::from(**label))
            .count()
    }
}

/// The rules of the listing and those that are right, for n images.
fn all_rules(n: usize) -> [Rules; 2] {
    let listing = Rules {
        alpha: 2.0,
        kernel_alpha: -2.0,
        delta_divisor: (n * n) as f64,
        slope: 1.0,
        dropout_gradient: 1.0,
        subtract_maximum: false,
    };
    let right = Rules {
        // On so few images a large step would multiply every rounding error of the steps before.
        alpha: 0.05,
        kernel_alpha: 0.05,
        delta_divisor: n as f64,
        slope: 0.25,
        dropout_gradient: 2.0,
        subtract_maximum: true,
    };
    [listing, right]
}

/// Geometries, each with the kernel's size and the pooling.
fn geometries() -> Vec<(Geometry, (usize, usize), Option<Pooling>)> {
    let mut all = Vec::new();
    for pooling in [
        None,
        Some(Pooling::Sum),
        Some(Pooling::Mean),
        Some(Pooling::Max),
    ] {
        for kernels in [1, 5, 16, 20, 33] {
            for (image, kernel) in [
                ((9, 28), (3, 3)),
                ((28, 28), (5, 5)),
                ((7, 11), (1, 1)),
                ((10, 9), (3, 3)),
                ((8, 9), (2, 5)),
            ] {
                // The largest images with the fewest kernels.
                if image != (28, 28) || kernels == 5 {
                    let geometry = Geometry::new(image, kernel, kernels, pooling).unwrap();
                    all.push((geometry, kernel, pooling));
                }
            }
        }
        let whole = Geometry::new((28, 28), (3, 3), 16, pooling).unwrap();
        all.push((whole.without_last_position().unwrap(), (3, 3), pooling));
    }
    all
}

#[test]
fn trains_as_the_composed_operations_do() {
    for (geometry, kernel, pooling) in geometries() {
        let n = 6;
        for rules in all_rules(n) {
            let mut random = NumpyRandom::new(11);
            let (pixels, labels) = images(&mut random, n, geometry.image().into());
            let mut net = Network::new(geometry, &mut random);
            let mut listing = Listing {
                window: Window::new(kernel.0, kernel.1),
                positions: geometry.positions().into(),
                pooling,
                kernels: net.kernels(),
                weights: net.weights(),
                summands: [0.0; 2],
            };
            let made = Images::new(geometry, pixels.view(), &labels).unwrap();
            let batch = Batch::new(&made, 0..n).unwrap();
            let mut workspace = Workspace::new(&geometry, [&batch]);
            let mut masks = Bits::default();
            random.randint2(STEPS * n * geometry.hidden(), &mut masks);
            for step in 0..STEPS {
                let first = step * n * geometry.hidden();
                let found = net
                    .train(&made, &batch, &masks, first, &rules, &mut workspace)
                    .unwrap();
                let right = listing.train(&pixels, &labels, &|i| masks.get(first + i), &rules);
                assert_eq!(found, right, "{geometry:?}, {rules:?}, step {step}");
            }
            // Each summand went through a dozen f32 operations, of 6e-8 each, and tanh, of 4e-7.
            let found = [net.kernels(), net.weights()];
            let right = [&listing.kernels, &listing.weights];
            for (i, what) in ["kernels", "weights"].into_iter().enumerate() {
                let what = format!("{what}, {geometry:?}, {rules:?}");
                assert_near(&what, &found[i], right[i], 1e-6 * listing.summands[i]);
            }
            let logits = net.logits(&made).unwrap();
            let right = listing.logits(&pixels);
            let largest = right.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            assert_near(
                &format!("logits, {geometry:?}"),
                &logits,
                &right,
                4e-6 * largest,
            );
        }
    }
}

#[test]
fn trains_to_the_same_bits_everywhere() {
    let mut digest = FNV_START;
    for (image, kernel, kernels, pooling) in [
        ((28, 28), (3, 3), 20, None),
        ((13, 12), (5, 3), 5, None),
        ((28, 28), (3, 3), 16, Some(Pooling::Sum)),
        ((9, 10), (3, 3), 33, Some(Pooling::Mean)),
        ((28, 28), (3, 3), 5, Some(Pooling::Max)),
    ] {
        let geometry = Geometry::new(image, kernel, kernels, pooling).unwrap();
        let n = 13;
        let mut random = NumpyRandom::new(12);
        let (pixels, labels) = images(&mut random, n, image);
        let start = Network::new(geometry, &mut random);
        let mut masks = Bits::default();
        random.randint2(n * geometry.hidden(), &mut masks);
        let made = Images::new(geometry, pixels.view(), &labels).unwrap();
        let batch = Batch::new(&made, 0..n).unwrap();
        let train = || {
            let mut net = start.clone();
            let mut workspace = Workspace::new(&geometry, [&batch]);
            let mut correct = Vec::new();
            for rules in all_rules(n) {
                let step = net.train(&made, &batch, &masks, 0, &rules, &mut workspace);
                correct.push(step.unwrap());
            }
            correct.push(net.count_correct(&made).unwrap());
            let parameters: Array1<u64> = net
                .kernels()
                .iter()
                .chain(&net.weights())
                .map(|x| x.to_bits())
                .collect();
            (correct, parameters)
        };
        same_everywhere(train);
        for bits in train().1 {
            digest = fnv(digest, bits);
        }
    }
    assert_eq!(
        format!("{digest:016x}"),
        DIGEST,
        "other bits than on other machines, or with or without the feature rayon"
    );
}
