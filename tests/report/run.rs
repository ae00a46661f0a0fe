//! Runs whose folders a test makes, by the library alone: small ones, quickly trained.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::loss::cross_entropy_of_labels;
use conv_core::optimizer::{Optimizer, Schedule};
use conv_core::spec::{Layers, Spec};
use mnist_data::embedded;
use ndarray::Array2;
use serde_json::json;

/// Images of a step.
const BATCH: usize = 50;
/// Training images kept for validation.
const KEPT: usize = 200;

/// What to train.
pub(crate) struct Run<'a> {
    pub(crate) description: &'a str,
    pub(crate) layers: Layers,
    pub(crate) epochs: u64,
    pub(crate) rate: f64,
    pub(crate) seed: u64,
}

impl Run<'_> {
    /// Trains it, and makes its folder as `trainer train` does. Times are made up, so that a page is the same
    /// each time.
    pub(crate) fn make(&self, folder: &Path) {
        let digits = embedded::load();
        let train = digits.train.first(1_000 - KEPT).expect("there are 1,000");
        let kept: Vec<usize> = (1_000 - KEPT..1_000).collect();
        let kept = digits.train.select(&kept).expect("there are 1,000");
        let all = |set: &mnist_data::Dataset| {
            let batch = set
                .batches(set.len())
                .expect("images")
                .next()
                .expect("images");
            let labels: Vec<usize> = batch.labels.iter().map(|&label| label.into()).collect();
            (batch.images, labels)
        };
        let spec = Spec::new((28, 28, 1), self.layers.clone());
        let mut network = Network::new(&spec, self.seed).expect("layers that fit");
        let steps = self.epochs * train.len().div_ceil(BATCH) as u64;
        let schedule = Schedule::OneCycle { steps };
        let mut optimizer = Optimizer::adamw(self.rate).schedule(schedule);
        let mut workspace = Workspace::new();
        let plain = Loss::CrossEntropy { smoothing: 0.0 };
        let measure = |network: &Network, set: &mnist_data::Dataset, workspace: &mut Workspace| {
            let (images, labels) = all(set);
            let logits = network.forward(images.view(), workspace).expect("it fits");
            let found = logits.outer_iter().zip(&labels);
            let right =
                found.filter(|(logits, label)| logits.iter().all(|&x| x <= logits[**label]));
            let right = right.count() as f64 / labels.len() as f64;
            let mut unused = Array2::zeros(logits.dim());
            let loss = cross_entropy_of_labels(logits, &labels, 0.0, unused.view_mut());
            (loss.expect("it fits"), right)
        };
        let mut metrics = String::new();
        for epoch in 1..=self.epochs {
            let (mut loss, mut correct) = (0.0, 0);
            let rate = optimizer.rate();
            for batch in train.batches(BATCH).expect("images").shuffled(epoch) {
                let labels: Vec<usize> = batch.labels.iter().map(|&label| label.into()).collect();
                let targets = Targets::Labels(&labels);
                let report = network.train_step(
                    batch.images.view(),
                    targets,
                    plain,
                    &mut optimizer,
                    &mut workspace,
                );
                let report = report.expect("it fits");
                loss += report.loss * labels.len() as f64;
                correct += report.correct;
            }
            let images = train.len() as f64;
            let (validation_loss, validation_accuracy) = measure(&network, &kept, &mut workspace);
            let line = json!({
                "epoch": epoch, "step": optimizer.steps(), "images": train.len() as u64 * epoch,
                "loss": loss / images, "accuracy": correct as f64 / images,
                "validation_loss": validation_loss, "validation_accuracy": validation_accuracy,
                "rate": rate, "seconds": 0.5, "images_per_second": 1_600.0,
                "time": {"batches": 0.03, "steps": 0.4, "validation": 0.05, "checkpoint": 0.01},
            });
            writeln!(metrics, "{line}").expect("a String takes it");
        }
        let (test_loss, test_accuracy) = measure(&network, &digits.test, &mut workspace);
        let result = json!({
            "test_loss": test_loss, "test_accuracy": test_accuracy, "epochs": self.epochs,
            "steps": optimizer.steps(), "seconds": 0.5 * self.epochs as f64,
            "parameters": network.values().len(), "digest": "0123456789abcdef".repeat(4), "stopped": "finished",
        });
        let environment = json!({
            "version": "0.1.0", "commit": "7b29235", "cpu": "A processor", "instruction_set": "avx512",
            "threads": 2, "os": "linux", "data": [{"sha256": "0123456789abcdef".repeat(4), "embedded": true}],
            "started": "2026-11-24T09:00:00Z", "command": "trainer train made",
        });
        let recipe = format!(
            "description = {}\nseed = {}\nepochs = {}\nbatch = {BATCH}\n\n[data]\ndataset = \"mnist\"\n\
             validation = {KEPT}\n\n[optimizer]\ntype = \"adamw\"\nrate = {}\n",
            toml_string(self.description),
            self.seed,
            self.epochs,
            self.rate
        );
        let names: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        let about = json!({
            "version": "0.1.0", "dataset": "mnist", "classes": names,
            "normalisation": {"mean": 0.0, "deviation": 1.0},
        });
        let about = BTreeMap::from([("trainer".to_owned(), about.to_string())]);
        let model = network
            .to_bytes_with(&about)
            .expect("a network can be written");
        std::fs::create_dir_all(folder).expect("a folder");
        for (name, content) in [
            ("recipe.toml", recipe.into_bytes()),
            ("environment.json", environment.to_string().into_bytes()),
            ("metrics.jsonl", metrics.into_bytes()),
            ("result.json", result.to_string().into_bytes()),
            ("model.safetensors", model),
        ] {
            std::fs::write(folder.join(name), content).expect("a file");
        }
    }
}

/// A string as TOML has it: JSON's escapes are TOML's, too.
fn toml_string(text: &str) -> String {
    json!(text).to_string()
}
