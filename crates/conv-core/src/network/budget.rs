//! How much memory a network may take. A spec may come from a file that nobody trusts: no table is made and no
//! weight drawn before it is known to be within.

use crate::Error;
use crate::ops::conv::choose::Memory;

/// Values of four bytes that the values, gradients, statistics and tables of one image may have in all: 256 MiB.
const IMAGE: usize = 1 << 26;
/// Values that the parameters and their packed copies may have in all: 512 MiB.
const WEIGHTS: usize = 1 << 27;
/// What a layer takes besides, whatever its shapes: names, and the buffers that each shard of a batch has for it.
const LAYER: usize = 640;

/// What has been spent so far.
#[derive(Debug, Default)]
pub(super) struct Budget {
    image: usize,
    weights: usize,
}

fn spend(spent: &mut usize, most: usize, what: &'static str, sizes: &[usize]) -> Result<(), Error> {
    let values = sizes
        .iter()
        .fold(1, |product: usize, &size| product.saturating_mul(size));
    *spent = spent.saturating_add(values);
    if *spent > most {
        return Err(Error::Overflow { what });
    }
    Ok(())
}

impl Budget {
    /// So many values for each image.
    pub(super) fn image(&mut self, what: &'static str, sizes: &[usize]) -> Result<(), Error> {
        spend(&mut self.image, IMAGE, what, sizes)
    }

    /// So many values for parameters.
    pub(super) fn weights(&mut self, what: &'static str, sizes: &[usize]) -> Result<(), Error> {
        spend(&mut self.weights, WEIGHTS, what, sizes)
    }

    /// An array of `len` that goes from step to step, with its gradient, and the layer that makes it.
    pub(super) fn value(&mut self, what: &'static str, len: usize) -> Result<(), Error> {
        self.image(what, &[2, len])?;
        self.image(what, &[LAYER])
    }

    /// What an algorithm for a convolution takes.
    pub(super) fn algorithm(&mut self, memory: Memory) -> Result<(), Error> {
        self.weights("the packed kernels", &[memory.kernels])?;
        self.image("the padded image", &[memory.image])?;
        self.image("the tables of a convolution", &[memory.tables])
    }
}
