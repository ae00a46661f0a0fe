//! What takes too much memory is refused before it is allocated, and does no harm.

use conv_core::Error;
use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::batch_norm::Statistics;
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Layers, Spec};
use ndarray::Array4;

/// A step with so many images of (1, 1, 1).
fn step(network: &mut Network, workspace: &mut Workspace, images: usize) -> Result<(), Error> {
    let input = Array4::from_shape_fn((images, 1, 1, 1), |(n, ..)| (n % 7) as f32);
    let labels: Vec<usize> = (0..images).map(|n| n % 2).collect();
    let (targets, loss) = (
        Targets::Labels(&labels),
        Loss::CrossEntropy { smoothing: 0.0 },
    );
    let mut optimizer = Optimizer::sgd(0.01);
    let report = network.train_step(input.view(), targets, loss, &mut optimizer, workspace);
    report.map(|_| ())
}

#[test]
fn a_batch_that_is_refused_leaves_the_workspace_as_it_was() {
    let layers = Layers::new().dense(65_536).batch_norm().dense(2);
    let spec = Spec::new((1, 1, 1), layers);
    let mut network = Network::new(&spec, 1).unwrap();
    let mut workspace = Workspace::new();
    step(&mut network, &mut workspace, 16).unwrap();
    let bytes = workspace.bytes();
    // More values than one array may have, whatever the limit is.
    for limit in [workspace.limit(), u64::MAX] {
        workspace.set_limit(limit);
        step(&mut network, &mut workspace, 16 * 65_537).unwrap_err();
        assert_eq!(workspace.bytes(), bytes);
    }
    let mut twin = network.clone();
    step(&mut network, &mut workspace, 16).unwrap();
    step(&mut twin, &mut Workspace::new(), 16).unwrap();
    assert_eq!(network.values(), twin.values());
}

