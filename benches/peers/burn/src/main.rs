//! Convolution layers and a LeNet by burn, on its backends `flex` and `ndarray`.

// The backend `ndarray` still comes with burn 0.22, which calls it deprecated.
#![allow(deprecated)]

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};

#[path = "../../stacked.rs"]
mod stacked;
use stacked::{Args, BATCH, COMPARED, Digits, Found, LAYERS, MOMENTUM, RATE, Result, TEST_BATCH};

fn main() -> Result<()> {
    let args = stacked::arguments()?;
    let device = match args.backend.as_str() {
        "flex" => Device::flex(),
        "ndarray" => Device::ndarray(),
        other => return Err(format!("{other:?} is no backend").into()),
    };
    let found = match args.work.as_str() {
        "layers" => layers(&args, &device)?,
        "lenet" => lenet(&args, &device)?,
        other => return Err(format!("{other:?} is no work").into()),
    };
    found.print();
    Ok(())
}

fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

fn checksum<const D: usize>(tensor: Tensor<D>) -> Result<f64> {
    let numbers = tensor
        .into_data()
        .to_vec::<f32>()
        .map_err(|error| format!("{error:?}"))?;
    Ok(stacked::checksum(&numbers))
}

fn finish(device: &Device) -> Result<()> {
    Ok(device.sync().map_err(|error| format!("{error:?}"))?)
}

fn layers(args: &Args, device: &Device) -> Result<Found> {
    let mut found = Found::default();
    for layer in &LAYERS {
        let name = layer.name;
        let [input, kernels, bias] = layer.numbers();
        let x = tensor(input, layer.input, device);
        let w = tensor(kernels, layer.kernels, device);
        let b = tensor(bias, [layer.kernels[0]], device);
        let options = || ConvOptions::new([1, 1], [layer.padding; 2], [1, 1], 1);
        let forward = || conv2d(x.clone(), w.clone(), Some(b.clone()), options());
        let xg = Tensor::from_inner(x.clone()).require_grad();
        let wg = Tensor::from_inner(w.clone()).require_grad();
        let bg = Tensor::from_inner(b.clone()).require_grad();
        let both = || {
            let y = conv2d(xg.clone(), wg.clone(), Some(bg.clone()), options());
            let gradients = y.backward();
            (
                xg.grad(&gradients),
                wg.grad(&gradients),
                bg.grad(&gradients),
            )
        };

        found.check(format!("{name} output"), checksum(forward())?);
        let (d_input, d_kernels, d_bias) = both();
        found.check(
            format!("{name} d_input"),
            checksum(d_input.ok_or("no d_input")?)?,
        );
        found.check(
            format!("{name} d_kernels"),
            checksum(d_kernels.ok_or("no d_kernels")?)?,
        );
        found.check(
            format!("{name} d_bias"),
            checksum(d_bias.ok_or("no d_bias")?)?,
        );
        found.time(format!("{name} forward"), args.window, || {
            let _output = forward();
            finish(device)
        })?;
        found.time(format!("{name} both"), args.window, || {
            let _gradients = both();
            finish(device)
        })?;
    }
    Ok(found)
}

#[derive(Module, Debug)]
struct LeNet {
    conv1: Conv2d,
    conv2: Conv2d,
    pool: MaxPool2d,
    dense: Linear,
}

impl LeNet {
    fn new(device: &Device) -> Self {
        let [w1, b1, w2, b2, w3, b3] = stacked::lenet();
        let mut conv1 = Conv2dConfig::new([1, 8], [5, 5]).init(device);
        let mut conv2 = Conv2dConfig::new([8, 16], [5, 5]).init(device);
        let mut dense = LinearConfig::new(256, 10).init(device);
        conv1.weight = Param::from_tensor(tensor(w1.1, [8, 1, 5, 5], device));
        conv1.bias = Some(Param::from_tensor(tensor(b1.1, [8], device)));
        conv2.weight = Param::from_tensor(tensor(w2.1, [16, 8, 5, 5], device));
        conv2.bias = Some(Param::from_tensor(tensor(b2.1, [16], device)));
        let weights = stacked::transposed(10, &w3.1);
        dense.weight = Param::from_tensor(tensor(weights, [256, 10], device));
        dense.bias = Some(Param::from_tensor(tensor(b3.1, [10], device)));
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        Self {
            conv1,
            conv2,
            pool,
            dense,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = activation::relu(self.pool.forward(self.conv1.forward(x)));
        let x = activation::relu(self.pool.forward(self.conv2.forward(x)));
        self.dense.forward(x.flatten::<2>(1, 3))
    }
}

fn lenet(args: &Args, device: &Device) -> Result<Found> {
    let mut found = Found::default();
    let training = device.clone().autodiff();
    let images = |digits: Digits, device| {
        let count = digits.images.len() / 784;
        tensor(digits.images, [count, 1, 28, 28], device)
    };
    let (train, test) = (
        stacked::digits(&args.data, "train")?,
        stacked::digits(&args.data, "t10k")?,
    );
    let count = train.labels.len();
    let labels: Vec<i64> = train.labels.iter().map(|&label| label.into()).collect();
    let labels: Tensor<1, Int> = Tensor::from_data(TensorData::new(labels, [count]), &training);
    let tests = test.labels.len();
    let (train, test) = (images(train, &training), images(test, device));

    let momentum = MomentumConfig {
        momentum: f64::from(MOMENTUM),
        dampening: 0.0,
        nesterov: false,
    };
    let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
    let mut network = Some(LeNet::new(&training));
    let entropy = CrossEntropyLossConfig::new().init(&training);
    let mut places = stacked::places(count, BATCH);
    let mut step = || -> Result<Tensor<1>> {
        let place = places.next().ok_or("there are no batches")?;
        let moved = network.take().ok_or("there is no network")?;
        let (batch, targets) = (
            train.clone().narrow(0, place, BATCH),
            labels.clone().narrow(0, place, BATCH),
        );
        let loss = entropy.forward(moved.forward(batch), targets);
        let gradients = GradientsParams::from_grads(loss.backward(), &moved);
        network = Some(optimizer.step(f64::from(RATE), moved, gradients));
        Ok(loss)
    };
    for number in 1..=COMPARED {
        found.check(
            format!("loss {number}"),
            step()?.inner().into_scalar::<f32>().into(),
        );
    }
    found.time("training", args.window, || {
        step()?;
        finish(device)
    })?;

    let network = LeNet::new(&training).valid();
    found.check(
        "logits",
        checksum(network.forward(test.clone().narrow(0, 0, TEST_BATCH)))?,
    );
    let mut places = stacked::places(tests, TEST_BATCH);
    found.time("inference", args.window, || {
        let place = places.next().ok_or("there are no batches")?;
        network
            .forward(test.clone().narrow(0, place, TEST_BATCH))
            .into_data();
        Ok(())
    })?;
    let image = test.narrow(0, 0, 1);
    found.time("latency", args.window, || {
        network.forward(image.clone()).into_data();
        Ok(())
    })?;
    Ok(found)
}
