//! The chapter's data, in the crate (feature `embedded`).
//!
//! The first 1,000 training images and all 10,000 test images of MNIST with their labels, gzipped,
//! 1.8 MB. `cargo xtask embed` makes the files again, bit for bit, from the full set. The data is
//! by Yann `LeCun` and Corinna Cortes, under CC BY-SA 3.0: `data/LICENSE` in this crate.

use crate::idx::Reader;
use crate::{Dataset, Error, Splits};

/// The first 1,000 training images and the 10,000 test images.
///
/// ```
/// let splits = mnist_data::embedded::load();
/// assert_eq!(splits.train.images().dim(), (1_000, 28, 28));
/// assert_eq!(splits.test.images().dim(), (10_000, 28, 28));
/// assert_eq!(splits.train.labels()[..5], [5, 0, 4, 1, 9]);
/// ```
///
/// # Panics
///
/// Never: the files are part of the crate, and its tests read them.
#[must_use]
pub fn load() -> Splits {
    let train = decode(
        include_bytes!("../data/train-images-idx3-ubyte.gz"),
        include_bytes!("../data/train-labels-idx1-ubyte.gz"),
    );
    let test = decode(
        include_bytes!("../data/t10k-images-idx3-ubyte.gz"),
        include_bytes!("../data/t10k-labels-idx1-ubyte.gz"),
    );
    match (train, test) {
        (Ok(train), Ok(test)) => Splits { train, test },
        (Err(error), _) | (_, Err(error)) => panic!("embedded data: {error}"),
    }
}

fn decode(images: &[u8], labels: &[u8]) -> Result<Dataset, Error> {
    Dataset::new(
        Reader::new(images)?.into_ranked()?,
        Reader::new(labels)?.into_ranked()?,
    )
}
