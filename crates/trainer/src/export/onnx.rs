//! A model as an ONNX file.
//!
//! | tensor | |
//! |---|---|
//! | `input` | float32 (N, 1, H, W), N as many as there are: pixels divided by 255, 0 background to 1 ink |
//! | `logits` | float32 (N, classes): what softmax makes probabilities of |
//! | `3.kernels` … | the parameters by their names in the model file; kernels turned to (Cout, Cin / groups, Kh, Kw) |
//! | `normalisation.mean`, `normalisation.deviation` | where the pixels are normalised further, in the graph |
//!
//! A node has the name of its layer, such as `3.conv`, and so has what comes out of it, but for the last one's `logits`.
//!
//! | metadata | |
//! |---|---|
//! | `classes` | the classes' names, a JSON array in the order of the logits |
//! | `dataset` | the name of the data set that the model was trained on |
//! | `input` | the shape and the range of the input, and how the graph normalises it |
//! | `preparation` | how a picture becomes such an input |
//! | `data_license` | the data set with its licence, where it is in the catalogue |
//!
//! Opset 17 and IR version 8 are those of ONNX 1.12 (June 2022): nothing here needs newer ones, and every runtime
//! since then reads them. For older ones ONNX's converter lowers the opset, to 15 with batch normalisation and to 13 of
//! plain layers: it knows no way down for `Identity`, so there is none.

mod graph;
mod proto;

use mnist_data::catalog;
use prost::Message;

use crate::error::Error;
use crate::model::{MeanDeviation, Model};
use graph::{Graph, Value};
use proto::{
    Dimension, FLOAT, GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;
const INPUT: &str = "input";
const OUTPUT: &str = "logits";

/// The bytes of the file.
///
/// # Errors
/// If the layers and the parameters of the network do not fit, which no network of conv-core is without.
pub fn bytes(model: &Model) -> Result<Vec<u8>, Error> {
    let (height, width) = model.image_size();
    let mut graph = Graph::new(&model.network);
    let value = Value {
        name: normalised(model, &mut graph),
        shape: [height, width, 1],
        flat: false,
    };
    let value = graph.layers(&model.network.spec().layers, "", value)?;
    let value = graph.flattened(value, "flat");
    graph.rename(&value.name, OUTPUT);
    let classes = serde_json::to_string(&model.classes)
        .map_err(|error| Error::Failed(format!("cannot write the classes: {error}")))?;
    let input = format!("(N, 1, {height}, {width}): pixels divided by 255, 0 background to 1 ink");
    let about = [
        ("classes", classes),
        ("dataset", model.dataset.clone()),
        ("input", format!("float32 {input}; {}", further(model))),
        ("preparation", model.preparation.to_string()),
    ];
    let licence = catalog::find(&model.dataset).map(|entry| {
        (
            "data_license",
            format!("{}: {}", entry.title, entry.licence),
        )
    });
    let output = "(N, classes): logits; softmax makes probabilities of them";
    let graph = GraphProto {
        node: graph.nodes,
        name: "network".to_owned(),
        initializer: graph.constants,
        input: vec![described(INPUT, &[1, height, width], &input)],
        output: vec![described(OUTPUT, &[model.classes.len()], output)],
    };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: env!("CARGO_PKG_NAME").to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: format!("input {input}. logits {output}."),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: about
            .into_iter()
            .chain(licence)
            .map(|(key, value)| StringStringEntryProto {
                key: key.to_owned(),
                value,
            })
            .collect(),
    };
    Ok(model.encode_to_vec())
}

/// What happens to the pixels in the graph, before the first layer.
fn further(model: &Model) -> String {
    let MeanDeviation { mean, deviation } = model.normalisation.into();
    match (mean, deviation) {
        (0.0, 1.0) => "the network takes them as they are".to_owned(),
        _ => format!("the graph itself subtracts {mean} and divides by {deviation}"),
    }
}

/// The name of the input as the network wants it.
fn normalised(model: &Model, graph: &mut Graph<'_>) -> String {
    let MeanDeviation { mean, deviation } = model.normalisation.into();
    if mean == 0.0 && deviation == 1.0 {
        return INPUT.to_owned();
    }
    let mean = graph.constant("normalisation.mean".to_owned(), &[], &[mean]);
    let deviation = graph.constant("normalisation.deviation".to_owned(), &[], &[deviation]);
    let centred = graph.node("Sub", "normalisation.centred", &[INPUT, &mean], Vec::new());
    graph.node("Div", "normalised", &[&centred, &deviation], Vec::new())
}

/// A tensor of floats, its first size free.
fn described(name: &str, sizes: &[usize], doc: &str) -> ValueInfoProto {
    let free = Dimension {
        dim_value: None,
        dim_param: Some("N".to_owned()),
    };
    let known = sizes.iter().map(|&size| Dimension {
        dim_value: Some(size as i64),
        dim_param: None,
    });
    let shape = TensorShapeProto {
        dim: std::iter::once(free).chain(known).collect(),
    };
    let tensor_type = TensorTypeProto {
        elem_type: FLOAT,
        shape: Some(shape),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
        }),
        doc_string: doc.to_owned(),
    }
}