#[test]
fn a_batch_beyond_the_limit_is_refused_with_bytes_and_layer() {
    let spec = Spec::new((1, 1, 1), Layers::new().dense(16_384));
    let network = Network::new(&spec, 1).unwrap();
    let mut workspace = Workspace::new();
    let input = Array4::zeros((1_000_000, 1, 1, 1));
    let error = network.forward(input.view(), &mut workspace).unwrap_err();
    let Error::Memory {
        images,
        needed,
        limit,
        layer_bytes,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((images, limit), (1_000_000, workspace.limit()));
    assert!(needed >= 4 * 16_384 * 1_000_000 && layer_bytes <= needed);
    assert_eq!(workspace.bytes(), 0);

    let input = Array4::zeros((1000, 1, 1, 1));
    let labels = [3; 1000];
    let gradient = |workspace: &mut Workspace| {
        let targets = Targets::Labels(&labels);
        let loss = Loss::MeanSquaredError;
        network.gradient(input.view(), targets, loss, 0, workspace)
    };
    workspace.set_limit(1 << 20);
    let error = gradient(&mut workspace).unwrap_err().to_string();
    assert!(error.contains("a batch of 1000 images needs"), "{error}");
    assert!(error.contains("layer 0 (dense)"), "{error}");
    assert!(error.contains("limit is 1048576 (1 MiB)"), "{error}");
    workspace.set_limit(1 << 30);
    gradient(&mut workspace).unwrap();
}

/// What a step takes is what was foretold, as far as the workspace counts it.
#[test]
fn a_step_within_the_limit_takes_no_more_than_it() {
    for spec in crate::specs() {
        let network = Network::new(&spec, 1).unwrap();
        let input = crate::images(&spec, 40, 3);
        let labels = [1; 40];
        let mut workspace = Workspace::new();
        let mut passes = |limit: u64| {
            workspace = Workspace::new();
            workspace.set_limit(limit);
            let targets = Targets::Labels(&labels);
            let loss = Loss::MeanSquaredError;
            let passes = network.gradient(input.view(), targets, loss, 0, &mut workspace);
            (passes.is_ok(), workspace.bytes() as u64)
        };
        let (_, bytes) = passes(u64::MAX);
        // The least limit that is enough, between what it took and twice that.
        let (mut refused, mut enough) = (bytes - 1, 2 * bytes);
        assert!(!passes(refused).0 && passes(enough).0, "{bytes}");
        while enough - refused > 1 {
            let limit = refused + (enough - refused) / 2;
            let (passed, taken) = passes(limit);
            assert!(taken <= limit, "{taken} bytes with a limit of {limit}");
            *(if passed { &mut enough } else { &mut refused }) = limit;
        }
    }
}

#[test]
fn a_network_whose_step_would_take_gigabytes_is_refused() {
    let norms = |channels: usize, count: usize| {
        let mut layers = Layers::new();
        for _ in 0..count {
            layers = layers.batch_norm();
        }
        Spec::new((1, 1, channels), layers.dense(2)).check()
    };
    // 3.3 GB of statistics in the shards of a batch.
    let error = norms(400, 10_000).unwrap_err().to_string();
    assert!(error.contains("too many"), "{error}");
    norms(400, 1000).unwrap();
    norms(1, 10_000).unwrap();
}

#[test]
fn running_statistics_must_be_finite() {
    let spec = Spec::new((1, 1, 2), Layers::new().batch_norm().dense(2));
    let mut network = Network::new(&spec, 1).unwrap();
    let statistics = |mean: f64, variance: f64| {
        [Statistics {
            count: 1,
            mean: vec![0.0, mean],
            variance: vec![1.0, variance],
        }]
    };
    for (mean, variance, what) in [
        (f64::NAN, 1.0, "a running mean is NaN, expected finite"),
        (f64::INFINITY, 1.0, "a running mean is inf, expected finite"),
        (-1e39, 1.0, "expected finite"),
        (
            0.0,
            f64::NAN,
            "a running variance is NaN, expected 0 or more",
        ),
        (0.0, -1.0, "a running variance is -1, expected 0 or more"),
    ] {
        let before = network.running_statistics().to_vec();
        let error = network.set_running_statistics(&statistics(mean, variance));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        assert_eq!(network.running_statistics(), before);
    }
    network
        .set_running_statistics(&statistics(-5.0, 0.0))
        .unwrap();
}

/// What an earlier pass needed is given up where both would be too much.
#[test]
fn a_pass_that_fits_by_itself_is_not_refused_for_an_earlier_one() {
    let spec = Spec::new((1, 1, 1), Layers::new().dense(16_384).dense(2));
    let mut network = Network::new(&spec, 1).unwrap();
    let mut alone = Workspace::new();
    step(&mut network.clone(), &mut alone, 8).unwrap();
    let mut workspace = Workspace::new();
    workspace.set_limit(alone.bytes() as u64 + (1 << 18));
    let input = Array4::zeros((9000, 1, 1, 1));
    network.forward(input.view(), &mut workspace).unwrap();
    step(&mut network, &mut workspace, 8).unwrap();
    assert!(workspace.bytes() as u64 <= workspace.limit());
    network.forward(input.view(), &mut workspace).unwrap();
}

/// What is kept for more images is as long as they need, and not as long as a vector grows by itself.
#[test]
fn outputs_for_more_images_stay_within_the_limit() {
    let spec = Spec::new((1, 1, 1), Layers::new().dense(1000));
    let network = Network::new(&spec, 1).unwrap();
    let mut workspace = Workspace::new();
    let input = Array4::zeros((1001, 1, 1, 1));
    let fewer = input.slice(ndarray::s![..1000, .., .., ..]);
    network.predict(fewer, &mut workspace).unwrap();
    workspace.set_limit(workspace.bytes() as u64 * 11 / 10);
    network.predict(input.view(), &mut workspace).unwrap();
    assert!(workspace.bytes() as u64 <= workspace.limit());
    assert_eq!(network.predict(fewer, &mut workspace).unwrap().len(), 1000);
}
