//! Networks as bytes, and bytes that are none.

use std::collections::{BTreeMap, HashMap};

use conv_core::Error;
use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::optimizer::Optimizer;
use conv_core::spec::{Conv, Layers, Spec};
use ndarray::Array4;
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};

/// A network that has learnt a step, so that its running statistics are not those of the beginning.
fn network() -> Network {
    let layers = Layers::new()
        .then(Conv::new(4, (3, 3)).same().without_bias())
        .batch_norm()
        .relu()
        .residual(|block| block.then(Conv::new(4, (3, 3)).same()).batch_norm())
        .flatten()
        .dense(3);
    let mut network = Network::new(&Spec::new((5, 5, 2), layers), 9).unwrap();
    let input = Array4::from_shape_fn((6, 5, 5, 2), |(n, y, x, c)| {
        ((n * 7 + y * 5 + x * 3 + c) % 11) as f32
    });
    let (targets, loss) = (Targets::Labels(&[0, 1, 2, 0, 1, 2]), Loss::MeanSquaredError);
    let (mut optimizer, mut workspace) = (Optimizer::sgd(0.01), Workspace::new());
    network
        .train_step(input.view(), targets, loss, &mut optimizer, &mut workspace)
        .unwrap();
    network
}

#[test]
fn comes_back_bit_for_bit() {
    let network = network();
    let bytes = network.to_bytes().unwrap();
    let again = Network::from_bytes(&bytes).unwrap();
    assert_eq!(again.spec(), network.spec());
    assert_eq!(again.to_bytes().unwrap(), bytes);
    let input = Array4::from_elem((2, 5, 5, 2), 0.3);
    let (mut one, mut other) = (Workspace::new(), Workspace::new());
    let outputs = network.forward(input.view(), &mut one).unwrap();
    assert_eq!(again.forward(input.view(), &mut other).unwrap(), outputs);
}

#[test]
fn further_metadata_comes_back() {
    let network = network();
    let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let metadata = BTreeMap::from([entry("trainer", "{\"a\": [1]}"), entry("note", "ä\n\"")]);
    let bytes = network.to_bytes_with(&metadata).unwrap();
    let loaded = Network::from_bytes_with(&bytes).unwrap();
    assert_eq!(loaded.metadata, metadata);
    let again = loaded.network;
    assert_eq!(again.to_bytes().unwrap(), network.to_bytes().unwrap());
    assert_eq!(again.to_bytes_with(&metadata).unwrap(), bytes);
    assert!(Network::from_bytes(&bytes).is_ok());
    for key in ["format", "spec"] {
        let own = BTreeMap::from([entry(key, "")]);
        assert_eq!(
            network.to_bytes_with(&own).unwrap_err().to_string(),
            format!("no saved network: the metadata's key {key:?} is the network's own")
        );
    }
}

#[test]
fn a_spec_is_short_json() {
    let spec = Spec::new(
        (28, 28, 1),
        Layers::new().conv(8, (5, 5)).relu().flatten().dense(10),
    );
    let short = r#"{"input":[28,28,1],"layers":[
        {"type":"conv","kernels":8,"window":{"size":[5,5]}},
        {"type":"relu"},{"type":"flatten"},{"type":"dense","outputs":10}]}"#;
    assert_eq!(serde_json::from_str::<Spec>(short).unwrap(), spec);
    let written = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&written).unwrap(), spec);
    let misspelt = r#"{"input":[28,28,1],"layers":[{"type":"dense","output":10}]}"#;
    assert!(serde_json::from_str::<Spec>(misspelt).is_err());
}

/// Bytes with one tensor and this metadata.
fn bytes(metadata: &[(&str, &str)], name: &str, shape: &[usize], numbers: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &data).unwrap();
    let metadata = metadata
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()));
    let metadata: HashMap<String, String> = metadata.collect();
    safetensors::serialize([(name, view)], Some(metadata)).unwrap()
}

