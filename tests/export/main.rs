//! Models for other programs: what they read is what we have.
//!
//! Logits are compared as follows: no logit of a batch differs from ours by more than 1e-5 of the largest of ours,
//! by absolute value.
#![forbid(unsafe_code)]

mod networks;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use conv_core::spec::Spec;
use networks::{Case, cases};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tests::{python, run, small_model, stderr, stdout, succeeds};

/// Of the largest logit.
const TOLERANCE: f32 = 1e-5;

/// Exports a model file, and gives the exported one.
fn export(folder: &Path, model: &[u8], format: &str) -> Vec<u8> {
    let (from, to) = (folder.join("from.safetensors"), folder.join("to"));
    fs::write(&from, model).unwrap();
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    let args = ["export", from, "--to", format, "--output", to];
    assert_eq!(succeeds(&run(&args)), format!("{to}\n"));
    fs::read(to).unwrap()
}

/// The greatest difference of two lists of logits, in parts of the largest of ours.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = ours.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
    let pairs = ours.iter().zip(theirs);
    let difference = pairs.fold(0.0_f32, |most, (a, b)| {
        let difference = (a - b).abs();
        // A NaN is the greatest difference.
        if difference <= most { most } else { difference }
    });
    if difference == 0.0 {
        0.0
    } else {
        difference / largest
    }
}

/// What the Rust ONNX runtime makes of the images of a case.
fn logits_of_rten(model: &rten::Model, case: &Case, count: usize) -> (Vec<f32>, Vec<f32>) {
    let (pixels, ours) = case.images(count);
    let (_, h, w, _) = pixels.dim();
    // With one channel (N, H, W, 1) is (N, 1, H, W).
    let numbers: Vec<f32> = pixels.iter().copied().collect();
    let input = rten_tensor::Tensor::from_data(&[count, 1, h, w], numbers);
    let output = model.run_one(input.into(), None).unwrap();
    let output: rten_tensor::Tensor<f32> = output.try_into().unwrap();
    use rten_tensor::prelude::*;
    assert_eq!(output.shape(), [count, ours.len() / count]);
    (ours, output.to_vec())
}

proptest! {
    #![proptest_config(Config { cases: 150, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_rust_onnx_runtime_computes_the_same_logits(case in cases()) {
        let folder = tempfile::tempdir().unwrap();
        let onnx = export(folder.path(), &case.model(), "onnx");
        let model = rten::Model::load(onnx).unwrap();
        for count in [1, 3] {
            let (ours, theirs) = logits_of_rten(&model, &case, count);
            let difference = difference(&ours, &theirs);
            prop_assert!(difference <= TOLERANCE, "{difference}: {ours:?} {theirs:?}");
        }
    }
}

/// Networks that are the same in every run, with each kind of layer among them.
fn fixed_cases(count: usize) -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    let strategy = cases();
    let cases = (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    cases.collect()
}

#[test]
fn every_kind_of_layer_is_drawn() {
    let mut kinds = BTreeSet::new();
    for case in fixed_cases(400) {
        for layer in &case.network.summary().layers {
            let kind = layer.name.split_once('(').unwrap().1;
            kinds.insert(kind.trim_end_matches(')').to_owned());
        }
    }
    let all = [
        "batch norm",
        "conv",
        "dense",
        "dropout",
        "flatten",
        "gelu",
        "global average pool",
        "kernel pool",
        "layer norm",
        "max pool",
        "mean pool",
        "relu",
        "residual",
        "sigmoid",
        "silu",
        "tanh",
    ];
    assert_eq!(kinds, all.map(str::to_owned).into());
}

/// Little-endian, one after the other.
fn write_numbers(path: &Path, numbers: impl IntoIterator<Item = f32>) {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
    fs::write(path, bytes).unwrap();
}

