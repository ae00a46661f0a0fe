//! `trainer export`: a model for other programs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use trainer::export::{npz, onnx};
use trainer::model::Model;

use super::args::path;
use crate::failure::{Failure, say};
use crate::terminal::output::deliver;
use crate::terminal::pool::pool;

#[derive(Args)]
#[command(after_help = "\
ONNX: the input is float32 (N, 1, 28, 28), pixels divided by 255, light ink on
a dark ground, for any N; further normalisation is in the graph. The output
logits is (N, classes). With ONNX Runtime in Python:
  session = onnxruntime.InferenceSession('model.onnx')
  logits, = session.run(None, {'input': pixels})

Before a dense layer an image is flattened in the order row, column, channel
(H, W, C), so the graph transposes to NHWC first; PyTorch's order is C, H, W.
The metadata have classes, dataset, input, preparation and data_license.

npz and safetensors: every parameter by its name, kernels as
(Kh, Kw, Cin / groups, Cout), weights as (features, classes), the features
in the order row, column, channel.

Examples:
  trainer export runs/stacked --to onnx    write runs/stacked/model.onnx
  trainer export model.safetensors --to npz --output digits.npz
  trainer export runs/stacked --to onnx --output - > model.onnx")]
pub(crate) struct ExportArgs {
    /// File of a model, or folder of a run
    #[arg(value_parser = path())]
    model: PathBuf,
    /// File format
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// File to write, - for stdout [default: the model's, with another
    /// ending]
    #[arg(long, value_name = "FILE", value_parser = path())]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The model with all its metadata, as `trainer train` writes it
    Safetensors,
    /// ONNX, opset 17
    Onnx,
    /// Archive of NumPy arrays
    Npz,
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
            Self::Npz => "npz",
        }
    }
}

impl ExportArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        // There is little to compute, but what there is need not start a thread a core.
        pool(1)?.install(|| self.write())
    }

    fn write(&self) -> Result<(), Failure> {
        let model = Model::read(&self.model)?;
        let output = self.output.clone().unwrap_or_else(|| {
            let file = Model::file(&self.model);
            file.with_extension(self.to.ending())
        });
        if same_file(&output, &Model::file(&self.model)) {
            return Err(Failure::Usage(format!(
                "{} is the model itself; give another file with --output",
                output.display()
            )));
        }
        let bytes = match self.to {
            Format::Safetensors => model.to_bytes(),
            Format::Onnx => onnx::bytes(&model),
            Format::Npz => npz::bytes(&model),
        }?;
        deliver(&output, &bytes)?;
        say(&format!(
            "{} parameters, {} bytes",
            model.network.values().len(),
            bytes.len()
        ));
        Ok(())
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
