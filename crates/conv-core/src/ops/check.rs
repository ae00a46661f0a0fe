//! What every operation checks of its arguments.

use ndarray::{ArrayView, ArrayViewMut, Dimension};

use crate::Error;

/// The values of a view in row-major order.
pub(crate) fn slice<'a, T, D: Dimension>(
    what: &'static str,
    view: &'a ArrayView<'_, T, D>,
) -> Result<&'a [T], Error> {
    view.as_slice().ok_or(Error::Layout { what })
}

/// The values of a view in row-major order, to be written.
pub(crate) fn slice_mut<'a, T, D: Dimension>(
    what: &'static str,
    view: &'a mut ArrayViewMut<'_, T, D>,
) -> Result<&'a mut [T], Error> {
    view.as_slice_mut().ok_or(Error::Layout { what })
}

/// An error unless `found` is `expected`.
pub(crate) fn expect_shape(
    what: &'static str,
    expected: &[usize],
    found: &[usize],
) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape {
        what,
        expected: expected.to_vec(),
        found: found.to_vec(),
    })
}

/// An error if there is none of what there must be at least one.
pub(crate) fn expect_some(what: &'static str, found: usize) -> Result<(), Error> {
    if found > 0 {
        return Ok(());
    }
    Err(Error::Range {
        what,
        expected: "at least 1".into(),
        found,
    })
}

/// An error unless a value fits its range.
pub(crate) fn expect_value(
    what: &'static str,
    expected: &'static str,
    found: f32,
    fits: impl FnOnce(f32) -> bool,
) -> Result<(), Error> {
    if fits(found) {
        return Ok(());
    }
    Err(Error::Value {
        what,
        expected,
        found: f64::from(found),
    })
}
