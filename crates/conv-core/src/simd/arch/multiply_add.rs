//! The multiply-add of every instruction set rounds once: millions of triples, most of them made so that two roundings would
//! be wrong.

use super::scalar::fused;
use crate::simd::dispatch::on_every_level;
use crate::simd::{LANES, Lanes, Op, Simd};

struct MultiplyAdd<'a>(&'a [[Lanes; 3]]);

impl Op for MultiplyAdd<'_> {
    /// `a * b + c` and `c - a * b`.
    type Output = Vec<[Lanes; 2]>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<[Lanes; 2]> {
        let mut all = vec![[Lanes::ZERO; 2]; self.0.len()];
        for (triple, [sum, difference]) in self.0.iter().zip(&mut all) {
            for part in 0..S::PARTS {
                let [a, b, c] = triple.each_ref().map(|lanes| s.load(lanes, part));
                s.store(s.mul_add(a, b, c), sum, part);
                s.store(s.neg_mul_add(a, b, c), difference, part);
            }
        }
        all
    }
}

/// A linear congruential generator (Knuth's MMIX), the upper bits.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    fn below(&mut self, n: u32) -> u32 {
        self.bits() % n
    }

    /// A number of either sign from 1 to 2, times 2 to the power of `exponent`; subnormal from -127 on.
    fn of_size(&mut self, exponent: i32) -> f32 {
        let mantissa = self.bits() & 0x007f_ffff;
        self.sign() * power(exponent, f64::from(f32::from_bits(0x3f80_0000 | mantissa)))
    }

    fn sign(&mut self) -> f32 {
        if self.bits() & 1 == 0 { 1.0 } else { -1.0 }
    }
}

/// `x` times 2 to the power of `exponent`, rounded to `f32`.
fn power(exponent: i32, x: f64) -> f32 {
    (x * f64::from_bits(((1023 + i64::from(exponent)) as u64) << 52)) as f32
}

/// `a * b + c` by the processor, or else by the standard library. The library's is often wrong on Windows with the GNU
/// toolchain, and in WebAssembly among subnormal numbers (1.95).
pub(super) fn of_the_machine(a: f32, b: f32, c: f32) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if has_fma() {
        use std::arch::x86_64::*;
        #[target_feature(enable = "fma")]
        fn fused_by_the_processor(a: f32, b: f32, c: f32) -> f32 {
            _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)))
        }
        // SAFETY: the processor has FMA.
        return unsafe { fused_by_the_processor(a, b, c) };
    }
    a.mul_add(b, c)
}

fn has_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// `a * b + c`, rounded once: where the machine is right, `scalar` is held to it, and elsewhere the others to `scalar`.
fn exactly(a: f32, b: f32, c: f32) -> f32 {
    if has_fma() || cfg!(target_os = "linux") {
        of_the_machine(a, b, c)
    } else {
        fused(a, b, c)
    }
}

fn triple(random: &mut Random) -> [f32; 3] {
    match random.below(6) {
        // Any bits at all.
        0 => [(); 3].map(|()| f32::from_bits(random.bits())),
        // A summand whose bits overlap those of the product.
        1 => {
            let exponent = random.below(200) as i32 - 100;
            let near = exponent + random.below(56) as i32 - 28;
            [
                random.of_size(exponent),
                random.of_size(0),
                random.of_size(near),
            ]
        }
        // A product of 25 bits, the last one set, and what decides to which side it falls.
        2 => {
            let (a, b) = (4097 + 2 * random.below(2000), 4099 + 2 * random.below(2000));
            let exponent = random.below(100) as i32 - 50;
            let below = 30 + random.below(60) as i32;
            let tiny = random.of_size(exponent - below);
            let tiny = if random.below(8) == 0 { 0.0 } else { tiny };
            [random.sign() * power(exponent, a.into()), b as f32, tiny]
        }
        // A summand, and half of its last place, a little more or less: (1 + x) (1 - x) is 1 - x².
        3 => {
            let exponent = random.below(200) as i32 - 90;
            let x = f64::from(random.below(1 << 10)) / f64::from(1 << 23);
            let size = exponent - 24 - 10;
            let sign = random.sign();
            let c = random.of_size(exponent);
            [sign * power(size, 1.0 + x), power(10, 1.0 - x), c]
        }
        // The same where the sum is subnormal, or nearly so, and its last place is 2⁻¹⁴⁹.
        4 => {
            let exponent = -126 - random.below(6) as i32;
            let x = f64::from(random.below(1 << 9)) / f64::from(1 << 23);
            let sign = random.sign();
            let c = random.of_size(exponent);
            [sign * power(-90, 1.0 + x), power(-60, 1.0 - x), c]
        }
        // At the end of the range.
        _ => {
            let near = 127 - random.below(26) as i32;
            let first = 63 + random.below(2) as i32;
            [
                random.of_size(first),
                random.of_size(63),
                random.of_size(near),
            ]
        }
    }
}

#[test]
fn the_multiply_add_of_every_level_rounds_once() {
    // Miri takes a thousand times as long.
    const ROUNDS: usize = if cfg!(miri) { 1 } else { 40 };
    const TRIPLES: usize = if cfg!(miri) { 40 } else { 4000 };
    let mut random = Random(1);
    let mut twice = 0_usize;
    for _ in 0..ROUNDS {
        let mut triples = vec![[Lanes::ZERO; 3]; TRIPLES];
        for lanes in &mut triples {
            for i in 0..LANES {
                let [a, b, c] = triple(&mut random);
                [lanes[0].0[i], lanes[1].0[i], lanes[2].0[i]] = [a, b, c];
                let rounded_twice = (f64::from(a) * f64::from(b) + f64::from(c)) as f32;
                let once = exactly(a, b, c);
                twice += usize::from(rounded_twice != once && !once.is_nan());
            }
        }
        on_every_level(
            |_| MultiplyAdd(&triples),
            |level, found| {
                assert_eq!(found.len(), triples.len());
                for (found, [a, b, c]) in found.iter().zip(&triples) {
                    for i in 0..LANES {
                        let (a, b, c) = (a.0[i], b.0[i], c.0[i]);
                        let right = [exactly(a, b, c), exactly(-a, b, c)];
                        for (found, right) in found.iter().zip(right) {
                            let found = found.0[i];
                            assert!(
                                found.to_bits() == right.to_bits()
                                    || found.is_nan() && right.is_nan(),
                                "{level}: {a:e} * {b:e} + {c:e}: {found:e}, exactly {right:e}"
                            );
                        }
                    }
                }
            },
        );
    }
    assert!(
        twice > ROUNDS * TRIPLES * LANES / 25,
        "two roundings would have been wrong in only {twice} cases"
    );
}
