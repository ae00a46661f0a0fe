//! How much memory a network may take. A spec may come from a file that nobody trusts: no table is made and no
//! weight drawn before it is known to be within.

use crate::Error;
use crate::ops::conv::Conv;
use crate::ops::engine;
use crate::ops::scatter::{self, Scatter};
use crate::shape::Window;
use crate::simd::LANES;

/// Numbers of four bytes that the values, gradients and tables of one image may have in all: 256 MiB.
const IMAGE: usize = 1 << 26;
/// Numbers that the parameters and their packed copies may have in all: 512 MiB.
const WEIGHTS: usize = 1 << 27;
/// What a layer takes besides, whatever its shapes: names, buffers, and two plans with their tables of pixels.
const LAYER: usize = 128 + 2 * engine::BLOCK;

/// What has been spent so far.
#[derive(Debug, Default)]
pub(super) struct Budget {
    image: usize,
    weights: usize,
}

/// The product of sizes, or as much as there is.
fn numbers(sizes: &[usize]) -> usize {
    sizes
        .iter()
        .fold(1, |product, &size| product.saturating_mul(size))
}

/// Numbers of so many channels as vectors of sixteen.
fn padded(channels: usize) -> usize {
    numbers(&[channels.div_ceil(LANES), LANES])
}

fn spend(spent: &mut usize, most: usize, what: &'static str, sizes: &[usize]) -> Result<(), Error> {
    *spent = spent.saturating_add(numbers(sizes));
    if *spent > most {
        return Err(Error::Overflow { what });
    }
    Ok(())
}

impl Budget {
    fn image(&mut self, what: &'static str, sizes: &[usize]) -> Result<(), Error> {
        spend(&mut self.image, IMAGE, what, sizes)
    }

    fn weights(&mut self, what: &'static str, sizes: &[usize]) -> Result<(), Error> {
        spend(&mut self.weights, WEIGHTS, what, sizes)
    }

    /// A value of so many numbers, with its gradient, and the layer that makes it.
    pub(super) fn value(&mut self, what: &'static str, len: usize) -> Result<(), Error> {
        self.image(what, &[2, len])?;
        self.image(what, &[LAYER])
    }

    /// A parameter of a number a channel.
    pub(super) fn channels(&mut self, what: &'static str, channels: usize) -> Result<(), Error> {
        self.weights(what, &[16, channels])
    }

    /// The tables and kernels of a convolution over an image (H, W, C).
    pub(super) fn conv(
        &mut self,
        conv: &Conv,
        (h, w, c): (usize, usize, usize),
        kernels: usize,
    ) -> Result<(), Error> {
        let (rows, cols) = conv.window.axes(h, w)?;
        let (kh, kw) = conv.window.size;
        let (per_in, per_out) = (c / conv.groups, kernels / conv.groups);
        self.weights("kernels", &[kh, kw, per_in, kernels])?;
        let window = engine::packed_window(conv, (rows.output, cols.output), (c, kernels));
        let packed = [conv.groups, padded(per_out), window, per_in];
        self.weights("the packed kernels", &packed)?;
        let tiles = engine::packed_window_back(conv, (rows.output, cols.output), (c, kernels));
        // There may be up to three rows and columns more, to whole tiles.
        let [padded_h, padded_w] = [rows.padded, cols.padded].map(|side| side.saturating_add(3));
        self.image("the padded input", &[padded_h, padded_w, c])?;
        if let Some(numbers) = tiles {
            self.weights("the turned kernels", &[c, numbers, padded(kernels)])?;
            self.image("the table of pixels", &[rows.output, cols.output])?;
            return self.image("the padded gradient", &[padded_h, padded_w, c]);
        }
        if Scatter::suits(conv, c) {
            let packed = [padded(numbers(&[kh, kw, c])), kernels];
            self.weights("the turned kernels", &packed)?;
            let sections = [rows.output, cols.output, kh, kw];
            // Of a single channel under 3 × 3, sixteen numbers a section.
            self.image("the sections", &[numbers(&sections), 2, c])?;
            self.image("the sections", &[scatter::NEAR])?;
            // A run is three numbers, and the list of them may have grown to twice what it needs.
            return self.image("the sections' runs", &[numbers(&sections), 6]);
        }
        let window = engine::packed_window(conv, (h, w), (kernels, c));
        let packed = [conv.groups, padded(per_in), window, per_out];
        self.weights("the turned kernels", &packed)?;
        let (dy, dx) = conv.window.dilation;
        let [padded_h, padded_w] =
            [(h, kh, dy), (w, kw, dx)].map(|(side, k, d)| side.saturating_add((k - 1) * d + 3));
        self.image("the padded gradient", &[padded_h, padded_w, kernels])
    }

    /// The weights of a dense layer.
    pub(super) fn dense(&mut self, features: usize, outputs: usize) -> Result<(), Error> {
        for sizes in [
            [features, outputs],
            [features, padded(outputs)],
            [padded(features), outputs],
        ] {
            self.weights("weights", &sizes)?;
        }
        Ok(())
    }

    /// The table of a pooling over an image (H, W, C), and the places of the largest.
    pub(super) fn pool(
        &mut self,
        window: &Window,
        (h, w, c): (usize, usize, usize),
    ) -> Result<(), Error> {
        let (rows, cols) = window.output(h, w)?;
        self.image("the places of the largest", &[rows, cols, c])?;
        // The table may have grown to twice what it needs.
        let sizes = [2, rows, cols, window.size.0, window.size.1];
        self.image("pixels under the window", &sizes)
    }
}
