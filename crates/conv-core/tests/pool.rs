//! Pooling over windows against the reference.

mod support;

use conv_core::NumpyRandom;
use conv_core::ops::pool::{self, Pool};
use conv_core::reference;
use conv_core::shape::{Padding, Window};
use conv_core::simd::Level;
use ndarray::Array4;
use support::*;

fn windows() -> Vec<Window> {
    let mut windows = Vec::new();
    for (height, width) in [(1, 1), (2, 2), (3, 2), (3, 3), (5, 6)] {
        for stride in [(1, 1), (2, 2), (1, 3)] {
            for padding in [Padding::Valid, Padding::Same] {
                let window = Window::new(height, width);
                windows.push(window.stride((stride.0, stride.1)).padding(padding));
            }
        }
    }
    windows.push(Window::new(2, 2).dilation((2, 3)));
    windows
}

#[test]
fn is_that_of_the_reference() {
    let mut random = NumpyRandom::new(1);
    for window in windows() {
        let (rows, cols) = window.output(5, 6).unwrap().into();
        for channels in [1, 3, 17] {
            for kind in [Pool::Max, Pool::Mean] {
                // Whole numbers: many are equal. The mean divides, and is summed in the same order.
                let input = whole(&mut random, (2, 5, 6, channels));
                let d_output = whole(&mut random, (2, rows, cols, channels));
                let right = reference::pool(kind, &window, input.view());
                let right_d = reference::pool_d_input(kind, &window, input.view(), d_output.view());
                let tolerance = right_d.mapv(|_| if kind == Pool::Max { 0.0 } else { 1e-5 });
                on_every_level(|_| {
                    let (mut output, mut d_input) = (nan(right.raw_dim()), nan(input.raw_dim()));
                    pool::forward(kind, &window, input.view(), output.view_mut()).unwrap();
                    assert_eq!(output, right, "{kind:?} {window:?}");
                    let d_view = d_input.view_mut();
                    pool::d_input(kind, &window, input.view(), d_output.view(), d_view).unwrap();
                    let what = format!("{kind:?} {window:?}");
                    assert_within(
                        &what,
                        &d_input.view(),
                        &wide(&right_d).view(),
                        &tolerance.view(),
                    );
                });
            }
        }
    }
}

/// The largest is the first NaN where there is one, and the gradient goes to its place; infinities are numbers.
#[test]
fn what_is_no_number_is_the_largest() {
    let mut random = NumpyRandom::new(4);
    for side in [2, 3] {
        let window = Window::new(side, side).stride((side, side));
        for (channels, specials) in [
            (1, [f32::NAN, 1e38]),
            (5, [f32::NAN, f32::INFINITY]),
            (17, [f32::INFINITY, f32::NEG_INFINITY]),
        ] {
            let mut input = whole(&mut random, (2, 6, 6, channels));
            for (number, x) in input.iter_mut().enumerate() {
                match (number * 7) % 11 {
                    0 => *x = specials[0],
                    5 => *x = specials[1],
                    _ => {}
                }
            }
            let outputs = (2, 6 / side, 6 / side, channels);
            let mut right = nan(outputs);
            let mut right_d = Array4::zeros(input.raw_dim());
            for ((n, y, x, c), right) in right.indexed_iter_mut() {
                let taps =
                    (0..side * side).map(|tap| (y * side + tap / side, x * side + tap % side));
                let place = taps
                    .reduce(|a, b| {
                        let [best, next] = [a, b].map(|(y, x)| input[[n, y, x, c]]);
                        let kept = best.is_nan() || !(next > best || next.is_nan());
                        if kept { a } else { b }
                    })
                    .unwrap();
                *right = input[[n, place.0, place.1, c]];
                right_d[[n, place.0, place.1, c]] = 1.0;
            }
            on_every_level(|level| {
                let (mut output, mut d_input) = (nan(outputs), nan(input.raw_dim()));
                pool::forward(Pool::Max, &window, input.view(), output.view_mut()).unwrap();
                let equal = |(a, b): (&f32, &f32)| a == b || (a.is_nan() && b.is_nan());
                assert!(
                    output.iter().zip(&right).all(equal),
                    "{side}, {channels} channels on {level}: {output} for {right}"
                );
                let d_output = Array4::ones(outputs);
                let d_view = d_input.view_mut();
                pool::d_input(Pool::Max, &window, input.view(), d_output.view(), d_view).unwrap();
                assert_eq!(d_input, right_d, "{side}, {channels} channels on {level}");
            });
        }
    }
}

