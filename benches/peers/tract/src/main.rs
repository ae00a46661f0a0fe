//! tract, inference alone: of the LeNet that `ort_stacked.py` left, or of `model.onnx`.

use tract_linalg::multithread::{self, Executor};
use tract_onnx::prelude::*;

#[path = "../../stacked.rs"]
mod stacked;
use stacked::{Found, Result, TEST_BATCH};

fn main() -> Result<()> {
    let args = stacked::arguments()?;
    let file = match args.work.as_str() {
        "lenet" => "lenet.onnx",
        "latency" => "model.onnx",
        other => return Err(format!("{other:?} is no work of tract's").into()),
    };
    let path = args.data.join(file);
    // Optimised for a whole number of images.
    let model = |images: usize| -> Result<_> {
        let model = tract_onnx::onnx().model_for_path(&path)?;
        let model = model.with_input_fact(0, f32::fact([images, 1, 28, 28]).into())?;
        Ok(model.into_optimized()?.into_runnable()?)
    };
    let test = stacked::digits(&args.data, "t10k")?.images;
    let tensor = |place: usize, images: usize| -> Result<TValue> {
        let numbers = &test[place * 784..(place + images) * 784];
        Ok(Tensor::from_shape(&[images, 1, 28, 28], numbers)?.into())
    };
    let mut found = Found::default();

    let hundred = model(TEST_BATCH)?;
    let places = 0..test.len() / 784 / TEST_BATCH;
    let batches = places.map(|number| tensor(number * TEST_BATCH, TEST_BATCH));
    let batches = batches.collect::<Result<Vec<_>>>()?;
    let logits = hundred.run(tvec!(batches[0].clone()))?;
    let logits = logits[0].to_plain_array_view::<f32>()?;
    found.check("logits", stacked::checksum(&logits));
    let (one, image) = (model(1)?, tensor(0, 1)?);
    found.time("latency", args.window, || {
        one.run(tvec!(image.clone()))?;
        Ok(())
    })?;
    if args.work == "latency" {
        found.print();
        return Ok(());
    }

    let mut batches = batches.iter().cycle();
    let mut infer = || -> Result<()> {
        let batch = batches.next().ok_or("there are no batches")?;
        hundred.run(tvec!(batch.clone()))?;
        Ok(())
    };
    found.time("inference", args.window, &mut infer)?;
    if args.threads > 1 {
        // With its pool of threads as well: the better time counts, and for so small a model that is not always the pool's.
        multithread::set_default_executor(Executor::multithread(args.threads));
        found.time("inference", args.window, infer)?;
    }
    found.print();
    Ok(())
}
