//! Every operation but the convolution against the reference.

mod support;

use conv_core::ops::kernel_pool::Pooling;
use conv_core::ops::{activation, dense, dropout, kernel_pool, loss, sections};
use conv_core::reference;
use conv_core::shape::{Padding, Window};
use conv_core::{Bits, Error, NumpyRandom};
use ndarray::{Array1, Array2, Array3, ArrayView1, Axis, array};
use support::*;

const EPSILON: f64 = f32::EPSILON as f64;

#[test]
fn sections_and_their_gradient_are_exact_on_whole_numbers() {
    let mut random = NumpyRandom::new(1);
    for (height, width) in [(1, 1), (3, 5), (8, 8)] {
        for size in [(1, 1), (3, 3), (2, 4)] {
            for stride in [(1, 1), (2, 3)] {
                for padding in [Padding::Valid, Padding::Same] {
                    let window = Window::new(size.0, size.1)
                        .stride((stride.0, stride.1))
                        .padding(padding);
                    if window.output(height, width).is_err() {
                        continue;
                    }
                    let images = whole(&mut random, (3, height, width));
                    let right = reference::sections(images.view(), &window);
                    let d_sections = whole(&mut random, right.raw_dim());
                    let right_d =
                        reference::sections_d_images(d_sections.view(), (height, width), &window);
                    on_every_level(|_| {
                        let (mut found, mut d_images) =
                            (nan(right.raw_dim()), nan(images.raw_dim()));
                        sections::forward(&window, images.view(), found.view_mut()).unwrap();
                        sections::d_images(&window, d_sections.view(), d_images.view_mut())
                            .unwrap();
                        assert_eq!(found, right);
                        assert_eq!(d_images, right_d);
                    });
                }
            }
        }
    }
}

#[test]
fn sections_are_in_the_order_of_the_listing() {
    let image = Array3::from_shape_fn((1, 3, 4), |(_, y, x)| (10 * y + x) as f32);
    let mut found = nan((1, 6, 4));
    sections::forward(&Window::new(2, 2), image.view(), found.view_mut()).unwrap();
    assert_eq!(found.index_axis(Axis(1), 0), array![[0.0, 1.0, 10.0, 11.0]]);
    assert_eq!(found.index_axis(Axis(1), 1), array![[1.0, 2.0, 11.0, 12.0]]);
    assert_eq!(
        found.index_axis(Axis(1), 3),
        array![[10.0, 11.0, 20.0, 21.0]]
    );
}

#[test]
fn dense_is_exact_on_whole_numbers_and_within_its_rounding_errors() {
    let mut random = NumpyRandom::new(2);
    let sides = [1, 2, 3, 7, 10, 16, 17, 33, 100];
    let mut cases = Vec::new();
    for (i, &n) in sides.iter().enumerate() {
        for (j, &features) in sides.iter().enumerate() {
            cases.push((n, features, sides[(i + 2 * j) % sides.len()]));
        }
    }
    for (n, features, classes) in cases {
        for exact in [true, false] {
            let mut make = |rows, cols| {
                if exact {
                    whole(&mut random, (rows, cols))
                } else {
                    uniform(&mut random, (rows, cols))
                }
            };
            let (input, weights, d_output) =
                (make(n, features), make(features, classes), make(n, classes));
            let bias = make(1, classes).remove_axis(Axis(0));
            let all = |map: fn(f64) -> f64| {
                let (input, weights) = (wide(&input).mapv(map), wide(&weights).mapv(map));
                let (bias, d_output) = (wide(&bias).mapv(map), wide(&d_output).mapv(map));
                (
                    reference::dense(input.view(), weights.view(), Some(bias.view())),
                    reference::dense_d_input(d_output.view(), weights.view()),
                    reference::dense_d_weights(input.view(), d_output.view()),
                    reference::dense_d_bias(d_output.view()),
                )
            };
            let (right, mut tolerance) = (all(|x| x), all(f64::abs));
            // As for the convolution: n ε Σ |a b|, and 0 where all is exact.
            let bound = |terms: usize| {
                if exact {
                    0.0
                } else {
                    (terms + 2) as f64 * EPSILON / 2.0
                }
            };
            tolerance.0 *= bound(features);
            tolerance.1 *= bound(classes);
            tolerance.2 *= bound(n);
            tolerance.3 *= bound(n);
            on_every_level(|level| {
                let what = format!("({n}, {features}) to {classes} on {level}");
                let (mut output, mut d_input) = (nan(right.0.raw_dim()), nan(right.1.raw_dim()));
                let (mut d_weights, mut d_bias) = (nan(right.2.raw_dim()), nan(right.3.raw_dim()));
                dense::forward(
                    input.view(),
                    weights.view(),
                    Some(bias.view()),
                    output.view_mut(),
                )
                .unwrap();
                dense::d_input(d_output.view(), weights.view(), d_input.view_mut()).unwrap();
                dense::d_weights(input.view(), d_output.view(), d_weights.view_mut()).unwrap();
                dense::d_bias(d_output.view(), d_bias.view_mut()).unwrap();
                assert_within(&what, &output.view(), &right.0.view(), &tolerance.0.view());
                assert_within(&what, &d_input.view(), &right.1.view(), &tolerance.1.view());
                assert_within(
                    &what,
                    &d_weights.view(),
                    &right.2.view(),
                    &tolerance.2.view(),
                );
                assert_within(&what, &d_bias.view(), &right.3.view(), &tolerance.3.view());
            });
        }
    }
}

