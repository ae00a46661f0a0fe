//! Small networks of every kind of layer, drawn by proptest.

use conv_core::init::Init;
use conv_core::network::{Network, Workspace};
use conv_core::ops::kernel_pool::Pooling;
use conv_core::ops::pool::Pool;
use conv_core::shape::{Padding, Window};
use conv_core::spec::{BatchNorm, Conv, Dense, Layer, LayerNorm, Layers, Spec};
use ndarray::Array4;
use proptest::prelude::*;

/// A network with numbers of its own, and how its input is normalised.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) network: Network,
    /// Mean and deviation.
    pub(crate) normalisation: (f32, f32),
    pub(crate) seed: u64,
}

/// A layer to try, its channels in groups of 1, 2 or as many as there are.
#[derive(Clone, Debug)]
enum Draft {
    Conv(Conv, u8),
    Other(Layer),
    Block(Vec<Draft>, Vec<Draft>),
}

fn window() -> impl Strategy<Value = Window> {
    let pair = |largest: usize| (1..=largest, 1..=largest);
    let explicit = (0..3_usize, 0..3_usize, 0..3_usize, 0..3_usize);
    let padding = prop_oneof![
        2 => Just(Padding::Valid),
        2 => Just(Padding::Same),
        1 => explicit.prop_map(|(top, bottom, left, right)| Padding::Explicit { top, bottom, left, right }),
    ];
    let dilation = prop_oneof![3 => Just((1, 1)), 1 => pair(3)];
    (pair(3), pair(2), dilation, padding).prop_map(|(size, stride, dilation, padding)| Window {
        size: size.into(),
        stride: stride.into(),
        dilation: dilation.into(),
        padding,
    })
}

fn layer() -> impl Strategy<Value = Draft> {
    let conv = (1..=6_usize, window(), any::<bool>(), 0..3_u8).prop_map(
        |(kernels, window, bias, groups)| {
            let conv = Conv {
                kernels,
                window,
                groups: 1,
                bias,
                init: Init::He,
            };
            Draft::Conv(conv, groups)
        },
    );
    let pool = prop_oneof![Just(Pool::Max), Just(Pool::Mean)];
    let pool = (pool, window()).prop_map(|(pool, window)| Layer::Pool { pool, window });
    let pooling = prop_oneof![Just(Pooling::Sum), Just(Pooling::Mean), Just(Pooling::Max)];
    let dense = (1..=6_usize, any::<bool>()).prop_map(|(outputs, bias)| {
        Layer::Dense(Dense {
            outputs,
            bias,
            init: Init::He,
        })
    });
    let slope = prop_oneof![Just(0.0_f32), -0.5..0.5_f32];
    let epsilon = prop_oneof![Just(1e-5_f32), Just(1e-3_f32)];
    let other = prop_oneof![
        4 => pool,
        1 => Just(Layer::GlobalAveragePool),
        1 => pooling.prop_map(|pooling| Layer::KernelPool { pooling }),
        2 => Just(Layer::Flatten),
        3 => dense,
        2 => slope.prop_map(|slope| Layer::Relu { slope }),
        1 => Just(Layer::Tanh),
        1 => Just(Layer::Sigmoid),
        1 => Just(Layer::Gelu),
        1 => Just(Layer::Silu),
        1 => epsilon.clone().prop_map(|epsilon| Layer::LayerNorm(LayerNorm { epsilon })),
        1 => Just(Layer::Dropout { probability: 0.5 }),
        2 => epsilon.prop_map(|epsilon| Layer::BatchNorm(BatchNorm { epsilon, momentum: 0.1 })),
    ];
    let leaf = prop_oneof![1 => conv, 3 => other.prop_map(Draft::Other)].boxed();
    leaf.prop_recursive(2, 8, 3, |inner| {
        let branch = || prop::collection::vec(inner.clone(), 0..3);
        (branch(), branch()).prop_map(|(body, shortcut)| Draft::Block(body, shortcut))
    })
}

