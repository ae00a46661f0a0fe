//! Any list of layers: refused with an error, or a network that works.

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::kernel_pool::Pooling;
use conv_core::ops::pool::Pool;
use conv_core::optimizer::Optimizer;
use conv_core::shape::{Padding, Window};
use conv_core::spec::{BatchNorm, Conv, Dense, Layer, Layers, Spec};
use proptest::prelude::*;

use crate::images;

/// Sizes that fit more often than not.
fn small() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 1_usize..4, 1 => Just(0), 1 => 4_usize..9]
}

/// Sizes of which a sum or a product may overflow.
fn wild() -> impl Strategy<Value = usize> {
    prop_oneof![
        small(),
        (0_u32..64).prop_map(|shift| 1 << shift),
        any::<usize>(),
        Just(usize::MAX),
    ]
}

fn window<S: Strategy<Value = usize>>(size: fn() -> S) -> impl Strategy<Value = Window> {
    let pair = || (size(), size());
    let padding = prop_oneof![
        3 => Just(Padding::Valid),
        2 => Just(Padding::Same),
        1 => (size(), size(), size(), size())
            .prop_map(|(top, bottom, left, right)| Padding::Explicit { top, bottom, left, right }),
    ];
    (pair(), pair(), pair(), padding).prop_map(|(size, stride, dilation, padding)| Window {
        size: size.into(),
        stride: stride.into(),
        dilation: dilation.into(),
        padding,
    })
}

fn layer<S: Strategy<Value = usize> + 'static>(size: fn() -> S) -> impl Strategy<Value = Layer> {
    let factor = prop_oneof![4 => 0.0_f32..1.0, 1 => any::<f32>()];
    let conv = (size(), window(size), size(), any::<bool>());
    let plain = prop_oneof![
        Just(Layer::Flatten),
        Just(Layer::Tanh),
        Just(Layer::Sigmoid),
        Just(Layer::Gelu),
        Just(Layer::GlobalAveragePool),
        Just(Layer::KernelPool {
            pooling: Pooling::Max
        }),
        factor.clone().prop_map(|slope| Layer::Relu { slope }),
        factor
            .clone()
            .prop_map(|probability| Layer::Dropout { probability }),
        (factor.clone(), factor)
            .prop_map(|(epsilon, momentum)| Layer::BatchNorm(BatchNorm { epsilon, momentum })),
    ];
    let leaf = prop_oneof![
        3 => conv.prop_map(|(kernels, window, groups, bias)| {
            Layer::Conv(Conv { kernels, window, groups, bias, ..Conv::new(1, (1, 1)) })
        }),
        2 => size().prop_map(|outputs| Layer::Dense(Dense::new(outputs))),
        2 => (any::<bool>(), window(size)).prop_map(|(max, window)| {
            let pool = if max { Pool::Max } else { Pool::Mean };
            Layer::Pool { pool, window }
        }),
        4 => plain,
    ];
    leaf.prop_recursive(3, 12, 3, |layer| {
        let layers = || prop::collection::vec(layer.clone(), 0..3).prop_map(Layers);
        (layers(), layers()).prop_map(|(body, shortcut)| Layer::Residual { body, shortcut })
    })
}

fn spec<S: Strategy<Value = usize> + 'static>(size: fn() -> S) -> impl Strategy<Value = Spec> {
    let input = (1_usize..9, 1_usize..9, 1_usize..4);
    let layers = prop::collection::vec(layer(size), 0..6).prop_map(Layers);
    (input, layers).prop_map(|(input, layers)| Spec::new(input, layers))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Whatever the sizes, an answer and no panic, whether in the shapes or in the memory they ask for.
    #[test]
    fn any_spec_is_checked(mut spec in spec(wild), input in (wild(), wild(), wild())) {
        let _ = spec.check();
        spec.input = input.into();
        let _ = spec.check();
    }

    #[test]
    fn a_spec_that_is_accepted_works(spec in spec(small)) {
        let Ok(mut network) = Network::new(&spec, 1) else {
            return Ok(());
        };
        let mut workspace = Workspace::new();
        let input = images(&spec, 3, 1);
        let summary = network.summary();
        let outputs = network.forward(input.view(), &mut workspace).unwrap().to_owned();
        prop_assert_eq!(outputs.dim(), (3, summary.output().len()));
        prop_assert_eq!(summary.parameters(), network.values().len());

        // Folding changes outputs by rounding alone.
        let folded = network.folded().unwrap();
        let found = folded.forward(input.view(), &mut workspace).unwrap();
        let largest = outputs.iter().fold(1.0_f32, |most, x| most.max(x.abs()));
        for (found, right) in found.iter().zip(&outputs) {
            let near = (found - right).abs() <= 1e-3 * largest;
            prop_assert!(near || !right.is_finite(), "{found} {right}");
        }

        let (loss, targets) = (Loss::MeanSquaredError, Targets::Labels(&[0; 3]));
        let mut optimizer = Optimizer::sgd(1e-3);
        let before = network.values().to_vec();
        let step = network.train_step(input.view(), targets, loss, &mut optimizer, &mut workspace);
        match step {
            Ok(report) => {
                prop_assert!(report.loss.is_finite());
                prop_assert_eq!(workspace.gradient().len(), before.len());
            }
            Err(_) => prop_assert_eq!((network.values(), optimizer.steps()), (&before[..], 0)),
        }
    }
}
