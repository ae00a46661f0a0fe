//! The network's layers as a table.

use conv_core::network::Network;
use conv_core::ops::kernel_pool::Pooling;
use conv_core::shape::{Padding, Pair, Window};
use conv_core::spec::{Layer, Layers};
use maud::{Markup, html};

use super::numbers;

/// What each layer does, the shape of what comes out, parameters and multiply-adds.
pub(crate) fn table(network: &Network) -> Markup {
    let summary = network.summary();
    let mut what = Vec::new();
    describe(&network.spec().layers, &mut what);
    let number = |number: u64| match number {
        0 => "–".to_owned(),
        _ => numbers::count(number),
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="The network's layers" {
            table.figures.layers {
                thead {
                    tr {
                        th scope="col" { "layer" }
                        th scope="col" { "what it does" }
                        th.number scope="col" { "output" }
                        th.number scope="col" { "parameters" }
                        th.number scope="col" { "multiply-adds" }
                    }
                }
                tbody {
                    tr { th scope="row" { "input" } td {} td.number { (summary.input) } td {} td {} }
                    @for (at, layer) in summary.layers.iter().enumerate() {
                        tr {
                            th scope="row" { (layer.name) }
                            td.what { (what.get(at).map_or("", String::as_str)) }
                            td.number { (layer.output) }
                            td.number { (number(layer.parameters as u64)) }
                            td.number { (number(layer.multiply_adds)) }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { "total" }
                        td {}
                        td {}
                        td.number { (numbers::count(summary.parameters() as u64)) }
                        td.number { (numbers::count(summary.multiply_adds())) }
                    }
                }
            }
        }
    }
}

/// What each layer does, in the order of a summary: the layers of a residual block before it.
fn describe(layers: &Layers, what: &mut Vec<String>) {
    for layer in &layers.0 {
        let text = match layer {
            Layer::Conv(conv) => {
                let mut text = format!("{} kernels of {}", conv.kernels, window(conv.window));
                if conv.groups > 1 {
                    text += &format!(", {} groups", conv.groups);
                }
                if !conv.bias {
                    text += ", no bias";
                }
                text
            }
            Layer::Dense(dense) if !dense.bias => "every input for every output, no bias".into(),
            Layer::Dense(_) => "every input for every output".into(),
            Layer::Pool { window: of, .. } => window(*of),
            Layer::GlobalAveragePool => "the mean of each channel".into(),
            Layer::KernelPool { pooling } => match pooling {
                Pooling::Sum => "the sum of all channels".into(),
                Pooling::Mean => "the mean of all channels".into(),
                Pooling::Max => "the largest of all channels".into(),
            },
            Layer::Relu { slope: 0.0 } => String::new(),
            Layer::Relu { slope } => format!("slope {slope} below 0"),
            Layer::Dropout { probability } => {
                format!("in training, 0 with probability {probability}")
            }
            Layer::Residual { body, shortcut } => {
                describe(body, what);
                describe(shortcut, what);
                match shortcut.0.is_empty() {
                    true => "the block and its input, added".into(),
                    false => "the block and its shortcut, added".into(),
                }
            }
            Layer::LayerNorm(_) => "over the channels of each pixel".into(),
            Layer::Flatten
            | Layer::Tanh
            | Layer::Sigmoid
            | Layer::Gelu
            | Layer::Silu
            | Layer::BatchNorm(_) => String::new(),
        };
        what.push(text);
    }
}

fn window(window: Window) -> String {
    let pair = |Pair { down, right }| match down == right {
        true => down.to_string(),
        false => format!("{down} × {right}"),
    };
    let mut text = format!("{} × {}", window.size.down, window.size.right);
    if window.stride != Pair::from(1) {
        text += &format!(", stride {}", pair(window.stride));
    }
    if window.dilation != Pair::from(1) {
        text += &format!(", dilation {}", pair(window.dilation));
    }
    match window.padding {
        Padding::Valid => {}
        Padding::Same => text += ", padded",
        Padding::Explicit {
            top,
            bottom,
            left,
            right,
        } => {
            text +=
                &format!(", padded by {top}, {bottom}, {left}, {right} (top, bottom, left, right)");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use conv_core::network::Network;
    use conv_core::spec::{Conv, Layers, Spec};

    use super::{describe, table};

    /// The words stand beside the right layers, in residual blocks as well.
    #[test]
    fn every_layer_has_its_words() {
        let block = Layers::new()
            .then(Conv::new(4, (3, 3)).same().without_bias())
            .batch_norm();
        let shortcut = Layers::new().conv(4, (1, 1));
        let layers = Layers::new()
            .then(Conv::new(4, (5, 3)).stride(2))
            .leaky_relu(0.25)
            .residual_with(block, shortcut)
            .dropout(0.5)
            .flatten()
            .dense(10);
        let network = Network::new(&Spec::new((28, 28, 1), layers), 1).expect("it fits");
        let mut what = Vec::new();
        describe(&network.spec().layers, &mut what);
        let summary = network.summary();
        let rows = summary
            .layers
            .iter()
            .map(|layer| layer.name.as_str())
            .zip(what.iter().map(String::as_str));
        let expected = [
            ("0 (conv)", "4 kernels of 5 × 3, stride 2"),
            ("1 (relu)", "slope 0.25 below 0"),
            ("2.body.0 (conv)", "4 kernels of 3 × 3, padded, no bias"),
            ("2.body.1 (batch norm)", ""),
            ("2.shortcut.0 (conv)", "4 kernels of 1 × 1"),
            ("2 (residual)", "the block and its shortcut, added"),
            ("3 (dropout)", "in training, 0 with probability 0.5"),
            ("4 (flatten)", ""),
            ("5 (dense)", "every input for every output"),
        ];
        assert_eq!(rows.collect::<Vec<_>>(), expected);
        assert_eq!(summary.layers.len(), what.len());
        assert!(
            table(&network)
                .into_string()
                .contains("<td class=\"number\">12 × 13 × 4</td>")
        );
    }
}
