//! A table of a network's layers.

use std::fmt;

use super::layout::{LayerInfo, Layout};
use crate::Error;
use crate::shape::ImageShape;
use crate::spec::Spec;

/// The layers of a network with the shapes of their outputs, their parameters, and their multiply-adds an image.
///
/// ```
/// use conv_core::network::Network;
/// use conv_core::spec::{Layers, Spec};
///
/// let layers = Layers::new().conv(8, (5, 5)).relu().max_pool(2).flatten().dense(10);
/// let network = Network::new(&Spec::new((28, 28, 1), layers), 1)?;
/// assert_eq!(network.summary().to_string(), "\
/// layer                  output  parameters  multiply-adds
/// input             28 × 28 × 1
/// 0 (conv)          24 × 24 × 8         208         115200
/// 1 (relu)          24 × 24 × 8           0              0
/// 2 (max pool)      12 × 12 × 8           0              0
/// 3 (flatten)              1152           0              0
/// 4 (dense)                  10       11530          11520
/// total                               11738         126720
/// ");
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The shape of an image of the input.
    pub input: ImageShape,
    /// The layers, those of a residual block before it.
    pub layers: Vec<LayerInfo>,
}

impl Spec {
    /// Shapes, parameters and multiply-adds, a line a layer, without making a network.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn summary(&self) -> Result<Summary, Error> {
        let layout = Layout::new(self)?;
        Ok(Summary::new(self, &layout.layers))
    }
}

impl Summary {
    pub(super) fn new(spec: &Spec, layers: &[LayerInfo]) -> Self {
        Self {
            input: spec.input,
            layers: layers.to_vec(),
        }
    }

    /// The shape of the output of the last layer for one image.
    #[must_use]
    pub fn output(&self) -> ImageShape {
        self.layers.last().map_or(self.input, |last| last.output)
    }

    /// Parameters of all layers.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiply-adds of all layers, an image.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        let layers = self.layers.iter().map(|layer| layer.multiply_adds);
        layers.fold(0, u64::saturating_add)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.layers.iter().map(|layer| layer.name.chars().count());
        let name = names.max().unwrap_or(0).max(12);
        writeln!(
            f,
            "{:<name$} {:>16}  parameters  multiply-adds",
            "layer", "output"
        )?;
        writeln!(f, "{:<name$} {:>16}", "input", self.input)?;
        for layer in &self.layers {
            let (output, parameters) = (layer.output, layer.parameters);
            let multiply_adds = layer.multiply_adds;
            writeln!(
                f,
                "{:<name$} {output:>16}  {parameters:>10}  {multiply_adds:>13}",
                layer.name
            )?;
        }
        let (parameters, multiply_adds) = (self.parameters(), self.multiply_adds());
        writeln!(
            f,
            "{:<name$} {:>16}  {parameters:>10}  {multiply_adds:>13}",
            "total", ""
        )
    }
}