#[test]
fn tanh_and_its_gradient_are_accurate() {
    let mut random = NumpyRandom::new(3);
    for len in [1, 7, 16, 33, 20_000] {
        let input = uniform(&mut random, len) * 10.0;
        let d_output = uniform(&mut random, len);
        let right = wide(&input).mapv(reference::tanh);
        on_every_level(|_| {
            let (mut output, mut d_input) = (nan(len), nan(len));
            activation::tanh(input.view(), output.view_mut()).unwrap();
            activation::tanh_d_input(output.view(), d_output.view(), d_input.view_mut()).unwrap();
            // The error that `simd::math::tanh` states, and its own tests check for all numbers.
            assert_within(
                "tanh",
                &output.view(),
                &right.view(),
                &right.mapv(|t| 4e-7 * t.abs()).view(),
            );
            let pairs = wide(&output).into_iter().zip(wide(&d_output));
            let right: Array1<f64> = pairs.map(|(t, d)| reference::tanh_d_input(t, d)).collect();
            // Two roundings.
            let tolerance = wide(&d_output).mapv(|d| EPSILON * d.abs());
            assert_within("d_input", &d_input.view(), &right.view(), &tolerance.view());
        });
    }
}

#[test]
fn relu_and_its_gradient_are_exact() {
    let mut random = NumpyRandom::new(10);
    for len in [1, 15, 16, 33, 20_000] {
        for slope in [0.0, 0.125] {
            // Zeros among them.
            let (input, d_output) = (whole(&mut random, len), whole(&mut random, len));
            on_every_level(|_| {
                let (mut output, mut d_input) = (nan(len), nan(len));
                activation::relu(slope, input.view(), output.view_mut()).unwrap();
                let (input, d_output) = (input.view(), d_output.view());
                activation::relu_d_input(slope, input, d_output, d_input.view_mut()).unwrap();
                for i in 0..len {
                    assert_eq!(output[i], reference::relu(input[i], slope));
                    assert_eq!(
                        d_input[i],
                        reference::relu_d_input(input[i], d_output[i], slope)
                    );
                }
            });
        }
    }
    // Away from 0, where it has none, the gradient is that of finite differences.
    let input = array![-2.0, -0.5, 0.25, 3.0];
    let found = input.mapv(|x| reference::relu_d_input(x, 1.0, 0.1));
    let right = differences(&input, |input| {
        input.iter().map(|&x| reference::relu(x, 0.1)).sum()
    });
    assert_near("d_input", &found, &right, 1e-8);
}

fn masks(random: &mut NumpyRandom, count: usize) -> Bits {
    let mut masks = Bits::default();
    random.randint2(count, &mut masks);
    masks
}

