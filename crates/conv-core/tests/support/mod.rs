//! What the tests share: levels, threads, seeded arrays and comparisons.
#![allow(dead_code, reason = "each test uses a part")]

use conv_core::NumpyRandom;
use conv_core::simd::{Level, level, set_level};
use ndarray::{Array, ArrayView, Dimension, ShapeBuilder};
use skipped::skipped_on;
use std::sync::{Mutex, PoisonError};

/// The level is the process's: one test at a time sets it.
static LEVEL: Mutex<()> = Mutex::new(());

/// What the processor has, asked of the processor itself.
fn levels_here() -> Vec<&'static str> {
    let mut levels = vec!["scalar"];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            levels.push("avx2");
            if is_x86_feature_detected!("avx512f") {
                levels.push("avx512");
            }
        }
    }
    if cfg!(target_arch = "aarch64") {
        levels.push("neon");
    }
    if cfg!(all(target_arch = "wasm32", target_feature = "simd128")) {
        levels.push("simd128");
        // Whether the engine rounds once is asked by the functions that compute, and by nobody else.
        if cfg!(feature = "relaxed-simd") && Level::Relaxed.is_available() {
            levels.push("relaxed");
        }
    }
    levels
}

/// Runs `test` on every level of the processor, says once which are absent, and fails if one that it has was not
/// tested or was changed meanwhile.
pub(crate) fn on_every_level(mut test: impl FnMut(Level)) {
    let _lock = LEVEL.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut tested, mut absent) = (Vec::new(), Vec::new());
    for &asked in Level::ALL {
        if set_level(asked).is_err() {
            absent.push(asked);
            continue;
        }
        test(asked);
        assert_eq!(
            level(),
            asked,
            "the level changed while it was being tested"
        );
        tested.push(asked.to_string());
    }
    set_level(Level::best()).unwrap();
    skipped_on(&absent);
    assert_eq!(
        tested,
        levels_here(),
        "not every level of this processor was tested"
    );
}

/// The numbers of threads of [`same_everywhere`].
const THREADS: &[usize] = if cfg!(feature = "rayon") {
    &[1, 2, 3, 8]
} else {
    &[1]
};

/// Runs `make` on every level and on pools of 1, 2, 3 and 8 threads (without the feature `rayon`, on one); fails
/// unless all give the same.
pub(crate) fn same_everywhere<T: PartialEq + Send>(make: impl Fn() -> T + Sync) {
    let mut first = None;
    on_every_level(|level| {
        for &threads in THREADS {
            let made = on_threads(threads, &make);
            let first = first.get_or_insert_with(&make);
            assert!(
                made == *first,
                "{level} with {threads} threads differs from the first result"
            );
        }
    });
}

#[cfg(feature = "rayon")]
fn on_threads<T: Send>(threads: usize, make: &(impl Fn() -> T + Sync)) -> T {
    let pool = rayon::ThreadPoolBuilder::new();
    pool.num_threads(threads).build().unwrap().install(make)
}

#[cfg(not(feature = "rayon"))]
fn on_threads<T: Send>(_threads: usize, make: &(impl Fn() -> T + Sync)) -> T {
    make()
}

/// The bits of an array: equal bits are more than equal numbers.
pub(crate) fn bits<D: Dimension>(array: &Array<f32, D>) -> Vec<u32> {
    array.iter().map(|x| x.to_bits()).collect()
}

/// Whole numbers from -3 to 3, of which sums and products are exact.
pub(crate) fn whole<Sh: ShapeBuilder>(random: &mut NumpyRandom, shape: Sh) -> Array<f32, Sh::Dim> {
    Array::from_shape_simple_fn(shape, || (random.random() * 7.0).floor() as f32 - 3.0)
}

/// Numbers from -1 to 1.
pub(crate) fn uniform<Sh: ShapeBuilder>(
    random: &mut NumpyRandom,
    shape: Sh,
) -> Array<f32, Sh::Dim> {
    Array::from_shape_simple_fn(shape, || (2.0 * random.random() - 1.0) as f32)
}

/// An output that must be written in full.
pub(crate) fn nan<Sh: ShapeBuilder>(shape: Sh) -> Array<f32, Sh::Dim> {
    Array::from_elem(shape, f32::NAN)
}

/// The same in `f64`.
pub(crate) fn wide<D: Dimension>(array: &Array<f32, D>) -> Array<f64, D> {
    array.mapv(f64::from)
}

/// Fails unless every number of `found` is within its tolerance of that of `right`.
pub(crate) fn assert_within<D: Dimension>(
    what: &str,
    found: &ArrayView<f32, D>,
    right: &ArrayView<f64, D>,
    tolerance: &ArrayView<f64, D>,
) {
    assert_eq!(found.shape(), right.shape(), "{what}");
    for ((at, &found), (&right, &tolerance)) in
        found.indexed_iter().zip(right.iter().zip(tolerance.iter()))
    {
        let error = (f64::from(found) - right).abs();
        // Written so that a NaN fails.
        assert!(
            error <= tolerance,
            "{what} at {at:?}: {found:e}, right is {right:e}, tolerance {tolerance:e}"
        );
    }
}

/// The gradient of `f` at `x` by central differences, each of 2e-6; error of about 1e-9 where f is smooth.
pub(crate) fn differences<D: Dimension>(
    x: &Array<f64, D>,
    f: impl Fn(&Array<f64, D>) -> f64,
) -> Array<f64, D> {
    let [gradient] = all_differences(x, |x| [f(x)]);
    gradient
}

/// The same for several functions that are computed from the same values.
pub(crate) fn all_differences<D: Dimension, const N: usize>(
    x: &Array<f64, D>,
    f: impl Fn(&Array<f64, D>) -> [f64; N],
) -> [Array<f64, D>; N] {
    const STEP: f64 = 1e-6;
    let mut gradients = [(); N].map(|()| Array::zeros(x.raw_dim()));
    let mut moved = x.clone();
    for (i, &value) in x.iter().enumerate() {
        let set = |moved: &mut Array<f64, D>, value| *moved.iter_mut().nth(i).unwrap() = value;
        set(&mut moved, value + STEP);
        let ahead = f(&moved);
        set(&mut moved, value - STEP);
        let behind = f(&moved);
        set(&mut moved, value);
        for (gradient, (ahead, behind)) in gradients.iter_mut().zip(ahead.iter().zip(behind)) {
            *gradient.iter_mut().nth(i).unwrap() = (ahead - behind) / (2.0 * STEP);
        }
    }
    gradients
}

/// Fails unless two gradients in `f64` agree to `tolerance`.
pub(crate) fn assert_near<D: Dimension>(
    what: &str,
    found: &Array<f64, D>,
    right: &Array<f64, D>,
    tolerance: f64,
) {
    assert_eq!(found.shape(), right.shape(), "{what}");
    for ((at, found), right) in found.indexed_iter().zip(right) {
        assert!(
            (found - right).abs() <= tolerance,
            "{what} at {at:?}: {found:e}, right is {right:e}"
        );
    }
}
