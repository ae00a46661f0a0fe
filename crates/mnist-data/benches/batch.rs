//! How many images a second become batches of 128.
//!
//! ```console
//! cargo bench -p mnist-data --features embedded --bench batch
//! ```

use std::time::{Duration, Instant};

use mnist_data::{Augmentation, Batch, Batches, Elastic, Normalisation, embedded};

const SIZE: usize = 128;
const ROUNDS: usize = 9;

type Setting = (&'static str, Box<dyn Fn(Batches) -> Batches>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let dataset = embedded::load().test;
    let loading = start.elapsed();
    let elastic = Some(Elastic::new(34.0, 4.0)?);
    let affine = Augmentation::default();
    let both = Augmentation {
        elastic: elastic.clone(),
        ..Augmentation::default()
    };
    let normalisation = Normalisation::measure(&dataset);
    let settings: [Setting; 5] = [
        ("in order, by 255", Box::new(|batches| batches)),
        ("shuffled", Box::new(|batches| batches.shuffled(1))),
        (
            "shuffled, by mean and deviation",
            Box::new(move |batches| batches.shuffled(1).normalised(normalisation)),
        ),
        (
            "shifted, turned, scaled, sheared",
            Box::new(move |batches| batches.augmented(affine.clone(), 1)),
        ),
        (
            "the same and distorted elastically",
            Box::new(move |batches| batches.augmented(both.clone(), 1)),
        ),
    ];
    println!(
        "{:9.2} ms  the embedded data, loaded",
        loading.as_secs_f64() * 1e3
    );
    println!(
        "{} images in batches of {SIZE}, medians of {ROUNDS} rounds, images a second",
        dataset.len()
    );
    for (name, setting) in &settings {
        let batches = || dataset.batches(SIZE).map(setting);
        let here = median(|| Ok(batches()?.map(|batch| checked(&batch)).sum()))?;
        let ahead = median(|| Ok(batches()?.prefetched(2)?.map(|batch| checked(&batch)).sum()))?;
        let rate = |time: Duration| dataset.len() as f64 / time.as_secs_f64();
        println!(
            "{:12.0}  {name}; {:.0} if prefetched",
            rate(here),
            rate(ahead)
        );
    }
    Ok(())
}

/// The images of a batch that is what it should be.
fn checked(batch: &Batch) -> usize {
    assert!(batch.images.iter().all(|pixel| pixel.is_finite()));
    batch.labels.len()
}

fn median(
    run: impl Fn() -> Result<usize, Box<dyn std::error::Error>>,
) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        assert_eq!(run()?, 10_000);
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[ROUNDS / 2])
}
