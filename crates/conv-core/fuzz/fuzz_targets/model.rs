//! Bytes as a saved network, in two ways: as they are, and (behind zero bytes) as the spec, the tensors' names with
//! their shapes, and the numbers of a file that is well-formed otherwise. Refused, or a network that gives the same
//! file again and outputs for an image.
#![no_main]

use std::collections::HashMap;

use conv_core::network::{Network, Workspace};
use libfuzzer_sys::fuzz_target;
use ndarray::Array4;
use safetensors::tensor::{Dtype, TensorView};

fuzz_target!(|input: &[u8]| {
    check(input);
    let mut parts = input.splitn(3, |&byte| byte == 0);
    let mut text = || std::str::from_utf8(parts.next().unwrap_or_default());
    let (Ok(spec), Ok(names)) = (text(), text()) else {
        return;
    };
    let data = parts.next().unwrap_or_default();
    // A tensor a name, of shapes that the number of bytes allows.
    let (quads, _) = data.as_chunks::<4>();
    let data = quads.as_flattened();
    let mut tensors: Vec<(&str, TensorView<'_>)> = Vec::new();
    let mut at = 0;
    for name in names.split(' ') {
        let (name, shape) = name.split_once('=').unwrap_or((name, "1"));
        let shape: Vec<usize> = shape.split(',').filter_map(|n| n.parse().ok()).collect();
        let numbers = shape.iter().fold(1_usize, |all, &n| all.saturating_mul(n));
        let end = numbers.saturating_mul(4).saturating_add(at);
        let Some(data) = data.get(at..end) else {
            break;
        };
        // safetensors cannot write two tensors of one name: it panics.
        if tensors.iter().any(|&(other, _)| other == name) {
            return;
        }
        at = end;
        let Ok(view) = TensorView::new(Dtype::F32, shape, data) else {
            return;
        };
        tensors.push((name, view));
    }
    let metadata = [("format", "conv-core 1"), ("spec", spec)];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    if let Ok(file) = safetensors::serialize(tensors, Some(HashMap::from(metadata))) {
        check(&file);
    }
});

fn check(file: &[u8]) {
    let Ok(network) = Network::from_bytes(file) else {
        return;
    };
    let written = network.to_bytes().unwrap();
    let again = Network::from_bytes(&written).unwrap();
    assert_eq!(again.to_bytes().unwrap(), written);
    let folded = network.folded().unwrap();
    assert_eq!(
        folded.summary().multiply_adds(),
        network.summary().multiply_adds()
    );
    let (h, w, c) = network.spec().input.into();
    if network.summary().multiply_adds() < 1_000_000 && h * w * c < 10_000 {
        let image = Array4::from_elem((1, h, w, c), 0.5);
        network
            .forward(image.view(), &mut Workspace::new())
            .unwrap();
    }
}