#[test]
fn the_reference_gradient_is_that_of_finite_differences() {
    let mut random = NumpyRandom::new(2);
    for window in [
        Window::new(2, 2).stride(2),
        Window::new(3, 3).padding(Padding::Same),
    ] {
        for kind in [Pool::Max, Pool::Mean] {
            let input = wide(&uniform(&mut random, (1, 4, 5, 2)));
            let output = reference::pool(kind, &window, input.view());
            let d_output = wide(&uniform(&mut random, output.raw_dim()));
            let found = reference::pool_d_input(kind, &window, input.view(), d_output.view());
            let loss = |input: &Array4<f64>| {
                (reference::pool(kind, &window, input.view()) * &d_output).sum()
            };
            assert_near("d_input", &found, &differences(&input, loss), 1e-8);
        }
    }
}

#[test]
fn gives_the_same_bits_everywhere() {
    let input = uniform(&mut NumpyRandom::new(3), (9, 12, 12, 8));
    let window = Window::new(2, 2).stride(2);
    same_everywhere(|| {
        let mut all = Vec::new();
        for kind in [Pool::Max, Pool::Mean] {
            let (mut output, mut d_input) = (nan((9, 6, 6, 8)), nan((9, 12, 12, 8)));
            pool::forward(kind, &window, input.view(), output.view_mut()).unwrap();
            pool::d_input(
                kind,
                &window,
                input.view(),
                output.view(),
                d_input.view_mut(),
            )
            .unwrap();
            all.extend(bits(&output));
            all.extend(bits(&d_input));
        }
        all
    });
}

#[test]
fn refuses_what_does_not_fit() {
    let input = Array4::zeros((1, 3, 3, 2));
    let run = |window: Window, output: [usize; 4]| {
        let mut output = nan(output);
        pool::forward(Pool::Max, &window, input.view(), output.view_mut())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        run(Window::new(2, 2), [1, 3, 2, 2]),
        "output has shape [1, 3, 2, 2], expected [1, 2, 2, 2]"
    );
    assert_eq!(
        run(Window::new(0, 2), [1, 3, 2, 2]),
        "window height is 0, expected 1 to 1073741823"
    );
    let padding = Padding::Explicit {
        top: 2,
        bottom: 0,
        left: 0,
        right: 0,
    };
    assert_eq!(
        run(Window::new(2, 2).padding(padding), [1, 4, 2, 2]),
        "padding is 2, expected less: there is a position with nothing but padding under the window"
    );
}

/// A window of 10,000 × 10,000 pixels, of which the image has one, two or four.
#[test]
fn a_window_may_be_much_larger_than_the_image() {
    let side = 9_999;
    let window = Window::new(10_000, 10_000)
        .stride((10_000, 10_000))
        .padding(Padding::Explicit {
            top: side,
            bottom: side,
            left: side,
            right: side,
        });
    let image = Array4::from_shape_fn((1, 3, 3, 1), |(_, y, x, _)| (3 * y + x) as f32);
    for (pool, right) in [
        (Pool::Max, [0.0, 2.0, 6.0, 8.0]),
        (Pool::Mean, [0.0, 1.5, 4.5, 6.0]),
    ] {
        let mut output = nan((1, 2, 2, 1));
        pool::forward(pool, &window, image.view(), output.view_mut()).unwrap();
        assert_eq!(output.as_slice(), Some(&right[..]), "{pool:?}");
    }
}

/// As in an ordinary `cargo test`, which keeps back what the macros print.
#[test]
fn an_instruction_set_that_is_not_tested_is_named() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "is_that_of_the_reference"])
        .env_remove("RUST_TEST_NOCAPTURE")
        .output()
        .unwrap();
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(stdout.contains("1 passed"), "{stdout}");
    let absent = Level::ALL.iter().filter(|level| !level.is_available());
    let absent: Vec<String> = absent.map(Level::to_string).collect();
    // Nothing has all of them.
    assert!(!absent.is_empty());
    let says = "skipped on instruction sets that this processor lacks: ";
    assert_eq!(stderr, format!("{says}{}\n", absent.join(", ")));
}
