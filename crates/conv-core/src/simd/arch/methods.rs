//! Every method of an instruction set gives the bits of [`scalar`](super::scalar), whose lanes are plain arithmetic.

use crate::simd::dispatch::on_every_level;
use crate::simd::{LANES, Lanes, Level, Op, Simd};

/// Both zeros, infinities, NaN, subnormal numbers, the ends of the range, and ordinary values.
const VALUES: [f32; 19] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    1e-45,
    -1e-40,
    f32::MIN_POSITIVE,
    f32::MAX,
    f32::MIN,
    1.000_000_1,
    -0.999_999_94,
    4097.0,
    4099.0,
    -1.6e7,
    3.7e-20,
    0.1,
];

/// Sixteen of the values at a time, so that in all every value of the first vector meets every value of the second one.
fn cases() -> Vec<[Lanes; 3]> {
    let n = VALUES.len();
    let pick = |step: usize, case: usize| {
        Lanes(std::array::from_fn(|i| {
            VALUES[(i + step * case + case / n) % n]
        }))
    };
    // Miri sees the same instructions in every case, and takes a thousand times as long.
    (0..n * n)
        .step_by(if cfg!(miri) { 40 } else { 1 })
        .map(|case| [pick(0, case), pick(1, case), pick(5, case)])
        .collect()
}

/// Results of [`Arithmetic`].
const ARITHMETIC: usize = 20;

/// Of two polynomials, each coefficient eight times.
static COEFFICIENTS: [[[f32; 8]; 2]; 5] = [
    [[0.1; 8], [-3.0; 8]],
    [[0.7; 8], [1e-30; 8]],
    [[-1.3; 8], [2.5; 8]],
    [[1e20; 8], [0.3; 8]],
    [[1.9; 8], [-0.9; 8]],
];

/// The arithmetic and the selections of three vectors.
struct Arithmetic([Lanes; 3]);

impl Op for Arithmetic {
    type Output = Vec<Lanes>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<Lanes> {
        let mut all = vec![Lanes::ZERO; ARITHMETIC];
        for part in 0..S::PARTS {
            let [a, b, c] = self.0.each_ref().map(|x| s.load(x, part));
            let [p, q] = s.polynomials(c, &COEFFICIENTS);
            let results: [_; ARITHMETIC] = [
                s.add(a, b),
                s.sub(a, b),
                s.mul(a, b),
                s.div(a, b),
                s.min(a, b),
                s.max(a, b),
                s.mul_add(a, b, c),
                s.neg_mul_add(a, b, c),
                s.mul_add_in_order(a, b, c),
                s.in_order(a),
                s.scale(a, s.splat(127.0)),
                s.scale(b, s.splat(-126.0)),
                s.scale(c, s.splat(3.0)),
                s.if_greater(a, b, c, a),
                s.if_nan(a, b, c),
                s.splat(self.0[0].0[3]),
                s.at_most(a, 1.0),
                s.at_least(b, -4097.0),
                p,
                q,
            ];
            for (to, v) in all.iter_mut().zip(results) {
                s.store(v, to, part);
            }
        }
        all
    }
}

/// Loads, stores and moves of the values at the beginning of a slice.
struct Moves<'a> {
    values: &'a [f32; 64],
    first: usize,
}

