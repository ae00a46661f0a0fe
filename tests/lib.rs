//! What the tests of the whole program share: where it is, and how it is run.
#![forbid(unsafe_code)]
// A test that cannot go on panics; that is how it fails.
#![allow(clippy::missing_panics_doc)]

pub mod drawing;

pub use skipped::{full_mnist, skipped, skipped_on};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::{Optimizer, Schedule};
use conv_core::spec::{Layers, Spec};
use mnist_data::embedded;

/// The root of the project.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in the project")
}

/// The `trainer` program, which Cargo builds before it runs the tests of that package.
#[must_use]
pub fn trainer() -> Command {
    let program = std::env::var_os("CARGO_BIN_EXE_trainer")
        .expect("the tests are run by Cargo, which tells where the program is");
    let mut command = Command::new(program);
    command.env_remove("CONV_CORE_SIMD");
    command
}

/// Runs the program with these arguments to its end.
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    trainer().args(arguments).output().expect("trainer starts")
}

/// Ctrl-C, for this process alone.
#[cfg(unix)]
pub fn interrupt(child: &std::process::Child) {
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// What it wrote on stdout.
#[must_use]
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8")
}

/// What it wrote on stderr.
#[must_use]
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is UTF-8")
}

/// Asserts that the program succeeded, and gives its stdout.
#[must_use]
pub fn succeeds(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        stderr(output)
    );
    stdout(output)
}

/// The digest of the parameters that a run tells on stderr.
#[must_use]
pub fn digest(output: &Output) -> String {
    let text = stderr(output);
    let digest = text
        .lines()
        .find_map(|line| line.strip_prefix("SHA-256 of the parameters: "));
    let digest = digest.unwrap_or_else(|| panic!("no digest in {text:?}"));
    assert_eq!(digest.len(), 64, "{digest}");
    digest.to_owned()
}

/// The bytes of a model that has learnt the 1,000 embedded digits for a second, as `trainer` writes them.
#[must_use]
pub fn small_model() -> &'static [u8] {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    MODEL.get_or_init(|| {
        let layers = Layers::new()
            .conv(8, (5, 5))
            .max_pool(2)
            .relu()
            .conv(16, (5, 5))
            .max_pool(2)
            .relu()
            .flatten()
            .dropout(0.5)
            .dense(10);
        let spec = Spec::new((28, 28, 1), layers);
        let mut network = Network::new(&spec, 1).expect("the layers fit");
        let digits = embedded::load().train;
        let schedule = Schedule::OneCycle { steps: 20 * 25 };
        let mut optimizer = Optimizer::adamw(4e-3).schedule(schedule);
        let mut workspace = Workspace::new();
        for epoch in 0..20 {
            for batch in digits.batches(40).expect("40 is a size").shuffled(epoch) {
                let labels: Vec<usize> = batch.labels.iter().map(|&l| l.into()).collect();
                let (input, targets) = (batch.images.view(), Targets::Labels(&labels));
                let loss = Loss::CrossEntropy { smoothing: 0.1 };
                let step = network.train_step(input, targets, loss, &mut optimizer, &mut workspace);
                step.expect("a step succeeds");
            }
        }
        let classes: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        as_model(&network, &classes, (0.0, 1.0))
    })
}

/// The bytes of a model with this network, its pixels normalised by a mean and a deviation.
#[must_use]
pub fn as_model(network: &Network, classes: &[String], (mean, deviation): (f32, f32)) -> Vec<u8> {
    let about = serde_json::json!({
        "version": "0.1.0",
        "dataset": "mnist",
        "normalisation": { "mean": mean, "deviation": deviation },
        "classes": classes,
    });
    let metadata = BTreeMap::from([("trainer".to_owned(), about.to_string())]);
    network.to_bytes_with(&metadata).expect("it can be written")
}

/// A Python that can import these modules: that of the environment variable `PYTHON`, of the folder that
/// `cargo xtask bench --peers` makes, or on the path. If there is none, the test that asks says that it is skipped.
#[must_use]
pub fn python(modules: &[&str]) -> Option<Command> {
    let imports = format!("import {}", modules.join(", "));
    let own = root().join("target/peers/bin/python");
    let candidates = std::env::var_os("PYTHON").map(PathBuf::from).into_iter();
    for python in candidates.chain([own, PathBuf::from("python3")]) {
        let tried = Command::new(&python).args(["-c", &imports]).output();
        if tried.is_ok_and(|output| output.status.success()) {
            return Some(Command::new(python));
        }
    }
    skipped(format_args!(
        "no Python with {}; set PYTHON to one, or run `cargo xtask bench book --peers`",
        modules.join(", ")
    ));
    None
}

/// A folder with a data set of 200 + 50 small pictures, 12 × 12, cut from the embedded ones: quick to read and to
/// learn from.
#[must_use]
pub fn small_data() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let splits = mnist_data::embedded::load();
    for (set, name, count) in [(splits.train, "train", 200), (splits.test, "t10k", 50)] {
        let images = ndarray::Array3::from_shape_fn((count, 12, 12), |(n, y, x)| {
            set.images()[[n, y + 8, x + 8]]
        });
        let images = images.into_dyn();
        let labels = ndarray::Array1::from_iter(set.labels()[..count].iter().copied()).into_dyn();
        for (array, kind) in [(images, "images-idx3"), (labels, "labels-idx1")] {
            let path = folder.path().join(format!("{name}-{kind}-ubyte"));
            let mut file = std::fs::File::create(path).expect("the folder can be written");
            mnist_data::idx::write(&mut file, &array).expect("the file can be written");
        }
    }
    folder
}

/// A recipe for [`small_data`] with everything that has a state: momenta, an average, running statistics, dropout,
/// deformations, and a rate that changes.
pub const SMALL_RECIPE: &str = r#"
epochs = 4
batch = 30

[data]
validation = 50

[augmentation]
shift = 1.0
rotation = 10.0
elastic = { alpha = 8.0, sigma = 3.0 }

[network]
layers = [
    { type = "conv", kernels = 4, window = 3, bias = false },
    { type = "batch_norm" },
    { type = "relu" },
    { type = "pool", pool = "max", window = 2 },
    { type = "flatten" },
    { type = "dropout", probability = 0.25 },
    { type = "dense", outputs = 10 },
]

[optimizer]
type = "adamw"
rate = 0.01
average = 0.9

[schedule]
type = "one_cycle"
"#;

/// The digest that a run's result.json tells.
///
/// # Panics
/// If the run has no result.
#[must_use]
pub fn result_digest(run: &Path) -> String {
    let text = std::fs::read_to_string(run.join("result.json")).expect("the run has a result");
    let result: serde_json::Value = serde_json::from_str(&text).expect("the result is JSON");
    result["digest"]
        .as_str()
        .expect("it has a digest")
        .to_owned()
}