#[test]
fn dropout_keeps_what_its_masks_say() {
    let mut random = NumpyRandom::new(4);
    for len in [1, 15, 16, 17, 200, 20_000] {
        let masks = masks(&mut random, len + 5);
        let input = uniform(&mut random, len);
        on_every_level(|_| {
            let mut output = nan(len);
            dropout::dropout(input.view(), &masks, 5, 2.0, output.view_mut()).unwrap();
            for (i, (&found, &x)) in output.iter().zip(&input).enumerate() {
                assert_eq!(found, reference::dropout(x, masks.get(5 + i), 2.0));
            }
        });
        let mut output = nan(len);
        let too_few = dropout::dropout(input.view(), &masks, 6, 2.0, output.view_mut());
        let (expected, found) = (vec![len + 6], vec![len + 5]);
        assert_eq!(
            too_few,
            Err(Error::Shape {
                what: "masks",
                expected,
                found
            })
        );
    }
}

#[test]
fn softmax_and_cross_entropy_are_those_of_the_reference() {
    let mut random = NumpyRandom::new(5);
    for (n, classes) in [(1, 1), (3, 10), (64, 10), (5, 33)] {
        let logits = uniform(&mut random, (n, classes)) * 20.0;
        let mut targets: Array2<f32> = Array2::zeros((n, classes));
        for (row, mut target) in targets.rows_mut().into_iter().enumerate() {
            target[row % classes] = 0.75;
            target[row * 7 % classes] += 0.25;
        }
        let right = reference::softmax(wide(&logits).view());
        let right_loss = reference::cross_entropy(wide(&logits).view(), wide(&targets).view());
        let right_d =
            reference::cross_entropy_d_logits(wide(&logits).view(), wide(&targets).view());
        on_every_level(|_| {
            let (mut probabilities, mut d_logits) = (nan((n, classes)), nan((n, classes)));
            loss::softmax(logits.view(), probabilities.view_mut()).unwrap();
            let loss =
                loss::cross_entropy(logits.view(), targets.view(), d_logits.view_mut()).unwrap();
            // Computed in f64 and rounded once.
            let tolerance = right.mapv(|p| EPSILON * p);
            assert_within(
                "softmax",
                &probabilities.view(),
                &right.view(),
                &tolerance.view(),
            );
            let tolerance = right.mapv(|_| EPSILON);
            assert_within(
                "d_logits",
                &d_logits.view(),
                &right_d.view(),
                &tolerance.view(),
            );
            assert!(
                (loss - right_loss).abs() <= 1e-13 * right_loss.abs(),
                "{loss} {right_loss}"
            );
        });
    }
}

#[test]
fn the_reference_loss_has_the_gradient_of_finite_differences() {
    let mut random = NumpyRandom::new(6);
    let logits = wide(&uniform(&mut random, (3, 4)));
    let targets = reference::softmax(wide(&uniform(&mut random, (3, 4))).view());
    let found = reference::cross_entropy_d_logits(logits.view(), targets.view());
    let right = differences(&logits, |logits| {
        reference::cross_entropy(logits.view(), targets.view())
    });
    assert_near("d_logits", &found, &right, 1e-8);
}

#[test]
fn the_loss_of_large_logits_is_finite() {
    let logits = array![[1000.0, 0.0], [-1000.0, 1000.0]];
    let targets = array![[1.0, 0.0], [1.0, 0.0]];
    let mut d_logits = nan((2, 2));
    let loss = loss::cross_entropy(logits.view(), targets.view(), d_logits.view_mut()).unwrap();
    assert_eq!(loss, 1000.0);
    assert_eq!(d_logits, array![[0.0, 0.0], [-0.5, 0.5]]);
}

