//! What `trainer train` costs beyond its training steps: the same steps bare, on batches that are there already; with
//! batches that another thread makes ahead; and as the program runs them, with metrics and checkpoints.
//!
//! `cargo bench -p trainer --bench overhead [-- RECIPE EPOCHS]`. Rounds alternate, and of each the fastest counts: on a
//! machine that does other things, too, that is the least disturbed one.
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::Optimizer;
use mnist_data::{Batch, Prefetch, embedded};

const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let word = |at: usize, usual: &str| arguments.get(at).map_or(usual, String::as_str).to_owned();
    let (recipe, epochs) = (word(0, "stacked"), word(1, "40"));
    let folder = tempfile::tempdir()?;
    let pool = rayon::ThreadPoolBuilder::new().build()?;
    let (mut bare, mut made, mut whole) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for round in 0..ROUNDS {
        let run = folder.path().join(round.to_string());
        let status = Command::new(env!("CARGO_BIN_EXE_trainer"))
            .args(["train", &recipe, "--epochs", &epochs, "--run"])
            .arg(&run)
            // As it trains by itself: without deformations, which are work of their own and not the step's.
            .args(["--set", "augmentation={}"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            return Err("the run failed".into());
        }
        let result: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(run.join("result.json"))?)?;
        whole = whole.min(result["seconds"].as_f64().ok_or("no seconds")?);
        let batch = batch_of(&run.join("recipe.toml"))?;
        let model = run.join("model.safetensors");
        let epochs = epochs.parse()?;
        // On a thread of the pool, as the program trains: from outside of it every step waits to be handed over.
        let timed = |made| {
            pool.install(|| steps(&model, batch, epochs, made).map_err(|error| error.to_string()))
        };
        bare = bare.min(timed(false)?);
        made = made.min(timed(true)?);
    }
    let over = |other: f64| 100.0 * (whole / other - 1.0);
    println!(
        "{recipe}, {epochs} epochs, the fastest of {ROUNDS} rounds: bare steps {bare:.3} s, with batches made ahead \
         {made:.3} s, the program {whole:.3} s: {:+.2} % and {:+.2} %",
        over(bare),
        over(made)
    );
    Ok(())
}

fn batch_of(recipe: &Path) -> Result<usize, Box<dyn Error>> {
    let recipe: toml::Table = std::fs::read_to_string(recipe)?.parse()?;
    let batch = recipe["batch"].as_integer().ok_or("no batch")?;
    Ok(usize::try_from(batch)?)
}

/// Seconds of as many steps with the network of this file.
fn steps(model: &Path, batch: usize, epochs: usize, made: bool) -> Result<f64, Box<dyn Error>> {
    let spec = Network::from_bytes(&std::fs::read(model)?)?.spec().clone();
    let mut network = Network::new(&spec, 1)?;
    let dataset = embedded::load().train;
    let ready: Vec<Batch> = dataset.batches(batch)?.collect();
    let (mut optimizer, mut workspace) = (Optimizer::adamw(1e-4).average(0.9), Workspace::new());
    let loss = Loss::CrossEntropy { smoothing: 0.1 };
    let mut labels = Vec::new();
    let mut step = |batch: &Batch| {
        labels.clear();
        labels.extend(batch.labels.iter().map(|&label| usize::from(label)));
        let (input, targets) = (batch.images.view(), Targets::Labels(&labels));
        network
            .train_step(input, targets, loss, &mut optimizer, &mut workspace)
            .map(drop)
    };
    let start = Instant::now();
    if made {
        let all = (0..epochs).flat_map(move |epoch| {
            let batches = dataset.batches(batch).ok();
            batches
                .into_iter()
                .flat_map(move |batches| batches.shuffled(epoch as u64))
        });
        for batch in Prefetch::new(all, 2)? {
            step(&batch)?;
        }
    } else {
        for _ in 0..epochs {
            for batch in &ready {
                step(batch)?;
            }
        }
    }
    Ok(start.elapsed().as_secs_f64())
}
