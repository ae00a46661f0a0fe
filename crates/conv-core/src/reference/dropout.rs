use ndarray::NdFloat;

/// Dropout, and its own gradient: a unit that is kept is multiplied by `scale`, the others become 0. With
/// `scale` = 1 / (probability to be kept) the expected value stays what it was. N. Srivastava et al.,
/// Dropout: a simple way to prevent neural networks from overfitting, JMLR 15 (2014).
#[must_use]
pub fn dropout<F: NdFloat>(x: F, kept: bool, scale: F) -> F {
    if kept { x * scale } else { F::zero() }
}