/// Adds the drafts that fit behind `before`, layers of a network with this input.
fn fitting(input: (usize, usize, usize), drafts: &[Draft]) -> Layers {
    let mut layers = Layers::new();
    for draft in drafts {
        let Ok(network) = Network::new(&Spec::new(input, layers.clone()), 0) else {
            break;
        };
        let summary = network.summary();
        let (h, w, c) = summary.output().into();
        let layer = match draft {
            Draft::Other(layer) => layer.clone(),
            Draft::Conv(conv, groups) => {
                let groups = [1, 2, c][usize::from(*groups)];
                Layer::Conv(Conv {
                    groups,
                    kernels: conv.kernels.next_multiple_of(groups),
                    ..*conv
                })
            }
            Draft::Block(body, shortcut) => Layer::Residual {
                body: fitting((h, w, c), body),
                shortcut: fitting((h, w, c), shortcut),
            },
        };
        let more = layers.clone().then(layer);
        if Spec::new(input, more.clone()).check().is_ok() {
            layers = more;
        }
    }
    layers
}

/// Numbers that look random, from −1 to 1.
fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

impl Case {
    fn new(
        input: (usize, usize, usize),
        drafts: &[Draft],
        normalisation: (f32, f32),
        seed: u64,
    ) -> Option<Self> {
        let mut layers = fitting(input, drafts);
        let outputs = |layers: &Layers| {
            let network = Network::new(&Spec::new(input, layers.clone()), seed).unwrap();
            network.summary().output().len()
        };
        if outputs(&layers) > 256 {
            layers = layers.flatten().dense(3);
        }
        let mut network = Network::new(&Spec::new(input, layers), seed).ok()?;
        // Biases, shifts and statistics of their own.
        let mut noise = noise(seed);
        let numbers = network.values().iter().map(|x| x + 0.3 * noise());
        let numbers: Vec<f32> = numbers.collect();
        network.set_values(&numbers).unwrap();
        let mut running = network.running_statistics().to_vec();
        for statistics in &mut running {
            statistics
                .mean
                .iter_mut()
                .for_each(|mean| *mean = noise().into());
            let variances = &mut statistics.variance;
            variances
                .iter_mut()
                .for_each(|variance| *variance = (1.1 + noise()).into());
        }
        network.set_running_statistics(&running).unwrap();
        Some(Self {
            network,
            normalisation,
            seed,
        })
    }

    /// Numbers of an output.
    pub(crate) fn outputs(&self) -> usize {
        let (input, _) = self.images(1);
        let mut workspace = Workspace::new();
        self.network
            .forward(input.view(), &mut workspace)
            .unwrap()
            .len()
    }

    /// Pixels from 0 to 1, (N, H, W, 1), and what the network makes of them, (N, outputs).
    pub(crate) fn images(&self, count: usize) -> (Array4<f32>, Vec<f32>) {
        let (h, w, _) = self.network.spec().input.into();
        let mut noise = noise(self.seed ^ count as u64);
        let pixels =
            Array4::from_shape_simple_fn((count, h, w, 1), || (0.5 + 0.5 * noise()).max(0.0));
        let (mean, deviation) = self.normalisation;
        let input = pixels.mapv(|pixel| (pixel - mean) / deviation);
        let mut workspace = Workspace::new();
        let output = self.network.forward(input.view(), &mut workspace).unwrap();
        (pixels, output.iter().copied().collect())
    }

    /// Its model file.
    pub(crate) fn model(&self) -> Vec<u8> {
        let classes: Vec<String> = (0..self.outputs())
            .map(|class| format!("c{class}"))
            .collect();
        tests::as_model(&self.network, &classes, self.normalisation)
    }
}

/// Networks for small grey images.
pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let normalisation = prop_oneof![Just((0.0_f32, 1.0_f32)), Just((0.1307, 0.3081))];
    let layers = prop::collection::vec(layer(), 0..7);
    let case = (1..9_usize, 1..9_usize, layers, normalisation, any::<u64>());
    case.prop_filter_map("no network", |(h, w, drafts, normalisation, seed)| {
        Case::new((h, w, 1), &drafts, normalisation, seed)
    })
}
