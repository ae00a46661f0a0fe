use ndarray::NdFloat;

pub(super) fn number<F: NdFloat>(x: f64) -> F {
    F::from(x).unwrap_or(F::nan())
}
