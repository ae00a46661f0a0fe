//! What PyTorch finds, for the tests against it: `../golden/torch.safetensors`, which `../golden/make_torch_goldens.py` makes,
//! has layers, networks and training steps, and what PyTorch finds for them in float64.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use conv_core::optimizer::Schedule;
use conv_core::spec::Spec;
use ndarray::{Array, ArrayD, ArrayView, Dimension};
use safetensors::SafeTensors;
use serde::Deserialize;

/// What is computed.
#[derive(Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Case {
    /// A layer: its output and its gradients.
    Layer {
        /// The name that its arrays begin with.
        name: String,
        /// The layer and its input.
        spec: Spec,
        /// As in training, or as in inference.
        training: bool,
    },
    /// A network: its loss, and the gradients of all parameters.
    Network {
        /// The name that its arrays begin with.
        name: String,
        /// The layers.
        spec: Spec,
        /// What is minimised.
        loss: Goal,
        /// The labels, or none where the targets are an array.
        labels: Option<Vec<usize>>,
        /// The loss.
        found: f64,
    },
    /// Steps of training: the parameters after them.
    Training {
        /// The name that its arrays begin with.
        name: String,
        /// The layers.
        spec: Spec,
        /// What is minimised.
        loss: Goal,
        /// The labels.
        labels: Vec<usize>,
        /// The optimizer.
        optimizer: Method,
        /// How many steps are taken.
        steps: usize,
        /// The loss before each step.
        losses: Vec<f64>,
        /// The learning rate of each step.
        rates: Vec<f64>,
    },
}

/// A loss.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The cross entropy, with this label smoothing.
    CrossEntropy(f32),
    /// The mean of the squared differences.
    MeanSquaredError,
}

/// An optimizer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// `sgd`, `nesterov` or `adamw`.
    pub method: String,
    /// The learning rate before its schedule.
    pub rate: f64,
    /// The momentum of SGD.
    #[serde(default)]
    pub momentum: f32,
    /// The weight decay.
    #[serde(default)]
    pub weight_decay: f64,
    /// The norm that gradients are clipped to.
    pub clip: Option<f64>,
    /// The decay of the moving average of the parameters.
    pub average: f32,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
}

/// Arrays by name.
pub type Arrays = BTreeMap<String, ArrayD<f32>>;

/// The cases, and their arrays.
pub struct Goldens {
    /// What is computed.
    pub cases: Vec<Case>,
    /// By the case's name, then by their own.
    pub arrays: BTreeMap<String, Arrays>,
}

/// What PyTorch finds.
///
/// # Panics
/// If the file is not what the program that makes it writes.
#[must_use]
pub fn goldens() -> Goldens {
    let bytes = include_bytes!("../golden/torch.safetensors");
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let cases = &header.metadata().as_ref().unwrap()["cases"];
    let mut arrays: BTreeMap<String, Arrays> = BTreeMap::new();
    for (name, tensor) in SafeTensors::deserialize(bytes).unwrap().tensors() {
        let (case, name) = name.split_once('/').unwrap();
        let (quads, _) = tensor.data().as_chunks();
        let numbers = quads.iter().map(|&quad| f32::from_le_bytes(quad)).collect();
        let array = ArrayD::from_shape_vec(tensor.shape(), numbers).unwrap();
        let case = arrays.entry(case.to_owned()).or_default();
        case.insert(name.to_owned(), array);
    }
    let cases = serde_json::from_str(cases).unwrap();
    Goldens { cases, arrays }
}

/// An array by its name, with as many dimensions as are expected.
///
/// # Panics
/// If there is none of this name, or it has more or fewer dimensions.
#[must_use]
pub fn view<'a, D: Dimension>(given: &'a Arrays, name: &str) -> ArrayView<'a, f32, D> {
    given[name].view().into_dimensionality().unwrap()
}

/// The largest difference, as a part of the largest number or of `least`.
pub fn apart<'a>(
    found: impl IntoIterator<Item = &'a f32>,
    right: impl IntoIterator<Item = &'a f32>,
    least: f64,
) -> f64 {
    let (mut difference, mut largest) = (0.0_f64, least);
    let (mut found, mut right) = (found.into_iter(), right.into_iter());
    loop {
        match (found.next(), right.next()) {
            (None, None) => return difference / largest,
            (Some(&found), Some(&right)) => {
                let own = (f64::from(found) - f64::from(right)).abs();
                // A NaN counts as far.
                difference = difference.max(if own.is_nan() { f64::INFINITY } else { own });
                largest = largest.max(f64::from(right).abs());
            }
            _ => return f64::INFINITY,
        }
    }
}

/// An array that a test must fill.
pub fn empty<D: Dimension>(shape: D) -> Array<f32, D> {
    Array::from_elem(shape, f32::NAN)
}
