//! Convolution layers and a LeNet by candle.

use candle_core::{Device, Tensor, Var};
use candle_nn::{Conv2d, Conv2dConfig, Linear, Module, loss};

#[path = "../../stacked.rs"]
mod stacked;
use stacked::{Args, BATCH, COMPARED, Digits, Found, LAYERS, MOMENTUM, RATE, Result, TEST_BATCH};

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

fn variable(shape: &[usize], numbers: Vec<f32>) -> Result<Var> {
    Ok(Var::from_tensor(&Tensor::from_vec(
        numbers,
        shape,
        &Device::Cpu,
    )?)?)
}

fn checksum(tensor: &Tensor) -> Result<f64> {
    Ok(stacked::checksum(&tensor.flatten_all()?.to_vec1::<f32>()?))
}

fn layers(args: &Args) -> Result<Found> {
    let mut found = Found::default();
    for layer in &LAYERS {
        let name = layer.name;
        let [input, kernels, bias] = layer.numbers();
        let x = variable(&layer.input, input)?;
        let w = variable(&layer.kernels, kernels)?;
        let b = variable(&[bias.len()], bias)?;
        let config = Conv2dConfig {
            padding: layer.padding,
            ..Default::default()
        };
        let detached = |var: &Var| var.as_detached_tensor();
        let inference = Conv2d::new(detached(&w), Some(detached(&b)), config);
        let training = Conv2d::new(w.as_tensor().clone(), Some(b.as_tensor().clone()), config);

        let fixed = detached(&x);
        let both = || training.forward(&x)?.backward();
        found.check(
            format!("{name} output"),
            checksum(&inference.forward(&fixed)?)?,
        );
        let gradients = both()?;
        for (what, var) in [("d_input", &x), ("d_kernels", &w), ("d_bias", &b)] {
            let gradient = gradients.get(var).ok_or(format!("no {what}"))?;
            found.check(format!("{name} {what}"), checksum(gradient)?);
        }
        found.time(format!("{name} forward"), args.window, || {
            inference.forward(&fixed)?;
            Ok(())
        })?;
        found.time(format!("{name} both"), args.window, || {
            both()?;
            Ok(())
        })?;
    }
    Ok(found)
}

/// The largest of every tile of 2 × 2, by operations whose gradient is right: that of `max_pool2d` is a quarter of
/// what it must be where a tile has one maximum (candle 0.11).
fn max_pool(x: &Tensor) -> candle_core::Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let rows = x.reshape((n * c * h / 2, 2, w))?;
    let rows = rows.narrow(1, 0, 1)?.maximum(&rows.narrow(1, 1, 1)?)?;
    let columns = rows.reshape((n * c * h / 2, w / 2, 2))?;
    let columns = columns
        .narrow(2, 0, 1)?
        .maximum(&columns.narrow(2, 1, 1)?)?;
    columns.reshape((n, c, h / 2, w / 2))
}

struct LeNet {
    convs: [Conv2d; 2],
    dense: Linear,
    /// Inference takes candle's own pooling, which is the faster one.
    training: bool,
}

impl LeNet {
    fn new(parameters: &[Tensor], training: bool) -> Self {
        let [w1, b1, w2, b2, w3, b3] = [0, 1, 2, 3, 4, 5].map(|i| parameters[i].clone());
        let config = Conv2dConfig::default();
        Self {
            convs: [
                Conv2d::new(w1, Some(b1), config),
                Conv2d::new(w2, Some(b2), config),
            ],
            dense: Linear::new(w3, Some(b3)),
            training,
        }
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let mut x = x.clone();
        for conv in &self.convs {
            x = conv.forward(&x)?;
            x = if self.training {
                max_pool(&x)?
            } else {
                x.max_pool2d(2)?
            }
            .relu()?;
        }
        self.dense.forward(&x.flatten_from(1)?)
    }
}

fn lenet(args: &Args) -> Result<Found> {
    let mut found = Found::default();
    let images = |digits: Digits| -> Result<Tensor> {
        let count = digits.images.len() / 784;
        Ok(Tensor::from_vec(
            digits.images,
            (count, 1, 28, 28),
            &Device::Cpu,
        )?)
    };
    let (train, test) = (
        stacked::digits(&args.data, "train")?,
        stacked::digits(&args.data, "t10k")?,
    );
    let labels: Vec<u32> = train.labels.iter().map(|&label| label.into()).collect();
    let labels = Tensor::new(labels, &Device::Cpu)?;
    let (train, test) = (images(train)?, images(test)?);
    let fresh = || {
        stacked::lenet()
            .into_iter()
            .map(|(shape, numbers)| variable(&shape, numbers))
    };

    let variables = fresh().collect::<Result<Vec<Var>>>()?;
    let tensors: Vec<Tensor> = variables
        .iter()
        .map(|var| var.as_tensor().clone())
        .collect();
    let network = LeNet::new(&tensors, true);
    let mut velocities: Vec<Option<Tensor>> = vec![None; variables.len()];
    let mut places = stacked::places(train.dim(0)?, BATCH);
    let mut step = || -> Result<Tensor> {
        let place = places.next().ok_or("there are no batches")?;
        let (batch, targets) = (
            train.narrow(0, place, BATCH)?,
            labels.narrow(0, place, BATCH)?,
        );
        let loss = loss::cross_entropy(&network.forward(&batch)?, &targets)?;
        let gradients = loss.backward()?;
        // candle has no SGD with momentum: the same as PyTorch's.
        for (var, velocity) in variables.iter().zip(&mut velocities) {
            let gradient = gradients.get(var).ok_or("no gradient")?;
            let moved = match velocity.take() {
                None => gradient.clone(),
                Some(velocity) => ((velocity * f64::from(MOMENTUM))? + gradient)?,
            };
            var.set(&(var.as_detached_tensor() - (&moved * f64::from(RATE))?)?)?;
            *velocity = Some(moved);
        }
        Ok(loss)
    };
    for number in 1..=COMPARED {
        found.check(format!("loss {number}"), step()?.to_scalar::<f32>()?.into());
    }
    found.time("training", args.window, || step().map(drop))?;

    let fixed = fresh()
        .map(|var| Ok(var?.as_detached_tensor()))
        .collect::<Result<Vec<_>>>()?;
    let network = LeNet::new(&fixed, false);
    found.check(
        "logits",
        checksum(&network.forward(&test.narrow(0, 0, TEST_BATCH)?)?)?,
    );
    let mut places = stacked::places(test.dim(0)?, TEST_BATCH);
    found.time("inference", args.window, || {
        let place = places.next().ok_or("there are no batches")?;
        network.forward(&test.narrow(0, place, TEST_BATCH)?)?;
        Ok(())
    })?;
    let image = test.narrow(0, 0, 1)?;
    found.time("latency", args.window, || {
        network.forward(&image)?;
        Ok(())
    })?;
    Ok(found)
}
