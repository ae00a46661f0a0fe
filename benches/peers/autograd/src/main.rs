//! Convolution layers and a LeNet by rust-autograd.

use ag::ndarray::{Array, ArrayView, Axis, IxDyn, Slice};
use ag::prelude::*;
use ag::tensor_ops as ops;
use ag::{Context, Tensor, VariableEnvironment, optimizers};
use autograd as ag;

#[path = "../../stacked.rs"]
mod stacked;
use stacked::{Args, BATCH, COMPARED, Digits, Found, LAYERS, MOMENTUM, RATE, Result, TEST_BATCH};

type Numbers = Array<f32, IxDyn>;

fn main() -> Result<()> {
    let args = stacked::arguments()?;
    let found = match args.work.as_str() {
        "layers" => layers(&args)?,
        "lenet" => lenet(&args)?,
        other => return Err(format!("{other:?} is no work").into()),
    };
    found.print();
    Ok(())
}

fn array(shape: &[usize], numbers: Vec<f32>) -> Result<Numbers> {
    Ok(Array::from_shape_vec(IxDyn(shape), numbers)?)
}

fn layers(args: &Args) -> Result<Found> {
    let mut found = Found::default();
    for layer in &LAYERS {
        let name = layer.name;
        let [input, kernels, bias] = layer.numbers();
        let mut variables = VariableEnvironment::<f32>::new();
        variables.name("x").set(array(&layer.input, input)?);
        variables.name("w").set(array(&layer.kernels, kernels)?);
        variables
            .name("b")
            .set(array(&[1, bias.len(), 1, 1], bias)?);
        variables.run(|context| -> Result<()> {
            let [x, w, b] = ["x", "w", "b"].map(|name| context.variable(name));
            let y = ops::conv2d(x, w, layer.padding, 1) + b;
            let gradients = ops::grad(&[y], &[x, w, b]);
            let both = || -> Result<Vec<Numbers>> {
                let mut evaluator = context.evaluator();
                evaluator.push(y);
                for &gradient in &gradients {
                    evaluator.push(gradient);
                }
                let all: std::result::Result<_, _> = evaluator.run().into_iter().collect();
                Ok(all.map_err(|error| format!("{error:?}"))?)
            };
            let whats = ["output", "d_input", "d_kernels", "d_bias"];
            for (what, numbers) in whats.iter().zip(both()?) {
                found.check(format!("{name} {what}"), stacked::checksum(&numbers));
            }
            found.time(format!("{name} forward"), args.window, || {
                context.evaluator().push(y).run();
                Ok(())
            })?;
            found.time(format!("{name} both"), args.window, || both().map(drop))
        })?;
    }
    Ok(found)
}

fn logits<'graph>(context: &'graph Context<f32>) -> Tensor<'graph, f32> {
    let x = context.placeholder("x", &[-1, 1, 28, 28]);
    let block = |x, w, b| {
        let y = ops::conv2d(x, context.variable(w), 0, 1) + context.variable(b);
        ops::relu(ops::max_pool2d(y, 2, 0, 2))
    };
    let x = block(block(x, "w1", "b1"), "w2", "b2");
    ops::matmul(ops::reshape(x, &[-1, 256]), context.variable("w3")) + context.variable("b3")
}

fn some(images: &Numbers, from: usize, count: usize) -> ArrayView<'_, f32, IxDyn> {
    images.slice_axis(Axis(0), Slice::from(from..from + count))
}

fn lenet(args: &Args) -> Result<Found> {
    let mut found = Found::default();
    let images = |digits: &Digits| array(&[digits.labels.len(), 1, 28, 28], digits.images.clone());
    let (train, test) = (
        stacked::digits(&args.data, "train")?,
        stacked::digits(&args.data, "t10k")?,
    );
    let count = train.labels.len();
    let labels = array(
        &[count, 1],
        train.labels.iter().map(|&label| f32::from(label)).collect(),
    )?;
    let (train, test) = (images(&train)?, images(&test)?);

    let fresh = || -> Result<VariableEnvironment<f32>> {
        let [w1, b1, w2, b2, w3, b3] = stacked::lenet();
        let mut variables = VariableEnvironment::new();
        variables.name("w1").set(array(&w1.0, w1.1)?);
        variables.name("b1").set(array(&[1, 8, 1, 1], b1.1)?);
        variables.name("w2").set(array(&w2.0, w2.1)?);
        variables.name("b2").set(array(&[1, 16, 1, 1], b2.1)?);
        variables
            .name("w3")
            .set(array(&[256, 10], stacked::transposed(10, &w3.1))?);
        variables.name("b3").set(array(&[1, 10], b3.1)?);
        Ok(variables)
    };

    let mut variables = fresh()?;
    let all = variables.default_namespace().current_var_ids();
    let optimizer = optimizers::MomentumSGD::new(RATE, MOMENTUM, all, &mut variables, "momentum");
    let mut places = stacked::places(count, BATCH);
    let mut step = || -> Result<f64> {
        let place = places.next().ok_or("there are no batches")?;
        variables.run(|context| {
            let targets = context.placeholder("y", &[-1, 1]);
            let losses = ops::sparse_softmax_cross_entropy(logits(context), targets);
            let loss = ops::reduce_mean(losses, &[0, 1], false);
            let namespace = context.default_namespace();
            let (parameters, gradients) = optimizers::grad_helper(&[loss], &namespace);
            let update = optimizer.get_update_op(&parameters, &gradients, context);
            let done = context
                .evaluator()
                .push(loss)
                .push(update)
                .feed("x", some(&train, place, BATCH))
                .feed("y", some(&labels, place, BATCH))
                .run();
            if let Err(error) = &done[1] {
                return Err(format!("{error:?}").into());
            }
            let loss = done[0].as_ref().map_err(|error| format!("{error:?}"))?;
            Ok(f64::from(*loss.iter().next().ok_or("no loss")?))
        })
    };
    for number in 1..=COMPARED {
        found.check(format!("loss {number}"), step()?);
    }
    found.time("training", args.window, || step().map(drop))?;

    let variables = fresh()?;
    variables.run(|context| -> Result<()> {
        let logits = logits(context);
        let run = |place, count| -> Result<Numbers> {
            let done = context
                .evaluator()
                .push(logits)
                .feed("x", some(&test, place, count))
                .run();
            let logits = done.into_iter().next().ok_or("no logits")?;
            Ok(logits.map_err(|error| format!("{error:?}"))?)
        };
        found.check("logits", stacked::checksum(&run(0, TEST_BATCH)?));
        let mut places = stacked::places(test.len() / 784, TEST_BATCH);
        found.time("inference", args.window, || {
            run(places.next().ok_or("there are no batches")?, TEST_BATCH).map(drop)
        })?;
        found.time("latency", args.window, || run(0, 1).map(drop))
    })?;
    Ok(found)
}
