//! The crate's own tanh and exp: a platform's mathematical library differs from the next one's in the
//! last bits, these do not.

use super::Simd;

/// Beyond it tanh rounds to ±1 in `f32`.
const SATURATION: f32 = 9.02;
/// P and Q of tanh(x) ≈ x P(x²) / Q(x²), constant term first: the minimax fit of degrees (4, 4) for the
/// relative error on \[0, 9.02\], 2.1e-8 before rounding.
const TANH_P: [f32; 5] = [
    1.0,
    0.133_797_18,
    0.003_494_034_5,
    2.058_348e-5,
    1.331_907_2e-8,
];
const TANH_Q: [f32; 5] = [
    1.0,
    0.467_130_33,
    0.025_871_072,
    3.283_092_8e-4,
    7.762_019e-7,
];

/// P and Q, as [`Simd::polynomials`] takes them.
static TANH: [[[f32; 8]; 2]; 5] = {
    let mut both = [[[0.0; 8]; 2]; 5];
    let mut power = 0;
    while power < 5 {
        both[power] = [[TANH_P[power]; 8], [TANH_Q[power]; 8]];
        power += 1;
    }
    both
};

/// tanh of every lane. Relative error below 4e-7, never beyond ±1, NaN where `x` is.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::F32) -> S::F32 {
    // The bounds are written so that a NaN goes through (see `Simd::min`).
    let z = s.at_most(s.mul(x, x), SATURATION * SATURATION);
    let [p, q] = s.polynomials(z, &TANH);
    let t = s.div(s.mul(x, p), q);
    s.at_least(s.at_most(t, 1.0), -1.0)
}

/// tanh in `f64`, within 5e-16 of the true value (not of its size: for what is near 0, see [`tanh`]).
#[must_use]
pub(crate) fn tanh_f64(x: f64) -> f64 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// e^x, within one unit in the last place; +∞ above 709.78, 0 below −745.13.
///
/// The method and the coefficients of FreeBSD's `e_exp.c` (Sun Microsystems, 1993): x = k ln 2 + r with
/// |r| ≤ ln 2 / 2, and a rational form of e^r.
#[must_use]
pub(crate) fn exp(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const P: [f64; 5] = [
        1.666_666_666_666_660_2e-1,
        -2.777_777_777_701_559_3e-3,
        6.613_756_321_437_934e-5,
        -1.653_390_220_546_525_2e-6,
        4.138_136_797_057_238_5e-8,
    ];
    if x.is_nan() {
        return x;
    }
    if x > 709.782_712_893_384 {
        return f64::INFINITY;
    }
    if x < -745.133_219_101_941_1 {
        return 0.0;
    }
    let k = (x * std::f64::consts::LOG2_E).round();
    let (high, low) = (x - k * LN2_HIGH, k * LN2_LOW);
    let r = high - low;
    let t = r * r;
    let c = r - t * (P[0] + t * (P[1] + t * (P[2] + t * (P[3] + t * P[4]))));
    let y = 1.0 - ((low - r * c / (2.0 - c)) - high);
    // In two factors, since 2^k alone may be infinite or subnormal where the result is not.
    let k = k as i64;
    let power = |k: i64| f64::from_bits(((1023 + k) as u64) << 52);
    y * power(k / 2) * power(k - k / 2)
}