impl Op for Moves<'_> {
    /// Values in the order in which they lie, whatever the width of a vector.
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let mut all = Vec::new();
        let mut lanes = Lanes::ZERO;
        // SAFETY: every pointer is to the beginning of 64 values of which at most 58 are read, or of 16 * 9 of which at most
        // 15 * 9 + 8 are written.
        unsafe {
            let from = self.values.as_ptr();
            let at = |part: usize| s.load_at(from.add(part * S::WIDTH));
            for part in 0..S::PARTS {
                let some = self.values[..self.first].get(part * S::WIDTH..);
                s.store(s.load_first(some.unwrap_or_default()), &mut lanes, part);
            }
            all.extend(lanes.0);
            let mut first = vec![7.0; self.first];
            for (part, to) in first.chunks_mut(S::WIDTH).enumerate() {
                s.store_first(at(part), to);
            }
            all.extend(first);
            for part in 0..S::PARTS {
                let bits = 0b1010_0110_1100_0111_u16.rotate_left(self.first as u32);
                s.store(s.keep(at(part), bits, part), &mut lanes, part);
            }
            all.extend(lanes.0);
            for v in [
                s.splat_pair(from.add(self.first)),
                s.splat_from::<false, 0>(from, 8),
                s.splat_from::<true, 1>(from, 8),
                s.splat_from::<false, 2>(from, 12),
                s.splat_one_of(&self.values.as_chunks().0[self.first % 16], self.first % 4),
            ] {
                for part in 0..S::PARTS {
                    s.store_at(v, lanes.0.as_mut_ptr().add(part * S::WIDTH));
                }
                all.extend(lanes.0);
            }
            // Sums of neighbours among the first sixteen values, then among the next sixteen.
            for part in 0..S::PARTS {
                let sums = s.add_pairwise(at(2 * part), at(2 * part + 1));
                s.store(sums, &mut lanes, part);
            }
            all.extend(lanes.0);
            let mut rows = [7.0; LANES * 9];
            for part in 0..S::PARTS {
                let vectors = std::array::from_fn(|i| s.load_at(from.add(6 * i + part * S::WIDTH)));
                s.store_transposed(vectors, rows.as_mut_ptr().add(part * S::WIDTH * 9), 9);
            }
            all.extend(rows);
            s.copy_strided::<2>(from, lanes.0.as_mut_ptr());
            s.copy_strided::<3>(from, lanes.0.as_mut_ptr().add(8));
            all.extend(lanes.0);
        }
        let bits: [u32; LANES] = std::array::from_fn(|i| self.values[i + self.first].to_bits());
        all.push(f32::from(s.low_bits(&bits)));
        all.push(f32::from(s.parities::<0x2044_4009>(&bits)));
        all.push(f32::from(s.parities::<{ u32::MAX }>(&bits)));
        all
    }
}

fn assert_same(what: &str, level: Level, found: &[f32], scalar: &[f32]) {
    assert_eq!(found.len(), scalar.len(), "{what}, {level}");
    for (i, (found, scalar)) in found.iter().zip(scalar).enumerate() {
        assert!(
            found.to_bits() == scalar.to_bits() || found.is_nan() && scalar.is_nan(),
            "{what}, {level}, value {i}: {found:e}, scalar {scalar:e}"
        );
    }
}

#[test]
fn arithmetic_has_the_bits_of_scalar_on_every_level() {
    for (i, case) in cases().into_iter().enumerate() {
        let mut scalar = Vec::new();
        on_every_level(
            |_| Arithmetic(case),
            |level, results| match level {
                Level::Scalar => scalar = results,
                _ => {
                    let what = format!("case {i}");
                    assert_same(&what, level, Lanes::flat(&results), Lanes::flat(&scalar));
                }
            },
        );
        assert_eq!(scalar.len(), ARITHMETIC);
    }
}

#[test]
fn loads_and_stores_move_what_scalar_moves_on_every_level() {
    let values = std::array::from_fn(|i| (i * i) as f32 * 0.37 - 100.0);
    for first in 0..=LANES {
        let mut scalar = Vec::new();
        on_every_level(
            |_| Moves {
                values: &values,
                first,
            },
            |level, moved| match level {
                Level::Scalar => scalar = moved,
                _ => assert_same(&format!("the first {first}"), level, &moved, &scalar),
            },
        );
        // What scalar moves is right where the right answer is plain.
        let (kept, rest) = scalar.split_at(first);
        assert_eq!(kept, &values[..first]);
        assert!(rest[..LANES - first].iter().all(|x| x.to_bits() == 0));
        assert_eq!(scalar[LANES..][..first], values[..first]);
    }
}