/// Runs a script of this folder, and gives its lines.
fn lines_of(mut python: std::process::Command, script: &str, folder: &Path) -> Vec<Value> {
    let script = tests::root().join("tests").join("export").join(script);
    let output = python.arg(script).arg(folder).output().unwrap();
    let text = succeeds(&output);
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[test]
fn onnx_runtime_computes_the_same_logits() {
    let Some(python) = python(&["numpy", "onnx", "onnxruntime"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let cases = fixed_cases(400);
    for (number, case) in cases.iter().enumerate() {
        let place = |what: &str| folder.path().join(format!("{number}.{what}"));
        let onnx = export(folder.path(), &case.model(), "onnx");
        fs::write(place("onnx"), onnx).unwrap();
        let (pixels, ours) = case.images(3);
        let (count, h, w, _) = pixels.dim();
        write_numbers(&place("pixels"), pixels);
        let about = json!({"input": [count, 1, h, w], "output": [count, ours.len() / count]});
        fs::write(place("json"), about.to_string()).unwrap();
    }
    let found = lines_of(python, "logits.py", folder.path());
    assert_eq!(found.len(), cases.len());
    for (case, found) in cases.iter().zip(&found) {
        let (_, ours) = case.images(3);
        let theirs = found.as_array().unwrap().iter();
        let theirs: Vec<f32> = theirs.map(|x| x.as_f64().unwrap() as f32).collect();
        let difference = difference(&ours, &theirs);
        assert!(
            difference <= TOLERANCE,
            "{difference}: {:?}",
            case.network.spec()
        );
    }
}

/// Trains each of some built-in recipes for a moment, and gives what it is as ONNX, with images and logits.
fn trained(folder: &Path, recipe: &str) -> Vec<u8> {
    let run_folder = folder.join(recipe);
    let name = run_folder.to_str().unwrap();
    let settings = ["--epochs", "1", "--set", "data.train_images=128", "-q"];
    let train = [&["train", recipe, "--run", name][..], &settings].concat();
    let _ = succeeds(&run(&train));
    let _ = succeeds(&run(&["export", name, "--to", "onnx"]));
    fs::read(run_folder.join("model.onnx")).unwrap()
}

/// ONNX's converter knows no way down for an Identity.
#[test]
fn no_identity_ends_the_graph_and_stdout_takes_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for recipe in ["stacked", "dense"] {
        let onnx = trained(folder.path(), recipe);
        let has = |word: &[u8]| onnx.windows(word.len()).any(|bytes| bytes == word);
        assert!(!has(b"Identity") && has(b"logits"), "{recipe}");
        for key in ["classes", "dataset", "input", "preparation", "data_license"] {
            assert!(has(key.as_bytes()), "{recipe}: {key}");
        }
        assert!(has(b"MNIST: CC BY-SA 3.0"), "{recipe}");
        assert!(has(b"digit: the ink in a box"), "{recipe}");
        let path = folder.path().join(recipe);
        let output = run(&[
            "export",
            path.to_str().unwrap(),
            "--to",
            "onnx",
            "--output",
            "-",
        ]);
        assert_eq!(output.stdout, onnx, "{recipe}");
        assert!(
            stderr(&output).contains(" parameters, "),
            "{}",
            stderr(&output)
        );
    }
    assert!(!Path::new("-").exists());
}

#[test]
fn onnx_converts_exports_down_for_older_runtimes() {
    let Some(python) = python(&["numpy", "onnx", "onnxruntime"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let recipes = [("stacked", 15), ("tiny", 15), ("lenet", 14), ("dense", 13)];
    for (recipe, opset) in recipes {
        let onnx = trained(folder.path(), recipe);
        fs::write(folder.path().join(format!("{recipe}.{opset}.onnx")), onnx).unwrap();
    }
    let found = lines_of(python, "lower.py", folder.path());
    assert_eq!(found.len(), recipes.len());
    for line in found {
        assert!(recipes.contains(&(
            line["recipe"].as_str().unwrap(),
            line["opset"].as_i64().unwrap()
        )));
        let difference = line["difference"].as_f64().unwrap();
        assert!(difference <= f64::from(TOLERANCE), "{line}");
        let metadata = &line["metadata"];
        let classes: Value = serde_json::from_str(metadata["classes"].as_str().unwrap()).unwrap();
        assert_eq!(classes[9], "9");
        assert!(
            metadata["input"]
                .as_str()
                .unwrap()
                .starts_with("float32 (N, 1, 28, 28): pixels divided by 255")
        );
    }
}

/// The numbers of every array of an npz archive, by name.
fn arrays(archive: &[u8]) -> Vec<(String, Vec<u64>, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut arrays = Vec::new();
    for number in 0..archive.len() {
        let mut member = archive.by_index(number).unwrap();
        let name = member
            .name()
            .unwrap()
            .strip_suffix(".npy")
            .unwrap()
            .to_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(header.ends_with('\n'));
        let dtype = if name == "about" { "|u1" } else { "<f4" };
        let start = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': (");
        let shape = header.strip_prefix(&start).unwrap();
        let shape = shape.split_once("), }").unwrap().0;
        let sizes = shape
            .split(',')
            .map(str::trim)
            .filter(|size| !size.is_empty());
        let sizes = sizes.map(|size| size.parse().unwrap()).collect();
        arrays.push((name, sizes, bytes[10 + length..].to_vec()));
    }
    arrays
}

#[test]
fn an_npz_archive_has_every_array_of_the_model() {
    for case in fixed_cases(10) {
        let folder = tempfile::tempdir().unwrap();
        let archive = export(folder.path(), &case.model(), "npz");
        let arrays = arrays(&archive);
        let network = &case.network;
        let norms = network.running_statistics().len();
        assert_eq!(arrays.len(), network.parameters().len() + 2 * norms + 1);
        for (name, sizes, bytes) in &arrays {
            if name == "about" {
                let about: Value = serde_json::from_slice(bytes).unwrap();
                let spec: Spec = serde_json::from_value(about["spec"].clone()).unwrap();
                assert_eq!(&spec, network.spec());
                assert_eq!(about["dataset"], "mnist");
                assert_eq!(about["classes"][0], "c0");
                continue;
            }
            let expected = match network.parameter(name) {
                Ok(numbers) => numbers.to_vec(),
                Err(_) => statistics(&case, name),
            };
            let expected: Vec<u8> = expected.iter().flat_map(|x| x.to_le_bytes()).collect();
            assert_eq!(bytes, &expected, "{name}");
            assert_eq!(4 * sizes.iter().product::<u64>(), bytes.len() as u64);
        }
        for parameter in network.parameters() {
            let found = arrays
                .iter()
                .find(|array| array.0 == parameter.name)
                .unwrap();
            let shape: Vec<u64> = parameter.shape.iter().map(|&size| size as u64).collect();
            assert_eq!(found.1, shape);
        }
    }
}

/// The running mean or variance of a normalisation.
fn statistics(case: &Case, name: &str) -> Vec<f32> {
    let (path, what) = name.rsplit_once('.').unwrap();
    let parameters = case.network.parameters().iter();
    let mut norms = parameters.filter_map(|parameter| parameter.name.strip_suffix(".gamma"));
    let number = norms.position(|norm| norm == path).unwrap();
    let running = &case.network.running_statistics()[number];
    let numbers = match what {
        "running_mean" => &running.mean,
        _ => &running.variance,
    };
    numbers.iter().map(|&x| x as f32).collect()
}

/// The bar: what we write is read by Python's own readers, with equal values.
#[test]
fn python_reads_equal_values_from_safetensors_and_npz() {
    let Some(python) = python(&["numpy", "safetensors"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let cases = fixed_cases(20);
    for (number, case) in cases.iter().enumerate() {
        let model = case.model();
        for format in ["npz", "safetensors"] {
            let bytes = export(folder.path(), &model, format);
            fs::write(folder.path().join(format!("{number}.{format}")), bytes).unwrap();
        }
    }
    let found = lines_of(python, "arrays.py", folder.path());
    assert_eq!(found.len(), cases.len());
    for (case, found) in cases.iter().zip(&found) {
        let found = found.as_object().unwrap();
        let network = &case.network;
        let norms = network.running_statistics().len();
        assert_eq!(found.len(), network.parameters().len() + 2 * norms);
        for (name, array) in found {
            let bits = array["bits"].as_array().unwrap().iter();
            let bits: Vec<u64> = bits.map(|bits| bits.as_u64().unwrap()).collect();
            let expected = match network.parameter(name) {
                Ok(numbers) => numbers.to_vec(),
                Err(_) => statistics(case, name),
            };
            let expected: Vec<u64> = expected.iter().map(|x| x.to_bits().into()).collect();
            assert_eq!(bits, expected, "{name}");
        }
        for parameter in network.parameters() {
            assert_eq!(found[&parameter.name]["shape"], json!(parameter.shape));
        }
    }
}

#[test]
fn safetensors_are_the_model_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let once = export(folder.path(), small_model(), "safetensors");
    assert_eq!(export(folder.path(), &once, "safetensors"), once);
}

#[test]
fn the_file_stands_beside_the_model_where_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.safetensors");
    fs::write(&model, small_model()).unwrap();
    let run_folder = folder.path().to_str().unwrap();
    for (from, format) in [(run_folder, "onnx"), (model.to_str().unwrap(), "npz")] {
        let path = stdout(&run(&["export", from, "--to", format]));
        let expected = folder.path().join(format!("model.{format}"));
        assert_eq!(path.trim_end(), expected.to_str().unwrap());
        assert!(expected.is_file());
    }
    // The model itself is not written over, under whatever name.
    for output in [
        model.clone(),
        folder.path().join(".").join("model.safetensors"),
    ] {
        let output = output.to_str().unwrap();
        let args = ["export", run_folder, "--to", "npz", "--output", output];
        let refused = run(&args);
        assert_eq!(refused.status.code(), Some(2));
        assert!(
            stderr(&refused).contains("--output"),
            "{}",
            stderr(&refused)
        );
    }
    assert_eq!(fs::read(&model).unwrap(), small_model());
    let none = folder.path().join("none").join("x.onnx");
    let none = none.to_str().unwrap();
    let refused = run(&["export", run_folder, "--to", "onnx", "--output", none]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains(none), "{}", stderr(&refused));
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["model.npz", "model.onnx", "model.safetensors"]);
}