/// The natural logarithm, within one unit in the last place; −∞ of 0, NaN below it.
///
/// The method and the coefficients of FreeBSD's `e_log.c` (Sun Microsystems, 1993): x = 2^k · (1 + f) with
/// 1 + f from √½ to √2, s = f / (2 + f), and ln(1 + f) = f − (f²/2 − s (f²/2 + R(s²))).
#[must_use]
pub(crate) fn ln(x: f64) -> f64 {
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const R: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == f64::INFINITY {
        return x;
    }
    // Subnormal numbers are made normal first.
    let (x, scaled) = if x < f64::MIN_POSITIVE {
        (x * 18_014_398_509_481_984.0, 54)
    } else {
        (x, 0)
    };
    let bits = x.to_bits();
    let mut k = (bits >> 52) as i64 - 1023 - scaled;
    let mut m = f64::from_bits(bits & (u64::MAX >> 12) | 1023 << 52);
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        k += 1;
    }
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let mut r = 0.0;
    for coefficient in R.iter().rev() {
        r = z * (r + coefficient);
    }
    let (half, k) = (0.5 * f * f, k as f64);
    k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::dispatch::on_every_level;
    use crate::simd::{Lanes, Level, Op};

    struct Tanh(Vec<Lanes>);
    impl Op for Tanh {
        type Output = Vec<Lanes>;
        #[inline(always)]
        fn run<S: Simd>(mut self, s: S) -> Vec<Lanes> {
            for lanes in &mut self.0 {
                for part in 0..S::PARTS {
                    let t = tanh(s, s.load(lanes, part));
                    s.store(t, lanes, part);
                }
            }
            self.0
        }
    }

    /// Every 61st float, both signs, infinities and NaN among them.
    fn floats() -> Vec<Lanes> {
        let mut bits = (0..=u32::MAX).step_by(61);
        let mut all = vec![Lanes([
            0.0,
            -0.0,
            f32::INFINITY,
            -f32::INFINITY,
            f32::NAN,
            9.02,
            -9.02,
            1.0,
            1e-40,
            8.9,
            0.1,
            0.2,
            0.3,
            0.4,
            0.5,
            0.6,
        ])];
        while let Some(first) = bits.next() {
            all.push(Lanes(std::array::from_fn(|i| {
                f32::from_bits(if i == 0 {
                    first
                } else {
                    bits.next().unwrap_or(0)
                })
            })));
        }
        all
    }

    #[test]
    fn tanh_is_accurate_bounded_and_the_same_on_every_level() {
        let x = floats();
        let mut scalar = Vec::new();
        on_every_level(
            |_| Tanh(x.clone()),
            |level, t| {
                if level == Level::Scalar {
                    scalar = t;
                    return;
                }
                for (a, b) in t.iter().zip(&scalar).flat_map(|(a, b)| a.0.iter().zip(b.0)) {
                    assert!(
                        a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
                        "{level}: {a:e}, scalar {b:e}"
                    );
                }
            },
        );
        assert_eq!(scalar.len(), x.len());
        for (x, t) in x.iter().zip(&scalar).flat_map(|(x, t)| x.0.iter().zip(t.0)) {
            if x.is_nan() {
                assert!(t.is_nan());
                continue;
            }
            let right = f64::from(*x).tanh();
            let error = (f64::from(t) - right).abs();
            assert!(
                error <= 4e-7 * right.abs() + 1e-44,
                "tanh({x:e}) = {t:e}, is {right:e}"
            );
            assert!(t.abs() <= 1.0);
        }
    }

    #[test]
    fn tanh_in_f64_is_within_its_bound() {
        for i in -30_000..=30_000 {
            let x = f64::from(i) * 1e-3;
            assert!((tanh_f64(x) - x.tanh()).abs() <= 5e-16, "tanh({x})");
        }
        assert!(tanh_f64(f64::NAN).is_nan());
        assert_eq!((tanh_f64(1e3), tanh_f64(-1e3)), (1.0, -1.0));
    }

    #[test]
    fn exp_is_within_a_unit_in_the_last_place() {
        for i in -74_000..=70_900 {
            let x = f64::from(i) * 0.01 - 0.003_3;
            let (ours, std) = (exp(x), x.exp());
            assert!(
                (ours - std).abs() <= 2.3e-16 * 1.5 * std + 5e-324,
                "exp({x}) = {ours:e}, {std:e}"
            );
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(710.0), f64::INFINITY);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn ln_is_within_a_unit_in_the_last_place() {
        for i in -3000..=3000 {
            let x = (f64::from(i) * 0.23).exp() * 1.000_123;
            let (ours, std) = (ln(x), x.ln());
            assert!(
                (ours - std).abs() <= 2.3e-16 * 1.5 * std.abs() + 1e-18,
                "ln({x:e}) = {ours:e}, {std:e}"
            );
        }
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
        assert!(ln(-1.0).is_nan() && ln(f64::NAN).is_nan());
        assert!((ln(5e-324) - 5e-324_f64.ln()).abs() < 1e-12);
    }
}
