//! How many values an array may have.

use crate::Error;

/// Values that one array may hold: so many that 32 bits count their bytes.
pub(super) const LIMIT: usize = u32::MAX as usize / 4;

/// The product of sizes, if one array can hold so many values.
pub(crate) fn product(what: &'static str, sizes: &[usize]) -> Result<usize, Error> {
    let product = sizes
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size));
    product
        .filter(|&product| product <= LIMIT)
        .ok_or(Error::Overflow { what })
}
