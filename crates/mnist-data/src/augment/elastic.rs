//! How strong and how smooth an elastic distortion is.

use crate::{Error, ErrorKind};

/// Elastic distortion after Simard, Steinkraus and Platt: "Best practices for convolutional neural
/// networks applied to visual document analysis", ICDAR 2003.
///
/// Every pixel is displaced by a random field, uniform in −1 to 1, smoothed by a Gaussian of
/// deviation `sigma` pixels and multiplied by `alpha`. They took 34 and 4 for MNIST.
#[derive(Debug, Clone, PartialEq)]
pub struct Elastic {
    pub(super) alpha: f32,
    /// The Gaussian from its middle to three deviations; all of it, both sides, sums to 1.
    pub(super) gaussian: Vec<f32>,
}

impl Elastic {
    /// A distortion of strength `alpha` and smoothness `sigma` in pixels.
    ///
    /// # Errors
    ///
    /// If `alpha` is not finite, or `sigma` is not from 0.1 to 100.
    pub fn new(alpha: f32, sigma: f32) -> Result<Self, Error> {
        let wrong = |name, expected: &str, found: f32| {
            let (expected, found) = (expected.to_owned(), found.to_string());
            Err(ErrorKind::Parameter {
                name,
                expected,
                found,
            }
            .into())
        };
        if !alpha.is_finite() {
            return wrong("alpha", "a finite number", alpha);
        }
        if !(0.1..=100.0).contains(&sigma) {
            return wrong("sigma", "0.1 to 100 pixels", sigma);
        }
        let reach = (3.0 * sigma).ceil() as usize;
        let value = |distance: usize| {
            let deviations = distance as f32 / sigma;
            libm::expf(-0.5 * deviations * deviations)
        };
        let sum = value(0) + 2.0 * (1..=reach).map(value).sum::<f32>();
        Ok(Self {
            alpha,
            gaussian: (0..=reach).map(|distance| value(distance) / sum).collect(),
        })
    }
}
