//! Single convolution layers, S1 to S5: forward, and forward and backward with the gradients of input, kernels and
//! bias, of the first layer's input as well.

use conv_core::ops::conv::{self, Conv};
use conv_core::shape::{Padding, Window};
use conv_core::{Error, reference};
use ndarray::{Array1, Array4, Axis};

use crate::numbers::{agree, bias, channels_first, checksum, images, kernels, outputs_first};
use crate::{Found, Settings, clock, peak};

/// Images, sides, input and output channels, the side of a kernel, and the padding.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    images: usize,
    pub(crate) side: usize,
    pub(crate) cin: usize,
    cout: usize,
    pub(crate) kernel: usize,
    padding: usize,
}

pub(crate) const SHAPES: [Shape; 5] = [
    shape("S1", (128, 28), (1, 16), (3, 0)),
    shape("S2", (64, 12), (8, 16), (5, 0)),
    shape("S3", (64, 28), (16, 32), (3, 1)),
    shape("S4", (32, 14), (64, 64), (3, 1)),
    shape("S5", (16, 7), (128, 256), (3, 1)),
];

const fn shape(
    name: &'static str,
    (images, side): (usize, usize),
    (cin, cout): (usize, usize),
    (kernel, padding): (usize, usize),
) -> Shape {
    Shape {
        name,
        images,
        side,
        cin,
        cout,
        kernel,
        padding,
    }
}

/// A layer with all its numbers.
pub(crate) struct Layer {
    pub(crate) conv: Conv,
    pub(crate) input: Array4<f32>,
    pub(crate) kernels: Array4<f32>,
    pub(crate) bias: Array1<f32>,
    pub(crate) output: Array4<f32>,
    pub(crate) d_output: Array4<f32>,
    pub(crate) d_input: Array4<f32>,
    pub(crate) d_kernels: Array4<f32>,
    d_bias: Array1<f32>,
}

impl Shape {
    pub(crate) fn layer(&self) -> Result<Layer, Error> {
        let &Self {
            images: n,
            side,
            cin,
            cout,
            kernel,
            padding,
            ..
        } = self;
        let window = Window::new(kernel, kernel).padding(Padding::Explicit {
            top: padding,
            bottom: padding,
            left: padding,
            right: padding,
        });
        let (rows, cols) = window.output(side, side)?.into();
        let input = images([n, cin, side, side], 1, 1.0);
        let kernels = kernels([cout, cin, kernel, kernel], 2, 0.1);
        // Filled with NaN: what is not written is found.
        Ok(Layer {
            conv: Conv::new(window),
            output: Array4::from_elem((n, rows, cols, cout), f32::NAN),
            d_output: Array4::ones((n, rows, cols, cout)),
            d_input: Array4::from_elem(input.raw_dim(), f32::NAN),
            d_kernels: Array4::from_elem(kernels.raw_dim(), f32::NAN),
            d_bias: Array1::from_elem(cout, f32::NAN),
            bias: bias(cout, 3, 0.1),
            input,
            kernels,
        })
    }
}

impl Layer {
    fn forward(&mut self) -> Result<(), Error> {
        let (input, kernels, bias) = (self.input.view(), self.kernels.view(), self.bias.view());
        conv::forward(
            &self.conv,
            input,
            kernels,
            Some(bias),
            self.output.view_mut(),
        )
    }

    pub(crate) fn both(&mut self) -> Result<(), Error> {
        self.forward()?;
        let (conv, d_output) = (&self.conv, self.d_output.view());
        conv::d_input(conv, d_output, self.kernels.view(), self.d_input.view_mut())?;
        conv::d_kernels(conv, self.input.view(), d_output, self.d_kernels.view_mut())?;
        conv::d_bias(d_output, self.d_bias.view_mut())
    }
}

/// The first and the last image of each layer, against the plain loops in `f64`.
pub(crate) fn verify() -> Result<(), Box<dyn std::error::Error>> {
    for shape in &SHAPES {
        let mut layer = shape.layer()?;
        let ends = |images: &Array4<f32>| images.select(Axis(0), &[0, shape.images - 1]);
        layer.input = ends(&layer.input);
        layer.output = ends(&layer.output);
        layer.d_input = ends(&layer.d_input);
        // Not ones, so that no gradient is right by chance.
        let (n, rows, cols, cout) = layer.output.dim();
        layer.d_output = images([n, cout, rows, cols], 4, 1.0);
        layer.both()?;

        let wide = |array: &Array4<f32>| array.mapv(f64::from);
        let (input, kernels, d_output) = (
            wide(&layer.input),
            wide(&layer.kernels),
            wide(&layer.d_output),
        );
        let (input, kernels, d_output) = (input.view(), kernels.view(), d_output.view());
        let bias = layer.bias.mapv(f64::from);
        let (name, conv) = (shape.name, &layer.conv);
        let right = reference::conv(conv, input, kernels, Some(bias.view()));
        agree(&format!("{name} output"), layer.output.view(), right.view())?;
        let right = reference::conv_d_input(conv, d_output, kernels, (shape.side, shape.side));
        agree(
            &format!("{name} d_input"),
            layer.d_input.view(),
            right.view(),
        )?;
        let right = reference::conv_d_kernels(conv, input, d_output);
        agree(
            &format!("{name} d_kernels"),
            layer.d_kernels.view(),
            right.view(),
        )?;
        let right = reference::conv_d_bias(d_output);
        agree(&format!("{name} d_bias"), layer.d_bias.view(), right.view())?;
    }
    Ok(())
}

pub(crate) fn time(settings: &Settings, pool: &rayon::ThreadPool) -> Result<Found, Error> {
    let mut found = Found {
        peak_gflops: Some(peak::gflops(pool, settings.window)),
        ..Found::default()
    };
    for shape in &SHAPES {
        let name = shape.name;
        let mut layer = shape.layer()?;
        let window = settings.window;
        let both = pool.install(|| clock::fastest(window, || layer.both()))?;
        let forward = pool.install(|| clock::fastest(window, || layer.forward()))?;
        found.times.insert(format!("{name} forward"), forward);
        found.times.insert(format!("{name} both"), both);
        for (what, (sum, tolerance)) in [
            ("output", checksum(channels_first(&layer.output))),
            ("d_input", checksum(channels_first(&layer.d_input))),
            ("d_kernels", checksum(outputs_first(&layer.d_kernels))),
            ("d_bias", checksum(layer.d_bias.view())),
        ] {
            found.check(format!("{name} {what}"), sum, tolerance);
        }
    }
    Ok(found)
}
