//! A run between two steps, as bytes: safetensors, with a digest of all of it.
//!
//! It holds everything that the next step depends on: the network's parameters and running statistics, what the
//! optimizer remembers, and the place in the run. Random numbers follow from the seed and the number of the epoch,
//! the image or the step, so that there is no generator whose state would have to be kept.

use std::collections::HashMap;

use conv_core::network::Network;
use conv_core::ops::batch_norm::Statistics;
use conv_core::optimizer::State;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::run::records::{Best, Times};

const FORMAT: &str = "trainer checkpoint 1";

/// Where a run is, and what it has counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Digests of the recipe and of the images: a run goes on with the same ones alone.
    pub(crate) recipe: String,
    pub(crate) images: String,
    /// Steps of the optimizer, and of the epoch under way.
    pub(crate) steps: u64,
    pub(crate) epoch_steps: u64,
    /// Epochs that are done.
    pub(crate) epochs: u64,
    /// Sums over the images of the epoch under way.
    pub(crate) loss: f64,
    pub(crate) correct: usize,
    pub(crate) seen: usize,
    pub(crate) times: Times,
    /// Of the whole run until here.
    pub(crate) seconds: f64,
    /// The best epoch so far.
    pub(crate) best: Option<Best>,
    /// Bytes of metrics.jsonl.
    pub(crate) metrics: u64,
}

/// Everything that the next step depends on.
pub struct Checkpoint {
    pub(crate) place: Place,
    pub(crate) parameters: Vec<f32>,
    pub(crate) running: Vec<Statistics>,
    pub(crate) optimizer: State,
}

impl Checkpoint {
    /// The bytes of a run at this place.
    ///
    /// # Errors
    /// If a number is not finite: there would be nothing to go on from.
    pub(crate) fn to_bytes(
        place: &Place,
        network: &Network,
        optimizer: &State,
    ) -> Result<Vec<u8>, String> {
        let mut tensors: Vec<(String, Vec<u8>)> = Vec::new();
        let mut add = |name: String, numbers: &[f32]| {
            if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
                return Err(format!("number {at} of {name} is {}", numbers[at]));
            }
            if !numbers.is_empty() {
                let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
                tensors.push((name, bytes));
            }
            Ok(())
        };
        add("parameters".to_owned(), network.values())?;
        for (kind, all) in [
            ("running", network.running_statistics()),
            ("averaged", &optimizer.averaged_statistics),
        ] {
            for (number, statistics) in all.iter().enumerate() {
                // They are rounded to f32 at every step.
                let narrow = |wide: &[f64]| wide.iter().map(|&x| x as f32).collect::<Vec<_>>();
                let (mean, variance) = (narrow(&statistics.mean), narrow(&statistics.variance));
                add(format!("{kind}.{number}.mean"), &mean)?;
                add(format!("{kind}.{number}.variance"), &variance)?;
            }
        }
        add("optimizer.first".to_owned(), &optimizer.first)?;
        add("optimizer.second".to_owned(), &optimizer.second)?;
        add("optimizer.averaged".to_owned(), &optimizer.averaged)?;

        let place = serde_json::to_string(place).map_err(|error| error.to_string())?;
        let digest = digest(
            &place,
            tensors.iter().map(|(name, bytes)| (&**name, &**bytes)),
        );
        let metadata = [("format", FORMAT), ("place", &place), ("sha256", &digest)];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut views = Vec::new();
        for (name, bytes) in &tensors {
            let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
            views.push((name.as_str(), view.map_err(|error| error.to_string())?));
        }
        let metadata = Some(HashMap::from(metadata));
        safetensors::serialize(views, metadata).map_err(|error| error.to_string())
    }

    /// The checkpoint of these bytes, whatever they are.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let no = |error: &dyn std::fmt::Display| format!("no checkpoint: {error}");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| no(&error))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let find = |key: &str| metadata.get(key).map_or("", String::as_str);
        if find("format") != FORMAT {
            let found = find("format");
            return Err(format!(
                "no checkpoint: its format is {found:?}, expected {FORMAT:?}"
            ));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| no(&error))?;
        let mut all: Vec<(&str, TensorView<'_>)> = tensors.iter().collect();
        all.sort_by(|a, b| a.0.cmp(b.0));
        let found = digest(
            find("place"),
            all.iter().map(|(name, view)| (*name, view.data())),
        );
        if found != find("sha256") {
            return Err("the checkpoint is damaged: its digest is another one".to_owned());
        }
        let place: Place = serde_json::from_str(find("place")).map_err(|error| no(&error))?;
        let numbers = |name: &str| -> Vec<f32> {
            let Ok(tensor) = tensors.tensor(name) else {
                return Vec::new();
            };
            let (quads, _) = tensor.data().as_chunks();
            quads.iter().map(|&quad| f32::from_le_bytes(quad)).collect()
        };
        let wide = |name: String| numbers(&name).into_iter().map(f64::from).collect();
        let statistics = |kind: &str| {
            let names = (0..).map(|number| format!("{kind}.{number}"));
            let names = names.take_while(|name| tensors.tensor(&format!("{name}.mean")).is_ok());
            let all = names.map(|name| Statistics {
                count: 0,
                mean: wide(format!("{name}.mean")),
                variance: wide(format!("{name}.variance")),
            });
            all.collect::<Vec<_>>()
        };
        let optimizer = State {
            steps: place.steps,
            first: numbers("optimizer.first"),
            second: numbers("optimizer.second"),
            averaged: numbers("optimizer.averaged"),
            averaged_statistics: statistics("averaged"),
        };
        let parameters = numbers("parameters");
        Ok(Self {
            place,
            parameters,
            running: statistics("running"),
            optimizer,
        })
    }
}