#[test]
fn pooling_across_kernels_is_that_of_the_reference() {
    let mut random = NumpyRandom::new(7);
    for pooling in [Pooling::Sum, Pooling::Mean, Pooling::Max] {
        for shape in [(1, 1, 1), (2, 36, 4), (3, 5, 16), (1, 2000, 33)] {
            // Whole numbers have many equal maxima.
            let input = whole(&mut random, shape);
            let d_output = whole(&mut random, (shape.0, shape.1));
            let right = reference::pool_kernels(input.view(), pooling);
            let right_d = reference::pool_kernels_d_input(input.view(), d_output.view(), pooling);
            on_every_level(|_| {
                let (mut output, mut d_input) = (nan(right.raw_dim()), nan(shape));
                kernel_pool::forward(pooling, input.view(), output.view_mut()).unwrap();
                kernel_pool::d_input(pooling, input.view(), d_output.view(), d_input.view_mut())
                    .unwrap();
                assert_eq!(output, right, "{pooling:?} of {shape:?}");
                assert_eq!(d_input, right_d, "{pooling:?} of {shape:?}");
            });
        }
    }
}

#[test]
fn the_first_of_equal_kernels_has_the_gradient_of_the_maximum() {
    let input = array![[[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0]]];
    let mut d_input = nan((1, 2, 4));
    let d_output = array![[5.0, 7.0]];
    kernel_pool::d_input(
        Pooling::Max,
        input.view(),
        d_output.view(),
        d_input.view_mut(),
    )
    .unwrap();
    assert_eq!(
        d_input,
        array![[[0.0, 5.0, 0.0, 0.0], [7.0, 0.0, 0.0, 0.0]]]
    );
}

/// The gradients of a whole small network, composed of the reference's operations.
#[test]
fn the_reference_gradients_compose_to_those_of_finite_differences() {
    let mut random = NumpyRandom::new(8);
    let window = Window::new(3, 3);
    let images = wide(&uniform(&mut random, (2, 4, 5)));
    let kernels = wide(&uniform(&mut random, (9, 3)));
    let weights = wide(&uniform(&mut random, (6, 4)));
    let targets = reference::softmax(wide(&uniform(&mut random, (2, 4))).view());
    let masks = masks(&mut random, 2 * 6);
    for pooling in [Pooling::Sum, Pooling::Mean, Pooling::Max] {
        let hidden = |images: &Array3<f64>, kernels: &Array2<f64>| {
            let sections = reference::sections(images.view(), &window);
            let flat = sections.into_shape_with_order((2 * 6, 9)).unwrap();
            let predictions =
                reference::dense(flat.view(), kernels.view(), None).mapv(reference::tanh);
            let predictions = predictions.into_shape_with_order((2, 6, 3)).unwrap();
            (flat, predictions)
        };
        let kept = |x: Array2<f64>| {
            let mut x = x;
            for (i, x) in x.iter_mut().enumerate() {
                *x = reference::dropout(*x, masks.get(i), 2.0);
            }
            x
        };
        let loss = |images: &Array3<f64>, kernels: &Array2<f64>, weights: &Array2<f64>| {
            let pooled = kept(reference::pool_kernels(
                hidden(images, kernels).1.view(),
                pooling,
            ));
            let logits = reference::dense(pooled.view(), weights.view(), None);
            reference::cross_entropy(logits.view(), targets.view())
        };
        let (flat, predictions) = hidden(&images, &kernels);
        let pooled = kept(reference::pool_kernels(predictions.view(), pooling));
        let logits = reference::dense(pooled.view(), weights.view(), None);
        let d_logits = reference::cross_entropy_d_logits(logits.view(), targets.view());
        let d_weights = reference::dense_d_weights(pooled.view(), d_logits.view());
        let d_pooled = kept(reference::dense_d_input(d_logits.view(), weights.view()));
        let mut d_sums =
            reference::pool_kernels_d_input(predictions.view(), d_pooled.view(), pooling);
        d_sums.zip_mut_with(&predictions, |d, &t| *d = reference::tanh_d_input(t, *d));
        let d_sums = d_sums.into_shape_with_order((12, 3)).unwrap();
        let d_kernels = reference::dense_d_weights(flat.view(), d_sums.view());
        let d_flat = reference::dense_d_input(d_sums.view(), kernels.view());
        let d_sections = d_flat.into_shape_with_order((2, 6, 9)).unwrap();
        let d_images = reference::sections_d_images(d_sections.view(), (4, 5), &window);
        let right = differences(&weights, |weights| loss(&images, &kernels, weights));
        assert_near("d_weights", &d_weights, &right, 1e-8);
        let right = differences(&kernels, |kernels| loss(&images, kernels, &weights));
        assert_near("d_kernels", &d_kernels, &right, 1e-8);
        let right = differences(&images, |images| loss(images, &kernels, &weights));
        assert_near("d_images", &d_images, &right, 1e-8);
    }
}

