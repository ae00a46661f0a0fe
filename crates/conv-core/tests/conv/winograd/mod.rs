//! The rounding errors of F(4×4, 3×3) against a bound that follows from its matrices: docs/notes/2026-11-winograd.md derives
//! it.

mod bounds;
mod cases;

use ndarray::Array4;

use crate::support::{assert_within, on_every_level, wide};
use bounds::bounds;
use cases::{adversarial, trained};

const NAMES: [&str; 3] = ["output", "d_input", "d_kernels"];

#[test]
fn is_within_the_bound_of_its_matrices() {
    let mut cases = adversarial();
    cases.push(trained());
    let cases: Vec<_> = cases
        .into_iter()
        .map(|case| {
            case.check_algorithms();
            let absolute = |x: &Array4<f32>| wide(x).mapv_into(f64::abs);
            let (input, kernels, d_output) = (
                absolute(&case.input),
                absolute(&case.kernels),
                absolute(&case.d_output),
            );
            let bounds = bounds(&case, [&input, &kernels, &d_output]);
            let right = case.reference();
            (case, right, bounds)
        })
        .collect();
    on_every_level(|level| {
        for (case, right, bounds) in &cases {
            let found = case.run();
            for (((found, right), bound), name) in found.iter().zip(right).zip(bounds).zip(NAMES) {
                let what = format!(
                    "{name} of {}, padded by {}, on {level}",
                    case.name, case.padding
                );
                assert_within(&what, &found.view(), &right.view(), &bound.view());
            }
        }
    });
}

/// Of a trained layer and of uniform values the errors are no more than a few of those of the plain sum, which is rounded as
/// often in `f32`.
#[test]
fn is_off_by_a_few_times_as_much_as_the_plain_sum() {
    let mut cases = adversarial();
    cases.retain(|case| case.name == "uniform");
    cases.push(trained());
    for case in cases {
        let right = case.reference();
        let squares = |found: &Array4<f32>, right: &Array4<f64>| -> f64 {
            let errors = found
                .iter()
                .zip(right)
                .map(|(&found, right)| f64::from(found) - right);
            errors.map(|error| error * error).sum()
        };
        let (found, plain) = (case.run(), case.plain());
        for (((found, plain), right), name) in found.iter().zip(&plain).zip(&right).zip(NAMES) {
            let times = (squares(found, right) / squares(plain, right)).sqrt();
            println!(
                "{name} of {}, padded by {}: {times:.2} times",
                case.name, case.padding
            );
            assert!(times <= 4.0, "{name} of {}: {times} times", case.name);
        }
    }
}
