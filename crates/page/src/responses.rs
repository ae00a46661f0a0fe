//! What every layer of a network makes of an image.

use conv_core::network::{Network, Workspace};
use conv_core::spec::{Layer, Layers, Spec};
use ndarray::ArrayView4;
use serde::Serialize;

use crate::words;

/// Layers that are shown, at most. Each has a network of its own, with all layers before it.
const MOST_LAYERS: usize = 64;
/// Parameters of all these networks, at most: 64 MiB.
const MOST_PARAMETERS: usize = 1 << 24;

/// A network cut off after each of its layers.
pub(crate) struct Responses {
    parts: Vec<Network>,
    workspace: Workspace,
}

/// A layer, for a legend.
#[derive(Serialize)]
pub(crate) struct LayerView {
    /// Its number and kind, as in `3 (conv)`.
    name: String,
    /// As in a recipe.
    layer: Layer,
    rows: usize,
    cols: usize,
    channels: usize,
    parameters: usize,
}

impl Responses {
    /// For this network.
    ///
    /// # Errors
    /// If it has too many layers, or too many parameters for so many of them: a file may hold anything.
    pub(crate) fn new(network: &Network) -> Result<Self, String> {
        let layers = &network.spec().layers.0;
        if layers.len() > MOST_LAYERS {
            return Err(format!(
                "the network has {} layers, the page shows {MOST_LAYERS} at most",
                layers.len()
            ));
        }
        let most = MOST_PARAMETERS / layers.len().max(1);
        if network.values().len() > most {
            return Err(format!(
                "the network has {} parameters, the page shows {most} at most in {} layers",
                network.values().len(),
                layers.len()
            ));
        }
        let parts = (1..=layers.len()).map(|count| part(network, &layers[..count]));
        Ok(Self {
            parts: parts.collect::<Result<_, _>>()?,
            workspace: Workspace::new(),
        })
    }

    /// The layers, in the order of [`of`](Self::of).
    pub(crate) fn layers(&self) -> Vec<LayerView> {
        let mut views = Vec::new();
        let mut before = 0;
        for part in &self.parts {
            let (summary, layers) = (part.summary(), &part.spec().layers.0);
            let output = summary.output();
            if let Some(layer) = layers.last() {
                let name = summary.layers.last().map_or("", |layer| &layer.name);
                views.push(LayerView {
                    name: name.to_owned(),
                    layer: layer.clone(),
                    rows: output.rows,
                    cols: output.cols,
                    channels: output.channels,
                    parameters: summary.parameters() - before,
                });
            }
            before = summary.parameters();
        }
        views
    }

    /// The outputs of all layers for one image (1, H, W, 1), one after the other: each (rows, cols, channels).
    pub(crate) fn of(&mut self, image: ArrayView4<'_, f32>) -> Result<Vec<f32>, String> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(part.forward(image, &mut self.workspace).map_err(words)?);
        }
        Ok(all)
    }

    /// The weights of a kernel, (rows, cols, channels of its input), and then its bias, if it has one. Empty if the layer
    /// has no such kernel.
    pub(crate) fn kernel(&self, layer: usize, channel: usize) -> Vec<f32> {
        let Some(Layer::Conv(conv)) = self
            .parts
            .last()
            .and_then(|part| part.spec().layers.0.get(layer))
        else {
            return Vec::new();
        };
        if channel >= conv.kernels {
            return Vec::new();
        }
        let values = |name: &str| {
            let network = self.parts.last()?;
            network.parameter(&format!("{layer}.{name}")).ok()
        };
        let weights = values("kernels").unwrap_or_default();
        let own = weights.iter().skip(channel).step_by(conv.kernels);
        let bias = values("bias").and_then(|bias| bias.get(channel));
        own.chain(bias).copied().collect()
    }
}

/// The first layers of a network with its parameters, which stand in the order of its layers.
fn part(network: &Network, layers: &[Layer]) -> Result<Network, String> {
    let spec = Spec::new(network.spec().input, Layers(layers.to_vec()));
    let mut part = Network::new(&spec, 0).map_err(words)?;
    let values = network.values()[..part.values().len()].to_vec();
    part.set_values(&values).map_err(words)?;
    let running = network.running_statistics()[..part.running_statistics().len()].to_vec();
    part.set_running_statistics(&running).map_err(words)?;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use ndarray::Array4;

    use super::*;

    fn network() -> Network {
        let layers = Layers::new()
            .conv(3, 3)
            .relu()
            .max_pool(2)
            .flatten()
            .dense(4);
        Network::new(&Spec::new((8, 8, 1), layers), 7).unwrap()
    }

    #[test]
    fn the_last_layer_responds_as_the_network_does() {
        let network = network();
        let mut responses = Responses::new(&network).unwrap();
        let image = Array4::from_shape_fn((1, 8, 8, 1), |(_, y, x, _)| (y * 3 + x) as f32 / 30.0);
        let all = responses.of(image.view()).unwrap();
        let sizes: Vec<usize> = responses
            .layers()
            .iter()
            .map(|layer| layer.rows * layer.cols * layer.channels)
            .collect();
        assert_eq!(sizes, [6 * 6 * 3, 6 * 6 * 3, 3 * 3 * 3, 27, 4]);
        assert_eq!(all.len(), sizes.iter().sum::<usize>());
        let logits = network
            .forward(image.view(), &mut Workspace::new())
            .unwrap()
            .to_owned();
        assert_eq!(all[all.len() - 4..], logits.into_raw_vec_and_offset().0);
        // ReLU after the convolution.
        assert!((0..108).all(|at| all[108 + at] == all[at].max(0.0)));
    }

    #[test]
    fn networks_of_too_many_layers_or_parameters_are_refused() {
        let of = |layers: Layers| {
            let network = Network::new(&Spec::new((8, 8, 1), layers), 7).unwrap();
            Responses::new(&network).err()
        };
        let deep = (0..65).fold(Layers::new(), |layers, _| layers.relu());
        let told = of(deep).unwrap();
        assert!(told.contains("65 layers, the page shows 64"), "{told}");
        let wide = Layers::new().flatten().dense(50_000).dense(120);
        let told = of(wide).unwrap();
        assert!(told.contains("at most in 3 layers"), "{told}");
        let fits = (0..64).fold(Layers::new(), |layers, _| layers.relu());
        assert_eq!(of(fits), None);
    }

    #[test]
    fn a_response_is_the_kernel_times_its_section_and_the_bias() {
        let network = network();
        let mut responses = Responses::new(&network).unwrap();
        let image = Array4::from_shape_fn((1, 8, 8, 1), |(_, y, x, _)| (y + 2 * x) as f32);
        let all = responses.of(image.view()).unwrap();
        let kernel = responses.kernel(0, 2);
        assert_eq!(kernel.len(), 10);
        let (y, x) = (3, 4);
        let taps = (0..9).map(|tap| kernel[tap] * image[[0, y + tap / 3, x + tap % 3, 0]]);
        let sum = taps.sum::<f32>() + kernel[9];
        assert!((sum - all[(y * 6 + x) * 3 + 2]).abs() < 1e-4);
        assert!(responses.kernel(0, 3).is_empty() && responses.kernel(1, 0).is_empty());
        assert!(responses.kernel(9, 0).is_empty());
    }
}