#[test]
fn refuses_what_is_no_network() {
    let refuse = |bytes: &[u8]| Network::from_bytes(bytes).unwrap_err().to_string();
    let dense = r#"{"input":[1,1,2],"layers":[{"type":"dense","outputs":1,"bias":false}]}"#;
    let with = |spec, name: &str, shape: &[usize], numbers: &[f32]| {
        let metadata = [("format", "conv-core 1"), ("spec", spec)];
        refuse(&bytes(&metadata, name, shape, numbers))
    };
    assert!(refuse(b"").starts_with("no saved network: "));
    assert_eq!(
        refuse(&bytes(&[], "x", &[1], &[1.0])),
        "no saved network: its metadata have no \"format\", expected \"conv-core 1\", which `Network::to_bytes` writes"
    );
    assert_eq!(
        with(dense, "0.weights", &[1, 2], &[1.0, 2.0]),
        "no saved network: 0.weights is F32 [1, 2], expected F32 [2, 1]"
    );
    assert_eq!(
        with(dense, "0.weights", &[2, 1], &[1.0, f32::NAN]),
        "no saved network: value 1 of 0.weights is NaN"
    );
    assert!(with(dense, "1.weights", &[2, 1], &[1.0, 2.0]).contains("0.weights"));
    let two = r#"{"input":[1,1,2],"layers":[{"type":"dense","outputs":1}]}"#;
    assert_eq!(
        with(two, "0.weights", &[2, 1], &[1.0, 2.0]),
        "no saved network: it has 1 tensors, its spec asks for 2"
    );
}

#[test]
fn every_cut_is_refused() {
    let bytes = network().to_bytes().unwrap();
    for end in 0..bytes.len() {
        assert!(
            Network::from_bytes(&bytes[..end]).is_err(),
            "the first {end} bytes"
        );
    }
}

fn layers(input: &str, layers: &str) -> String {
    format!(r#"{{"input":{input},"layers":[{layers}]}}"#)
}

fn nested(depth: usize, layer: &str) -> String {
    let (open, close) = (r#"{"type":"residual","body":["#, "]}");
    format!("{}{layer}{}", open.repeat(depth), close.repeat(depth))
}

/// A file with this spec and a single number.
fn asking_for(spec: &str) -> Vec<u8> {
    bytes(
        &[("format", "conv-core 1"), ("spec", spec)],
        "x",
        &[1],
        &[1.0],
    )
}

#[test]
fn deep_nesting_is_refused_on_a_small_stack() {
    let work = || {
        for (depth, words) in [
            (33, "the depth of blocks in blocks is 33"),
            (60, "the depth of blocks in blocks is 33"),
            (64, "recursion limit exceeded"),
            (30_000, "recursion limit exceeded"),
        ] {
            let spec = layers("[1,1,1]", &nested(depth, r#"{"type":"tanh"}"#));
            let error = Network::from_bytes(&asking_for(&spec))
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{depth}: {error}");
        }
        // The deepest that is allowed comes back from its bytes.
        let spec = layers("[1,1,3]", &nested(32, r#"{"type":"dense","outputs":3}"#));
        let spec: Spec = serde_json::from_str(&spec).unwrap();
        let network = Network::new(&spec, 1).unwrap();
        let again = Network::from_bytes(&network.to_bytes().unwrap()).unwrap();
        assert_eq!(again.spec(), &spec);
    };
    let thread = std::thread::Builder::new().stack_size(1 << 19);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let spec = layers("[1,1,3]", r#"{"type":"dense","outputs":3}"#);
    let mut network = Network::new(&serde_json::from_str(&spec).unwrap(), 1).unwrap();
    network
        .set_parameter("0.bias", &[0.0, f32::NAN, 0.0])
        .unwrap();
    let problem = "value 1 of 0.bias is NaN".to_owned();
    assert_eq!(network.to_bytes(), Err(Error::Saved { problem }));

    let long = layers("[1,1,1]", &vec![r#"{"type":"flatten"}"#; 60_000].join(","));
    let network = Network::new(&serde_json::from_str(&long).unwrap(), 1).unwrap();
    let error = network.to_bytes().unwrap_err().to_string();
    assert!(error.contains("expected at most 1048576"), "{error}");
}

proptest! {
    /// A byte changed anywhere: a network that works, or an error, and never a panic.
    #[test]
    fn a_changed_byte_does_no_harm(at in any::<usize>(), value in any::<u8>()) {
        let mut bytes = network().to_bytes().unwrap();
        let at = at % bytes.len();
        bytes[at] = value;
        if let Ok(network) = Network::from_bytes(&bytes) {
            let (h, w, c) = network.spec().input.into();
            let input = Array4::zeros((1, h, w, c));
            prop_assert!(network.forward(input.view(), &mut Workspace::new()).is_ok());
        }
    }
}
