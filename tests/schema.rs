//! The JSON schema of recipes, `crates/trainer/recipes/recipe.schema.json`: for editors, which complete keys by it and show
//! what they mean.
//!
//! The program reads a recipe by hand, so that it can say which key is wrong and why. The types here are the same format
//! once more, for the schema alone; the tests compare them with what the program reads.
#![forbid(unsafe_code)]
// Fields are read by the schema's maker and by serde.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::Value;
use tests::{root, run, stderr};

/// A run of `trainer train`: data, network, loss, optimizer, and for how long.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Recipe {
    /// One line for people.
    description: Option<String>,
    /// All random numbers of the run follow from it. The default is 1.
    seed: Option<u64>,
    /// Passes over the training images.
    #[schemars(range(min = 1, max = 1_000_000))]
    epochs: u64,
    /// Images in a step.
    #[schemars(range(min = 1, max = 1_000_000))]
    batch: u64,
    /// What becomes of the images that do not fill a batch. The default is "spread".
    last_batch: Option<LastBatch>,
    /// The figure by which epochs are compared, to stop early and to choose the model. The default is "loss".
    monitor: Option<Monitor>,
    data: Option<Data>,
    augmentation: Option<Augmentation>,
    network: Network,
    loss: Option<Loss>,
    optimizer: Optimizer,
    schedule: Option<Schedule>,
    stop: Option<Stop>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Monitor {
    Loss,
    Accuracy,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LastBatch {
    /// They are spread over batches of one size, so that none is small.
    Spread,
    /// They are a smaller batch.
    Keep,
    /// They are left out of the epoch.
    Drop,
}

/// Which images, and how their pixels are normalised.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Data {
    /// The name of a data set, such as "mnist" or "fashion-mnist". The default is "mnist".
    dataset: Option<String>,
    /// The first so many training images are used; without it, all.
    #[schemars(range(min = 1, max = u32::MAX))]
    train_images: Option<u64>,
    /// So many of them are kept for validation.
    #[schemars(range(max = u32::MAX))]
    validation: Option<u64>,
    /// The default is `"by_255"`.
    normalisation: Option<Normalisation>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Normalisation {
    /// Divided by 255.
    #[serde(rename = "by_255")]
    By255,
    /// By the mean and the standard deviation of the training images.
    MeanDeviation,
}

/// How training images are deformed at random.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Augmentation {
    /// The part of the images that are deformed in the first epoch; the others are only shifted. The default is 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    probability: Option<f64>,
    /// The same in the last epoch. The default is `probability`.
    #[schemars(range(min = 0.0, max = 1.0))]
    last_probability: Option<f64>,
    /// The largest shift, in pixels.
    #[schemars(range(min = 0.0, max = 1000.0))]
    shift: Option<f64>,
    /// The largest rotation, in degrees.
    #[schemars(range(min = 0.0, max = 180.0))]
    rotation: Option<f64>,
    /// The largest change of the size, as a part of it.
    #[schemars(range(min = 0.0, max = 0.9))]
    scale: Option<f64>,
    /// The largest shear, as a part of the height.
    #[schemars(range(min = 0.0, max = 10.0))]
    shear: Option<f64>,
    elastic: Option<Elastic>,
}

/// An elastic distortion.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Elastic {
    /// Its strength, such as 34.
    #[schemars(range(min = 0.0, max = 10_000.0))]
    alpha: f64,
    /// Its smoothness in pixels, such as 4.
    #[schemars(range(min = 0.1, max = 100.0))]
    sigma: f64,
}

/// The network.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Network {
    /// First to last.
    layers: Vec<AnyLayer>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Layer")]
