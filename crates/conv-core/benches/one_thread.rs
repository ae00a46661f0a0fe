//! One image, training and the chapter on one thread, where there are no files, no threads and no pool: in WebAssembly too
//! (docs/RESULTS.md tells how). A time is the mean of the fastest of many windows.
//!
//! ```console
//! cargo bench -p conv-core --no-default-features --bench one_thread
//! ```
#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use conv_core::chapter::{self, Geometry, Rules};
use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Conv, Layers, Spec};
use conv_core::{Bits, NumpyRandom, simd};
use mnist_data::{Dataset, Splits, embedded};
use ndarray::{Array4, Axis};

const BATCH: usize = 64;
/// Short, so that on a machine with other work some of them are left alone.
const WINDOW: Duration = Duration::from_millis(3);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    simd::set_level(simd::Level::from_env()?)?;
    // `cargo test --benches` only shows that it runs.
    let windows = match std::env::args().any(|argument| argument == "--bench") {
        true => 400,
        false => 1,
    };
    let digits = embedded::load();
    let image = quick(&digits, windows)? * 1e6;
    let images = BATCH as f64 / lenet(&digits, windows)?;
    let (train, test) = book(&digits, windows)?;
    println!(
        "{}: one image through quick {image:.1} µs; LeNet learns from {images:.0} images/s; \
         book {:.1} ms + {:.1} ms of test",
        simd::level(),
        train * 1e3,
        test * 1e3
    );
    Ok(())
}

/// Seconds of a call: the mean of the fastest window, after one call to warm up.
fn fastest(windows: u32, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    call()?;
    let mut fastest = f64::INFINITY;
    for _ in 0..windows {
        let start = Instant::now();
        let mut calls = 0.0;
        let mean = loop {
            call()?;
            calls += 1.0;
            let elapsed = start.elapsed();
            if elapsed >= WINDOW {
                break elapsed.as_secs_f64() / calls;
            }
        };
        fastest = mean.min(fastest);
    }
    Ok(fastest)
}

/// Images as (image, row, column, 1) from 0 to 1, and labels.
fn arrays(set: &Dataset) -> (Array4<f32>, Vec<usize>) {
    let images = set.images().mapv(|pixel| f32::from(pixel) / 255.0);
    let labels = set.labels().iter().map(|&label| usize::from(label));
    (images.insert_axis(Axis(3)), labels.collect())
}

/// One image through the network of the recipe `quick`, its normalisations folded.
fn quick(digits: &Splits, windows: u32) -> Result<f64> {
    let layers = Layers::new()
        .then(Conv::new(8, 5).without_bias())
        .max_pool(3)
        .batch_norm()
        .relu()
        .then(Conv::new(64, 5).without_bias())
        .batch_norm()
        .relu()
        .flatten()
        .dense(10);
    let network = Network::new(&Spec::new((28, 28, 1), layers), 1)?.folded()?;
    let mut workspace = Workspace::new();
    let (images, _) = arrays(&digits.test.first(1)?);
    fastest(windows, || {
        network.forward(images.view(), &mut workspace)?;
        Ok(())
    })
}

/// A step of a `LeNet` of 8 and 16 kernels, that of docs/RESULTS.md.
fn lenet(digits: &Splits, windows: u32) -> Result<f64> {
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
    let mut optimizer = Optimizer::momentum(0.02, 0.9);
    let mut workspace = Workspace::new();
    let loss = Loss::CrossEntropy { smoothing: 0.0 };
    let (images, labels) = arrays(&digits.train);
    let mut place = 0;
    fastest(windows, || {
        if place + BATCH > labels.len() {
            place = 0;
        }
        let batch = images.slice_axis(Axis(0), (place..place + BATCH).into());
        let targets = Targets::Labels(&labels[place..place + BATCH]);
        place += BATCH;
        network.train_step(batch, targets, loss, &mut optimizer, &mut workspace)?;
        Ok(())
    })
}

/// An iteration of the chapter's run: training, and the test images.
fn book(digits: &Splits, windows: u32) -> Result<(f64, f64)> {
    const BATCH: usize = 128;
    let geometry = Geometry::new((28, 28), (3, 3), 16, None)?.without_last_position()?;
    let images = |set: &Dataset| chapter::Images::new(geometry, set.images(), set.labels());
    let (train, test) = (images(&digits.train)?, images(&digits.test)?);
    let batches = (0..train.len() / BATCH)
        .map(|batch| chapter::Batch::new(&train, batch * BATCH..(batch + 1) * BATCH))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let mut random = NumpyRandom::new(1);
    let mut network = chapter::Network::new(geometry, &mut random);
    let mut workspace = chapter::Workspace::new(&geometry, &batches);
    let mut masks = Bits::default();
    let rules = Rules {
        alpha: 2.0,
        kernel_alpha: -2.0,
        delta_divisor: (BATCH * BATCH) as f64,
        slope: 1.0,
        dropout_gradient: 1.0,
        subtract_maximum: false,
    };
    let training = fastest(windows.div_ceil(8), || {
        for batch in &batches {
            masks.clear();
            random.randint2(batch.len() * geometry.hidden(), &mut masks);
            network.train(&train, batch, &masks, 0, &rules, &mut workspace)?;
        }
        Ok(())
    })?;
    let testing = fastest(windows.div_ceil(8), || {
        network.count_correct(&test)?;
        Ok(())
    })?;
    Ok((training, testing))
}