/// SHA-256 of the place and of all tensors, by their names in order.
fn digest<'a>(place: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut tensors: Vec<_> = tensors.collect();
    tensors.sort_by(|a, b| a.0.cmp(b.0));
    let mut sha = Sha256::new();
    for part in [place.as_bytes()].into_iter().chain(
        tensors
            .iter()
            .flat_map(|(name, data)| [name.as_bytes(), data]),
    ) {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    format!("{:x}", sha.finalize())
}

#[cfg(test)]
mod tests {
    use conv_core::spec::{Layers, Spec};

    use super::*;

    fn bytes() -> (Network, Vec<u8>) {
        let layers = Layers::new()
            .conv(4, (3, 3))
            .batch_norm()
            .flatten()
            .dense(2);
        let network = Network::new(&Spec::new((4, 4, 1), layers), 1).unwrap();
        let place = Place {
            steps: 7,
            loss: 0.1 + 0.2,
            best: Some(Best {
                epoch: 2,
                loss: 1.0 / 3.0,
                accuracy: None,
            }),
            ..Place::default()
        };
        let state = State {
            steps: 7,
            first: vec![0.5; network.values().len()],
            averaged_statistics: vec![Statistics {
                count: 0,
                mean: vec![0.25; 4],
                variance: vec![2.0; 4],
            }],
            ..State::default()
        };
        let bytes = Checkpoint::to_bytes(&place, &network, &state).unwrap();
        (network, bytes)
    }

    #[test]
    fn comes_back_bit_for_bit() {
        let (network, bytes) = bytes();
        let again = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(again.parameters, network.values());
        assert_eq!(
            again.running[0].variance,
            network.running_statistics()[0].variance
        );
        assert_eq!((again.running.len(), again.optimizer.steps), (1, 7));
        assert_eq!(again.optimizer.averaged_statistics[0].variance, [2.0; 4]);
        assert_eq!(again.optimizer.averaged_statistics[0].mean, [0.25; 4]);
        assert_eq!(again.optimizer.averaged_statistics.len(), 1);
        assert_eq!(again.place.loss, 0.1 + 0.2);
        assert_eq!(again.place.best.unwrap().loss, 1.0 / 3.0);
        assert!(again.optimizer.second.is_empty());
    }

    /// Whatever byte is cut off or changed, nobody goes on from it.
    #[test]
    fn a_torn_or_changed_one_is_refused() {
        let (_, bytes) = bytes();
        for length in 0..bytes.len() {
            assert!(
                Checkpoint::from_bytes(&bytes[..length]).is_err(),
                "{length}"
            );
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            if let Ok(read) = Checkpoint::from_bytes(&changed) {
                // A space of the header's padding may become another character, if at all.
                let whole = Checkpoint::from_bytes(&bytes).unwrap();
                assert!(
                    read.place == whole.place && read.parameters == whole.parameters,
                    "{at}"
                );
            }
        }
    }

    #[test]
    fn numbers_that_are_none_are_not_kept() {
        let (mut network, _) = bytes();
        let mut numbers = network.values().to_vec();
        numbers[3] = f32::NAN;
        network.set_values(&numbers).unwrap();
        let problem = Checkpoint::to_bytes(&Place::default(), &network, &State::default());
        assert_eq!(problem.unwrap_err(), "number 3 of parameters is NaN");
    }
}
