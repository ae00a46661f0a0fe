//! Numbers that every program computes with, and what it says of those that it found.

use ndarray::{Array1, Array4, ArrayView, ArrayView4, Dimension};

/// So many numbers between -`scale` and `scale`, the same in every language: `MurmurHash3`'s last steps over a
/// counter.
pub(crate) fn drawn(n: usize, seed: u32, scale: f32) -> Vec<f32> {
    let number = |i: usize| {
        let mut h = (i as u32).wrapping_add(seed.wrapping_mul(0x9e37_79b9));
        h ^= h >> 16;
        h = h.wrapping_mul(0x85eb_ca6b);
        h ^= h >> 13;
        h = h.wrapping_mul(0xc2b2_ae35);
        h ^= h >> 16;
        (f64::from(h) / 4_294_967_296.0 * 2.0 - 1.0) as f32 * scale
    };
    (0..n).map(number).collect()
}

/// The same numbers as an array whose axes the peers have in another order: of theirs, axis `order[i]` is
/// our axis `i`.
fn moved(shape: [usize; 4], order: [usize; 4], seed: u32, scale: f32) -> Array4<f32> {
    let numbers = drawn(shape.iter().product(), seed, scale);
    let mut strides = [1; 4];
    for axis in (0..3).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    let [a, b, c, d] = order;
    let ours = (shape[a], shape[b], shape[c], shape[d]);
    Array4::from_shape_fn(ours, |(i, j, k, l)| {
        numbers[i * strides[a] + j * strides[b] + k * strides[c] + l * strides[d]]
    })
}

/// Images: drawn (N, C, H, W), returned (N, H, W, C).
pub(crate) fn images(shape: [usize; 4], seed: u32, scale: f32) -> Array4<f32> {
    moved(shape, [0, 2, 3, 1], seed, scale)
}

/// Kernels: drawn (Cout, Cin, Kh, Kw), returned (Kh, Kw, Cin, Cout).
pub(crate) fn kernels(shape: [usize; 4], seed: u32, scale: f32) -> Array4<f32> {
    moved(shape, [2, 3, 1, 0], seed, scale)
}

pub(crate) fn bias(n: usize, seed: u32, scale: f32) -> Array1<f32> {
    Array1::from_vec(drawn(n, seed, scale))
}

/// Images as the peers have them, (N, C, H, W).
pub(crate) fn channels_first<'a>(images: &'a Array4<f32>) -> ArrayView4<'a, f32> {
    images.view().permuted_axes([0, 3, 1, 2])
}

/// Kernels as the peers have them, (Cout, Cin, Kh, Kw).
pub(crate) fn outputs_first<'a>(kernels: &'a Array4<f32>) -> ArrayView4<'a, f32> {
    kernels.view().permuted_axes([3, 2, 0, 1])
}

/// A sum in which a number's weight depends on its place, and how far it may be off. The errors of single
/// numbers, some 10⁻⁶ of them, add up like a random walk, and a wrong number is off by as much as itself: the
/// tolerance is 10⁻³ of the random walk of the numbers.
pub(crate) fn checksum<D: Dimension>(numbers: ArrayView<'_, f32, D>) -> (f64, f64) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for (place, &number) in numbers.iter().enumerate() {
        let weighted = f64::from(number) * ((place % 7) as f64 - 2.5);
        sum += weighted;
        squares += weighted * weighted;
    }
    (sum, 1e-3 * squares.sqrt())
}

/// An error unless all numbers are the right ones, but for 10⁻⁵ of the largest.
pub(crate) fn agree<D: Dimension>(
    what: &str,
    found: ArrayView<'_, f32, D>,
    right: ArrayView<'_, f64, D>,
) -> Result<(), String> {
    if found.shape() != right.shape() {
        return Err(format!(
            "{what} has the shape {:?}, the reference {:?}",
            found.shape(),
            right.shape()
        ));
    }
    let largest = right
        .iter()
        .fold(0.0, |largest: f64, x| largest.max(x.abs()));
    for (place, (&found, &right)) in found.iter().zip(right.iter()).enumerate() {
        let error = (f64::from(found) - right).abs();
        if error.is_nan() || error > 1e-5 * largest {
            return Err(format!(
                "{what}: number {place} is {found:e}, the reference says {right:e}"
            ));
        }
    }
    Ok(())
}
