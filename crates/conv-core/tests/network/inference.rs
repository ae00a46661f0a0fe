//! Outputs: alone and among others, by many threads, and with normalisations folded.

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Conv, Layer, Layers, Spec};
use ndarray::Array2;

use crate::support::bits;
use crate::{images, specs, stacked};

/// Outputs do not depend on which other images are in the batch, nor on what the workspace did before.
#[test]
fn an_image_gives_the_same_alone_and_among_others() {
    let mut workspace = Workspace::new();
    for spec in specs() {
        let network = Network::new(&spec, 3).unwrap();
        let input = images(&spec, 150, 5);
        let all = network
            .forward(input.view(), &mut workspace)
            .unwrap()
            .to_owned();
        for at in [0, 77, 149] {
            let one = input.slice(ndarray::s![at..=at, .., .., ..]);
            let output = network.forward(one, &mut workspace).unwrap();
            assert_eq!(
                bits(&output.row(0).to_owned()),
                bits(&all.row(at).to_owned())
            );
        }
    }
}

#[test]
fn threads_share_a_network() {
    let spec = stacked();
    let network = Network::new(&spec, 1).unwrap();
    let input = images(&spec, 9, 6);
    let right = network
        .predict(input.view(), &mut Workspace::new())
        .unwrap()
        .to_vec();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut workspace = Workspace::new();
                assert_eq!(
                    network.predict(input.view(), &mut workspace).unwrap(),
                    right
                );
            });
        }
    });
}

/// A network after a few steps, so that its running statistics, gamma and beta are not those of the beginning.
fn trained(spec: &Spec, outputs: usize) -> Network {
    let mut network = Network::new(spec, 3).unwrap();
    let (mut workspace, mut optimizer) = (Workspace::new(), Optimizer::momentum(0.02, 0.9));
    let input = images(spec, 24, 8);
    let labels: Vec<usize> = (0..24).map(|n| n % outputs).collect();
    for _ in 0..6 {
        let (targets, loss) = (
            Targets::Labels(&labels),
            Loss::CrossEntropy { smoothing: 0.0 },
        );
        network
            .train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)
            .unwrap();
    }
    network
}

fn outputs(network: &Network, spec: &Spec) -> Array2<f32> {
    let input = images(spec, 21, 9);
    let mut workspace = Workspace::new();
    network
        .forward(input.view(), &mut workspace)
        .unwrap()
        .to_owned()
}

#[test]
fn a_folded_network_has_the_same_outputs_and_fewer_layers() {
    let mut all: Vec<_> = specs().into_iter().map(|spec| (spec, 3)).collect();
    all.push((stacked(), 5));
    // How many normalisations each one has, and how many cannot be folded.
    let norms = [
        (0, 0),
        (4, 1),
        (1, 0),
        (0, 0),
        (4, 2),
        (0, 0),
        (0, 0),
        (2, 0),
    ];
    for ((spec, classes), (before, after)) in all.into_iter().zip(norms) {
        let network = trained(&spec, classes);
        let folded = network.folded().unwrap();
        assert_eq!(
            (
                network.running_statistics().len(),
                folded.running_statistics().len()
            ),
            (before, after)
        );
        let (one, other) = (network.summary(), folded.summary());
        assert_eq!(one.layers.len() - other.layers.len(), before - after);
        assert!(one.multiply_adds() == other.multiply_adds());
        assert!(before == after || other.parameters() < one.parameters());
        let (right, found) = (outputs(&network, &spec), outputs(&folded, &spec));
        let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        for (found, right) in found.iter().zip(&right) {
            assert!((found - right).abs() <= 4e-6 * largest, "{found} {right}");
        }
        // Folding changes what there is to fold, and nothing else.
        assert_eq!(before == after, bits(&found) == bits(&right));
        assert_eq!(folded.folded().unwrap().spec(), folded.spec());
    }
}

#[test]
fn normalisations_fold_one_after_the_other_and_stay_where_they_must() {
    let conv = || Conv::new(4, (3, 3)).without_bias();
    let with_bias = || Conv::new(4, (3, 3));
    for (layers, folded) in [
        (
            Layers::new().then(conv()).batch_norm().batch_norm().relu(),
            Layers::new().then(with_bias()).relu(),
        ),
        (
            Layers::new()
                .flatten()
                .dense(4)
                .batch_norm()
                .tanh()
                .batch_norm(),
            Layers::new().flatten().dense(4).tanh().batch_norm(),
        ),
        (
            Layers::new().then(conv()).flatten().batch_norm(),
            Layers::new().then(conv()).flatten().batch_norm(),
        ),
        (
            Layers::new()
                .then(conv())
                .residual(|block| block.batch_norm().then(conv().same())),
            Layers::new()
                .then(conv())
                .residual(|block| block.batch_norm().then(conv().same())),
        ),
    ] {
        let spec = Spec::new((6, 6, 2), layers);
        let network = trained(&spec, 4);
        let found = network.folded().unwrap();
        assert_eq!(found.spec().layers, folded);
        let (found, right) = (outputs(&found, &spec), outputs(&network, &spec));
        for (found, right) in found.iter().zip(&right) {
            assert!(
                (found - right).abs() <= 1e-5 * (1.0 + right.abs()),
                "{found} {right}"
            );
        }
    }
}

#[test]
fn a_normalisation_that_would_overflow_the_weights_is_not_folded() {
    let spec = Spec::new(
        (3, 3, 1),
        Layers::new().conv(2, (3, 3)).batch_norm().batch_norm(),
    );
    let mut network = Network::new(&spec, 1).unwrap();
    network.set_parameter("1.gamma", &[2.0, 1.0]).unwrap();
    network.set_parameter("2.gamma", &[1.0, f32::MAX]).unwrap();
    network.set_parameter("0.kernels", &[2.0; 18]).unwrap();
    let folded = network.folded().unwrap();
    assert!(matches!(
        folded.spec().layers.0[..],
        [Layer::Conv(_), Layer::BatchNorm(_)]
    ));
    assert_eq!(folded.parameter("1.gamma").unwrap(), [1.0, f32::MAX]);
}
