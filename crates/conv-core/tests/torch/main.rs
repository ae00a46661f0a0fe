//! Layers, networks and training steps against PyTorch: `golden/torch.safetensors`, which
//! `golden/make_torch_goldens.py` makes, has the cases and what PyTorch finds in float64.

mod layers;
mod loading;
mod networks;
mod training;

use std::collections::BTreeMap;

use conv_core::optimizer::Schedule;
use conv_core::spec::Spec;
use ndarray::{Array, ArrayD, ArrayView, Dimension};
use safetensors::SafeTensors;
use serde::Deserialize;

#[derive(Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Case {
    Layer {
        name: String,
        spec: Spec,
        training: bool,
    },
    Network {
        name: String,
        spec: Spec,
        loss: Goal,
        labels: Option<Vec<usize>>,
        found: f64,
    },
    Training {
        name: String,
        spec: Spec,
        loss: Goal,
        labels: Vec<usize>,
        optimizer: Method,
        steps: usize,
        losses: Vec<f64>,
        rates: Vec<f64>,
    },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    CrossEntropy(f32),
    MeanSquaredError,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Method {
    method: String,
    rate: f64,
    #[serde(default)]
    momentum: f32,
    #[serde(default)]
    weight_decay: f64,
    clip: Option<f64>,
    average: f32,
    #[serde(default)]
    schedule: Schedule,
}

pub(crate) type Arrays = BTreeMap<String, ArrayD<f32>>;

pub(crate) struct Goldens {
    pub(crate) cases: Vec<Case>,
    /// By the case's name, then by their own.
    pub(crate) arrays: BTreeMap<String, Arrays>,
}

pub(crate) fn goldens() -> Goldens {
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

pub(crate) fn view<'a, D: Dimension>(given: &'a Arrays, name: &str) -> ArrayView<'a, f32, D> {
    given[name].view().into_dimensionality().unwrap()
}

/// The largest difference, as a part of the largest number or of `least`.
pub(crate) fn apart<'a>(
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
pub(crate) fn empty<D: Dimension>(shape: D) -> Array<f32, D> {
    Array::from_elem(shape, f32::NAN)
}
