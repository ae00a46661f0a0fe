//! The matrices of the transforms, each as a function of a row of values.

use crate::simd::{Simd, Transform};

// A convolution is a product of polynomials, computed by their values at some points: each file says which. The values of a
// transformed tile are in the order of the points.
mod f2x3;
mod f4x3;
mod f4x5;

/// Bᵀ
pub(super) struct Input;
/// Aᵀ
pub(super) struct Output;
/// A
pub(super) struct DOutput;
/// G
pub(super) struct Kernel;
/// B
pub(super) struct DInput;
/// B, for sums that are added to what is there
pub(super) struct AddDInput;
/// Gᵀ, for sums that are added to what is there
pub(super) struct DKernel;
/// Gᵀ, for sums that are added to zeros, whatever is there
pub(super) struct NewDKernel;

impl<const N: usize> Transform<N, N> for AddDInput
where
    DInput: Transform<N, N>,
{
    const ADDS: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, x: [S::F32; N]) -> [S::F32; N] {
        DInput::apply(s, x)
    }
}

impl<const N: usize, const M: usize> Transform<N, M> for NewDKernel
where
    DKernel: Transform<N, M>,
{
    /// Without a bias a zero is added: a sum with it is never a negative zero.
    const ADDS_BIAS: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, x: [S::F32; N]) -> [S::F32; M] {
        DKernel::apply(s, x)
    }
}