#[test]
fn every_operation_gives_the_same_bits_everywhere() {
    let mut random = NumpyRandom::new(9);
    let x = uniform(&mut random, (70, 300)) * 4.0;
    let weights = uniform(&mut random, (300, 33));
    let d = uniform(&mut random, (70, 33));
    let masks = masks(&mut random, x.len());
    same_everywhere(|| {
        let mut all = Vec::new();
        let mut output = nan((70, 33));
        dense::forward(x.view(), weights.view(), None, output.view_mut()).unwrap();
        all.extend(bits(&output));
        let mut d_logits = nan((70, 33));
        let targets = Array2::from_elem((70, 33), 1.0 / 33.0);
        let loss = loss::cross_entropy(output.view(), targets.view(), d_logits.view_mut()).unwrap();
        all.extend([loss.to_bits() as u32, (loss.to_bits() >> 32) as u32]);
        all.extend(bits(&d_logits));
        let mut d_weights = nan((300, 33));
        dense::d_weights(x.view(), d.view(), d_weights.view_mut()).unwrap();
        all.extend(bits(&d_weights));
        let mut d_x = nan((70, 300));
        dense::d_input(d.view(), weights.view(), d_x.view_mut()).unwrap();
        all.extend(bits(&d_x));
        let mut t = nan((70, 300));
        activation::tanh(x.view(), t.view_mut()).unwrap();
        all.extend(bits(&t));
        activation::tanh_d_input(t.view(), x.view(), d_x.view_mut()).unwrap();
        all.extend(bits(&d_x));
        dropout::dropout(x.view(), &masks, 0, 2.0, d_x.view_mut()).unwrap();
        all.extend(bits(&d_x));
        let cube = x.view().into_shape_with_order((70, 20, 15)).unwrap();
        let mut pooled = nan((70, 20));
        kernel_pool::forward(Pooling::Mean, cube, pooled.view_mut()).unwrap();
        all.extend(bits(&pooled));
        all
    });
}

#[test]
fn refuses_what_does_not_fit() {
    let x: Array2<f32> = Array2::zeros((2, 3));
    let error = |result: Result<(), Error>| result.unwrap_err().to_string();
    assert_eq!(
        error(activation::tanh(x.view(), nan((3, 2)).view_mut())),
        "output has shape [3, 2], expected [2, 3]"
    );
    assert_eq!(
        error(activation::tanh(x.t(), nan((3, 2)).view_mut())),
        "input is not contiguous in row-major order; pass `.as_standard_layout()` of it"
    );
    assert_eq!(
        error(dense::forward(
            x.view(),
            x.view(),
            None,
            nan((2, 3)).view_mut()
        )),
        "kernels has shape [1, 1, 2, 3], expected [1, 1, 3, 3]"
    );
    let none: ArrayView1<'_, f32> = ArrayView1::from(&[]);
    let none = none.into_shape_with_order((0, 3)).unwrap();
    let loss = loss::cross_entropy(none, none, nan((0, 3)).view_mut());
    assert_eq!(error(loss.map(|_| ())), "rows is 0, expected at least 1");
    let cube = x.view().into_shape_with_order((1, 2, 3)).unwrap();
    assert_eq!(
        error(kernel_pool::forward(
            Pooling::Max,
            cube,
            nan((1, 3)).view_mut()
        )),
        "output has shape [1, 3], expected [1, 2]"
    );
    assert_eq!(
        error(sections::forward(
            &Window::new(3, 3),
            cube,
            nan((1, 1, 9)).view_mut()
        )),
        "window height is 3, expected 1 to 2 (the padded image's)"
    );
}
