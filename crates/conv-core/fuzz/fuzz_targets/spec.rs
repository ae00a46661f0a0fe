//! Any text as a spec in JSON: refused, or a network. A small one works: it learns a step, comes back from its bytes,
//! and can be folded.
#![no_main]

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::Optimizer;
use conv_core::spec::Spec;
use libfuzzer_sys::fuzz_target;
use ndarray::Array4;

fuzz_target!(|json: &str| {
    let Ok(spec) = serde_json::from_str::<Spec>(json) else {
        return;
    };
    // A message, whatever the error.
    if let Err(error) = spec.check() {
        assert!(!error.to_string().is_empty());
        return;
    }
    let written = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&written).unwrap(), spec);
    let mut network = Network::new(&spec, 1).unwrap();
    let summary = network.summary();
    let values = summary.layers.iter().map(|layer| layer.output.len());
    let (h, w, c) = spec.input.into();
    if summary.multiply_adds() > 1_000_000 || values.sum::<usize>() + h * w * c > 100_000 {
        return;
    }
    let images = Array4::from_shape_fn((3, h, w, c), |(n, y, x, c)| {
        ((n * 31 + y * 17 + x * 7 + c * 3) % 23) as f32 / 11.0 - 1.0
    });
    let mut workspace = Workspace::new();
    let outputs = network
        .forward(images.view(), &mut workspace)
        .unwrap()
        .to_owned();
    let last = summary
        .layers
        .last()
        .map_or([h, w, c], |layer| layer.output);
    assert_eq!(outputs.dim(), (3, last.iter().product::<usize>()));
    let folded = network.folded().unwrap();
    let found = folded.forward(images.view(), &mut workspace).unwrap();
    let largest = outputs.iter().fold(1.0_f32, |most, x| most.max(x.abs()));
    for (found, right) in found.iter().zip(&outputs) {
        assert!((found - right).abs() <= 1e-2 * largest || !right.is_finite());
    }
    // Uniform weights may be so large that nothing can be learnt; that is an error, and no panic.
    let (targets, loss) = (
        Targets::Labels(&[0; 3]),
        Loss::CrossEntropy { smoothing: 0.1 },
    );
    let mut optimizer = Optimizer::sgd(1e-3);
    let step = network.train_step(images.view(), targets, loss, &mut optimizer, &mut workspace);
    if step.is_ok()
        && let Ok(bytes) = network.to_bytes()
    {
        assert_eq!(
            Network::from_bytes(&bytes).unwrap().numbers(),
            network.values()
        );
    }
});
