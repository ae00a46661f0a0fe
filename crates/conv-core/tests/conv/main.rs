//! Convolution and its gradients against the reference.

mod cases;
#[path = "../support/mod.rs"]
mod support;
mod winograd;

use cases::{Case, cases, cases_by_tiles_of_four, cases_of_five};
use conv_core::ops::conv::{self, Conv};
use conv_core::reference;
use conv_core::shape::{Padding, Window};
use conv_core::{Error, NumpyRandom};
use ndarray::{Array1, Array4};
use support::*;

struct Arrays {
    input: Array4<f32>,
    kernels: Array4<f32>,
    bias: Array1<f32>,
    d_output: Array4<f32>,
}

impl Arrays {
    fn of(
        (conv, [n, h, w, cin, cout]): &Case,
        mut make: impl FnMut([usize; 4]) -> Array4<f32>,
    ) -> Self {
        let (kh, kw) = conv.window.size.into();
        let (rows, cols) = conv.window.output(*h, *w).unwrap().into();
        let bias = make([1, 1, 1, *cout]).into_shape_with_order(*cout).unwrap();
        Self {
            input: make([*n, *h, *w, *cin]),
            kernels: make([kh, kw, cin / conv.groups, *cout]),
            bias,
            d_output: make([*n, rows, cols, *cout]),
        }
    }

    /// Output, `d_input`, `d_kernels` and `d_bias` of the library.
    fn run(&self, conv: &Conv) -> [Array4<f32>; 4] {
        let mut output = nan(self.d_output.raw_dim());
        let mut d_input = nan(self.input.raw_dim());
        let mut d_kernels = nan(self.kernels.raw_dim());
        let mut d_bias = nan(self.bias.raw_dim());
        let (input, kernels) = (self.input.view(), self.kernels.view());
        conv::forward(
            conv,
            input,
            kernels,
            Some(self.bias.view()),
            output.view_mut(),
        )
        .unwrap();
        conv::d_input(conv, self.d_output.view(), kernels, d_input.view_mut()).unwrap();
        conv::d_kernels(conv, input, self.d_output.view(), d_kernels.view_mut()).unwrap();
        conv::d_bias(self.d_output.view(), d_bias.view_mut()).unwrap();
        let d_bias = d_bias
            .into_shape_with_order((1, 1, 1, self.bias.len()))
            .unwrap();
        [output, d_input, d_kernels, d_bias]
    }

    /// The same by the reference in `f64`, of the numbers or of their absolute values.
    fn reference(&self, conv: &Conv, map: impl Fn(f64) -> f64) -> [Array4<f64>; 4] {
        let input = wide(&self.input).mapv_into(&map);
        let kernels = wide(&self.kernels).mapv_into(&map);
        let bias = wide(&self.bias).mapv_into(&map);
        let d_output = wide(&self.d_output).mapv_into(&map);
        let size = (input.dim().1, input.dim().2);
        let d_bias = reference::conv_d_bias(d_output.view());
        [
            reference::conv(conv, input.view(), kernels.view(), Some(bias.view())),
            reference::conv_d_input(conv, d_output.view(), kernels.view(), size),
            reference::conv_d_kernels(conv, input.view(), d_output.view()),
            d_bias
                .into_shape_with_order((1, 1, 1, self.bias.len()))
                .unwrap(),
        ]
    }
}

const NAMES: [&str; 4] = ["output", "d_input", "d_kernels", "d_bias"];

#[test]
fn is_exact_on_whole_numbers() {
    let mut random = NumpyRandom::new(1);
    let cases: Vec<_> = cases()
        .into_iter()
        .map(|case| {
            let arrays = Arrays::of(&case, |shape| whole(&mut random, shape));
            let right = arrays.reference(&case.0, |x| x);
            (case, arrays, right)
        })
        .collect();
    on_every_level(|level| {
        for (case, arrays, right) in &cases {
            for ((found, right), name) in arrays.run(&case.0).iter().zip(right).zip(NAMES) {
                assert_eq!(wide(found), right, "{name} of {case:?} on {level}");
            }
        }
    });
}

/// A sum of n products, rounded once each and added to others, is off by at most n ε Σ |a b| (Higham, Accuracy
/// and stability of numerical algorithms, section 3.1), n counting every addition.
#[test]
fn is_within_the_rounding_errors_of_its_sums() {
    let mut random = NumpyRandom::new(2);
    // The transforms of 5 × 5 kernels have numbers up to 32 in them, which rounding errors are multiplied by. Those of 3 × 3 ones
    // round more often than the sum, yet by less than so many roundings could.
    let cases = cases().into_iter().chain(cases_by_tiles_of_four());
    let cases = cases.map(|case| (case, 1.0));
    let rounded = cases_of_five().into_iter().map(|case| (case, 4.0));
    let cases: Vec<_> = cases
        .chain(rounded)
        .map(|(case, factor)| {
            let arrays = Arrays::of(&case, |shape| uniform(&mut random, shape));
            let right = arrays.reference(&case.0, |x| x);
            let absolute = arrays.reference(&case.0, f64::abs);
            let (conv, [n, _, _, cin, cout]) = &case;
            let window = conv.window.size.down * conv.window.size.right;
            let pixels = n * arrays.d_output.dim().1 * arrays.d_output.dim().2;
            let terms = [window * cin, window * cout, pixels, pixels].map(|n| (n + 2) as f64);
            let mut tolerances = absolute;
            for (tolerance, terms) in tolerances.iter_mut().zip(terms) {
                tolerance.mapv_inplace(|sum| factor * terms * sum * f64::from(f32::EPSILON) / 2.0);
            }
            (case, arrays, right, tolerances)
        })
        .collect();
    on_every_level(|level| {
        for (case, arrays, right, tolerances) in &cases {
            let found = arrays.run(&case.0);
            for (((found, right), tolerance), name) in
                found.iter().zip(right).zip(tolerances).zip(NAMES)
            {
                let what = format!("{name} of {case:?} on {level}");
                assert_within(&what, &found.view(), &right.view(), &tolerance.view());
            }
        }
    });
}

