//! What a small file that asks for much is given. A binary of its own: the allocator is the process's.

use std::collections::HashMap;

use conv_core::network::Network;
use peak_alloc::PeakAlloc;
use safetensors::tensor::{Dtype, TensorView};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// A saved network with this spec, and a single number.
fn file(spec: &str) -> Vec<u8> {
    let view = TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap();
    let metadata = [("format", "conv-core 1"), ("spec", spec)];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    safetensors::serialize([("x", view)], Some(HashMap::from(metadata))).unwrap()
}

fn layers(input: &str, layers: &str) -> String {
    format!(r#"{{"input":{input},"layers":[{layers}]}}"#)
}

/// What the allocator gave at most while `work` ran, in MiB.
fn peak(work: impl FnOnce()) -> f32 {
    let before = ALLOCATOR.current_usage_as_mb();
    ALLOCATOR.reset_peak_usage();
    work();
    ALLOCATOR.peak_usage_as_mb() - before
}

#[test]
fn a_small_file_that_asks_for_much_gets_little() {
    let huge = usize::MAX;
    for (what, spec) in [
        ("an input", layers("[30000,30000,1]", "")),
        (
            "a huge input",
            layers(&format!("[{huge},{huge},{huge}]"), ""),
        ),
        (
            "a convolution",
            layers(
                "[10000,10000,1]",
                r#"{"type":"conv","kernels":9,"window":{"size":[3,3]}}"#,
            ),
        ),
        (
            "kernels",
            layers(
                "[64,64,4096]",
                r#"{"type":"conv","kernels":9000,"window":{"size":[3,3]}}"#,
            ),
        ),
        (
            "a large window",
            layers(
                "[4000,4000,1]",
                r#"{"type":"conv","kernels":1,"window":{"size":[2000,2000]}}"#,
            ),
        ),
        (
            "padding between the taps",
            layers(
                "[1,1,1]",
                r#"{"type":"conv","kernels":1,"window":{"size":[2,2],"dilation":[29999,29999],
                    "padding":{"explicit":{"top":30000,"bottom":0,"left":30000,"right":0}}}}"#,
            ),
        ),
        (
            "padding",
            layers(
                "[1,1,1]",
                &format!(
                    r#"{{"type":"conv","kernels":1,"window":{{"size":[1,1],
                    "padding":{{"explicit":{{"top":{huge},"bottom":{huge},"left":0,"right":0}}}}}}}}"#
                ),
            ),
        ),
        (
            "a pooling",
            layers(
                "[9000,9000,1]",
                r#"{"type":"pool","pool":"max","window":{"size":[99,99],"stride":[1,1]}}"#,
            ),
        ),
        (
            "a pooling over large windows",
            layers(
                "[4000,4000,1]",
                r#"{"type":"pool","pool":"max","window":{"size":[2000,2000],"stride":[1,1]}}"#,
            ),
        ),
        (
            "a dense layer",
            layers("[1,1,60000]", r#"{"type":"dense","outputs":60000}"#),
        ),
        // One output, which is packed as sixteen.
        (
            "a narrow dense layer",
            layers("[1,1,33000000]", r#"{"type":"dense","outputs":1}"#),
        ),
        (
            "many large values",
            layers("[1000,1000,1]", &vec![r#"{"type":"tanh"}"#; 60].join(",")),
        ),
        (
            "wide normalisations",
            layers("[1,1,8000000]", &[r#"{"type":"batch_norm"}"#; 4].join(",")),
        ),
    ] {
        let file = file(&spec);
        let mut error = String::new();
        let given = peak(|| error = Network::from_bytes(&file).unwrap_err().to_string());
        assert!(given < 16.0, "{what}: {given} MiB, {error}");
        let too_large = ["too many values", "expected 1 to"];
        assert!(
            too_large.iter().any(|words| error.contains(words)),
            "{what}: {error}"
        );
    }
    // Within what is allowed, and far more than the file has.
    for (what, spec) in [
        (
            "a dense layer",
            layers("[1,1,6000]", r#"{"type":"dense","outputs":6000}"#),
        ),
        (
            "many layers",
            layers(
                "[1,1,1]",
                &vec![r#"{"type":"batch_norm"}"#; 40_000].join(","),
            ),
        ),
        (
            "many layers without a step",
            layers("[1,1,1]", &vec![r#"{"type":"flatten"}"#; 45_000].join(",")),
        ),
    ] {
        let file = file(&spec);
        let mut error = String::new();
        let given = peak(|| error = Network::from_bytes(&file).unwrap_err().to_string());
        assert!(given < 100.0, "{what}: {given} MiB, {error}");
        assert!(error.contains("its spec asks for"), "{what}: {error}");
    }
}
