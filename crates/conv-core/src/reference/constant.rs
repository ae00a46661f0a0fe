//! Constants of formulas.

use ndarray::NdFloat;

/// A constant in the type of the values.
pub(super) fn constant<F: NdFloat>(x: f64) -> F {
    F::from(x).unwrap_or(F::nan())
}