#[test]
fn gives_the_same_bits_on_every_level_and_any_number_of_threads() {
    let window = Window::new(3, 3);
    let same = window.padding(Padding::Same);
    let case: [Case; 7] = [
        (Conv::new(window), [33, 14, 14, 1, 16]),
        (Conv::new(same), [9, 12, 11, 16, 40]),
        (Conv::new(same), [9, 5, 6, 16, 40]),
        (Conv::new(window), [40, 6, 6, 16, 40]),
        (Conv::new(window.stride(2)).groups(2), [5, 9, 9, 6, 10]),
        (Conv::new(Window::new(5, 5)), [7, 12, 12, 8, 16]),
        (Conv::new(Window::new(5, 5)), [7, 5, 5, 16, 120]),
    ];
    for case in case {
        let mut random = NumpyRandom::new(3);
        let arrays = Arrays::of(&case, |shape| uniform(&mut random, shape));
        same_everywhere(|| arrays.run(&case.0).map(|array| bits(&array)));
    }
}

#[test]
fn the_reference_gradients_are_those_of_finite_differences() {
    let same = Window::new(3, 2).padding(Padding::Same);
    for case in [
        (Conv::new(Window::new(2, 3)), [2, 4, 4, 2, 3]),
        (
            Conv::new(same.stride((2, 1)).dilation((1, 2))).groups(2),
            [1, 5, 4, 4, 2],
        ),
    ] {
        let mut random = NumpyRandom::new(4);
        let arrays = Arrays::of(&case, |shape| uniform(&mut random, shape));
        let (input, kernels, bias) = (
            wide(&arrays.input),
            wide(&arrays.kernels),
            wide(&arrays.bias),
        );
        let d_output = wide(&arrays.d_output);
        // A loss whose gradient for the output is d_output.
        let loss = |input: &Array4<f64>, kernels: &Array4<f64>, bias: &Array1<f64>| {
            let output = reference::conv(&case.0, input.view(), kernels.view(), Some(bias.view()));
            (output * &d_output).sum()
        };
        let [_, d_input, d_kernels, d_bias] = arrays.reference(&case.0, |x| x);
        let by_input = differences(&input, |input| loss(input, &kernels, &bias));
        assert_near("d_input", &d_input, &by_input, 1e-8);
        let by_kernels = differences(&kernels, |kernels| loss(&input, kernels, &bias));
        assert_near("d_kernels", &d_kernels, &by_kernels, 1e-8);
        let by_bias = differences(&bias, |bias| loss(&input, &kernels, bias));
        assert_near(
            "d_bias",
            &d_bias.into_shape_with_order(bias.len()).unwrap(),
            &by_bias,
            1e-8,
        );
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let conv = Conv::new(Window::new(3, 3));
    let run = |conv: &Conv, input: [usize; 4], kernels: [usize; 4], output: [usize; 4]| {
        let (input, kernels) = (Array4::zeros(input), Array4::zeros(kernels));
        conv::forward(
            conv,
            input.view(),
            kernels.view(),
            None,
            nan(output).view_mut(),
        )
        .unwrap_err()
        .to_string()
    };
    assert_eq!(
        run(&conv, [1, 5, 5, 2], [3, 3, 1, 4], [1, 3, 3, 4]),
        "kernels has shape [3, 3, 1, 4], expected [3, 3, 2, 4]"
    );
    assert_eq!(
        run(&conv, [1, 5, 5, 2], [3, 3, 2, 4], [1, 5, 3, 4]),
        "output has shape [1, 5, 3, 4], expected [1, 3, 3, 4]"
    );
    assert_eq!(
        run(&conv, [0, 5, 5, 2], [3, 3, 2, 4], [0, 3, 3, 4]),
        "images is 0, expected at least 1"
    );
    assert_eq!(
        run(&conv, [1, 2, 5, 2], [3, 3, 2, 4], [1, 3, 3, 4]),
        "window height is 3, expected 1 to 2 (the padded image's)"
    );
    assert_eq!(
        run(&conv.groups(3), [1, 5, 5, 2], [3, 3, 2, 4], [1, 3, 3, 4]),
        "groups is 3, expected a divisor of the 2 input channels"
    );
    assert_eq!(
        run(&conv.groups(0), [1, 5, 5, 2], [3, 3, 2, 4], [1, 3, 3, 4]),
        "groups is 0, expected a divisor of the 2 input channels"
    );
    let turned = Array4::zeros([1, 5, 5, 2]).permuted_axes([0, 2, 1, 3]);
    let kernels = Array4::zeros([3, 3, 2, 4]);
    let mut output = nan([1, 3, 3, 4]);
    assert_eq!(
        conv::forward(
            &conv,
            turned.view(),
            kernels.view(),
            None,
            output.view_mut()
        ),
        Err(Error::Layout { what: "input" })
    );
    let bias = Array1::zeros(3);
    let input = Array4::zeros([1, 5, 5, 2]);
    assert_eq!(
        conv::forward(
            &conv,
            input.view(),
            kernels.view(),
            Some(bias.view()),
            output.view_mut()
        ),
        Err(Error::Shape {
            what: "bias",
            expected: vec![4],
            found: vec![3]
        })
    );
}