enum AnyLayer {
    /// A convolution.
    Conv {
        /// Output channels.
        kernels: u64,
        window: Window,
        /// The default is 1.
        groups: Option<u64>,
        /// The default is true.
        bias: Option<bool>,
        init: Option<Init>,
    },
    /// Every input for every output.
    Dense {
        outputs: u64,
        /// The default is true.
        bias: Option<bool>,
        init: Option<Init>,
    },
    /// The maximum or the mean under a window, which moves by its own size unless it has a stride.
    Pool {
        pool: Pool,
        window: Window,
    },
    /// The mean of each channel.
    GlobalAveragePool,
    /// The chapter's pooling across kernels.
    KernelPool {
        pooling: Pooling,
    },
    /// Rows, columns and channels become one row.
    Flatten,
    /// x above 0, else slope · x.
    Relu {
        /// The default is 0.
        slope: Option<f32>,
    },
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// GELU in its tanh form.
    Gelu,
    /// x times the logistic function of x.
    Silu,
    /// In training each value becomes 0 with this probability.
    Dropout {
        probability: f32,
    },
    /// Batch normalisation.
    BatchNorm {
        /// The default is 1e-5.
        epsilon: Option<f32>,
        /// Of the running statistics. The default is 0.1.
        momentum: Option<f32>,
    },
    /// Layer normalisation.
    LayerNorm {
        /// The default is 1e-5.
        epsilon: Option<f32>,
    },
    /// body(x) + shortcut(x); without a shortcut, body(x) + x.
    Residual {
        body: Vec<AnyLayer>,
        shortcut: Option<Vec<AnyLayer>>,
    },
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Pool {
    Max,
    Mean,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Pooling {
    Sum,
    Mean,
    Max,
}

/// Pixels: 5 for 5 × 5, or [height, width].
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Pair {
    Square(u64),
    Sides([u64; 2]),
}

/// A window's size, or a table.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Window {
    Size(Pair),
    Table(WindowTable),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WindowTable {
    size: Pair,
    stride: Option<Pair>,
    /// The default is 1.
    dilation: Option<Pair>,
    /// The default is "valid".
    padding: Option<Padding>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Padding {
    /// None: the window stays inside.
    Valid,
    /// As much as makes the output as large as the input, divided by the stride.
    Same,
    /// Pixels on each side.
    Explicit {
        top: u64,
        bottom: u64,
        left: u64,
        right: u64,
    },
}

/// How first weights are drawn. The default is "he".
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Init {
    Uniform { limit: f32 },
    Glorot,
    He,
}

/// What is minimised. The default is the cross-entropy.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Loss {
    r#type: LossType,
    /// Of the cross-entropy: how much of each label is spread over all classes.
    #[schemars(range(min = 0.0, max = 1.0))]
    smoothing: Option<f64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum LossType {
    CrossEntropy,
    MeanSquaredError,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Optimizer {
    r#type: Method,
    /// The learning rate, above 0.
    rate: f64,
    /// Of "momentum" and "nesterov". The default is 0.9.
    #[schemars(range(min = 0.0, max = 1.0))]
    momentum: Option<f64>,
    #[schemars(range(min = 0.0))]
    weight_decay: Option<f64>,
    /// The largest norm of a gradient; a longer one is scaled down to it.
    clip: Option<f64>,
    /// The decay of an exponential average of the weights and of running statistics, which is then the model.
    #[schemars(range(min = 0.0, max = 1.0))]
    average: Option<f64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Method {
    Sgd,
    Momentum,
    Nesterov,
    AdamW,
}

/// The learning rate over the run. The default is constant.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Schedule {
    r#type: ScheduleType,
    /// Of "step": after so many epochs the rate is multiplied by the factor.
    every: Option<u64>,
    /// Of "step".
    #[schemars(range(min = 0.0, max = 1.0))]
    factor: Option<f64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ScheduleType {
    Constant,
    Step,
    Cosine,
    OneCycle,
}

/// When the run stops before its last epoch.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Stop {
    /// After so many epochs without a better one.
    #[schemars(range(min = 1, max = 1_000_000))]
    patience: u64,
}

fn recipes() -> PathBuf {
    root().join("crates/trainer/recipes")
}

fn schema() -> Value {
    schema_for!(Recipe).to_value()
}

#[test]
fn the_file_is_the_schema_of_the_types() {
    let path = recipes().join("recipe.schema.json");
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, kept,
        "if this is as it should be, set UPDATE_SCHEMA=1 and run the test again"
    );
}

#[test]
fn every_builtin_recipe_fits() {
    let mut fitting = 0;
    for entry in fs::read_dir(recipes()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            let read = toml::from_str::<Recipe>(&text);
            assert!(read.is_ok(), "{}: {}", path.display(), read.err().unwrap());
            fitting += 1;
        }
    }
    assert!(fitting >= 8, "{fitting}");
    assert!(toml::from_str::<Recipe>("epochs = 1\nbatch = 1\nkernels = 1\n").is_err());
}

/// A recipe with every table, of the kinds that have all keys.
const WHOLE: &str = r#"
epochs = 1
batch = 10
[data]
validation = 100
[augmentation]
elastic = { alpha = 34.0, sigma = 4.0 }
[network]
layers = [
    LAYER
    { type = "conv", kernels = 2, window = { size = 3 } },
    { type = "flatten" },
    { type = "dense", outputs = 10 },
]
[loss]
type = "cross_entropy"
[optimizer]
type = "nesterov"
rate = 0.01
[schedule]
type = "step"
every = 1
factor = 0.5
[stop]
patience = 1
"#;

/// The keys that the program names when a table has one that it does not know.
fn known_to_the_program(recipe: &str, path: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whole.toml");
    fs::write(&file, recipe).unwrap();
    let unknown = format!("{path}xyzzy=1");
    let output = run(&[
        "train",
        file.to_str().unwrap(),
        "--dry-run",
        "--set",
        &unknown,
    ]);
    let said = stderr(&output);
    let (_, known) = said
        .to_lowercase()
        .split_once("known: ")
        .map(|(before, known)| (before.to_owned(), known.to_owned()))
        .unwrap_or_else(|| panic!("{path}: {said}"));
    let known = known.lines().next().unwrap().split(", ");
    known.map(|key| key.trim_matches('"').to_owned()).collect()
}

fn keys(properties: &Value) -> BTreeSet<String> {
    let properties = properties["properties"].as_object().unwrap();
    properties.keys().cloned().collect()
}

#[test]
fn it_has_the_keys_that_the_program_knows() {
    let schema = schema();
    let whole = WHOLE.replace("LAYER", "");
    assert_eq!(known_to_the_program(&whole, ""), keys(&schema));
    for (path, name) in [
        ("data.", "Data"),
        ("augmentation.", "Augmentation"),
        ("augmentation.elastic.", "Elastic"),
        ("network.", "Network"),
        ("loss.", "Loss"),
        ("optimizer.", "Optimizer"),
        ("schedule.", "Schedule"),
        ("stop.", "Stop"),
        ("network.layers[0].window.", "WindowTable"),
    ] {
        let known = known_to_the_program(&whole, path);
        assert_eq!(known, keys(&schema["$defs"][name]), "{path}");
    }
}

#[test]
fn it_has_the_layers_that_the_program_knows_with_their_keys() {
    let schema = schema();
    let layers = schema["$defs"]["Layer"]["oneOf"].as_array().unwrap();
    assert_eq!(layers.len(), 15);
    for layer in layers {
        let kind = layer["properties"]["type"]["const"].as_str().unwrap();
        let required = match kind {
            "conv" => ", kernels = 1, window = 3",
            "dense" => ", outputs = 1",
            "pool" => ", pool = \"max\", window = 2",
            "kernel_pool" => ", pooling = \"max\"",
            "dropout" => ", probability = 0.5",
            "residual" => ", body = []",
            _ => "",
        };
        let with_keys = format!("{{ type = \"{kind}\"{required} }},");
        let recipe = WHOLE.replace("LAYER", &with_keys);
        let known = known_to_the_program(&recipe, "network.layers[0].");
        assert_eq!(known, keys(layer), "{kind}");
    }
}
