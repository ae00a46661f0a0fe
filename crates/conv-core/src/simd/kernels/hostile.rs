//! Whatever is passed to a kernel, it refuses what would lead it out of its slices, on every instruction set.
//!
//! Longer than other files, since every kernel has its hostile calls here, one beside the other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::gemm::{Matrix, gemm};
use super::indexed_gemm::{Offsets, indexed_gemm};
use super::line::line_sums;
use super::sparse::{add_to_rows, axpy, weighted_rows};
use super::tile::{Tile, Transform, transform};
use super::transpose::{copy_strided, store_transposed};
use crate::simd::dispatch::on_every_level;
use crate::simd::{LANES, Lanes, Op, Simd};
use crate::tuning::{KERNEL_BLOCK, TRANSPOSED};

/// A call, by the instruction set that makes it.
trait Call {
    fn call<S: Simd>(&self, s: S);
}

struct Guarded<'a, C>(&'a C);

impl<C: Call> Op for Guarded<'_, C> {
    /// Whether the call panicked.
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.0.call(s))).is_err()
    }
}

fn refused<C: Call>(what: &str, call: &C) {
    on_every_level(
        |_| Guarded(call),
        |level, refused| assert!(refused, "{what}, {level}: not refused"),
    );
}

fn accepted<C: Call>(what: &str, call: &C) {
    on_every_level(
        |_| Guarded(call),
        |level, refused| assert!(!refused, "{what}, {level}: refused"),
    );
}

/// A product whose slices have exactly so many values.
struct Gemm {
    values: usize,
    rows: (usize, usize),
    columns: (usize, usize),
    /// Vectors of sixteen of a row of `b`, and such vectors of `b` and of `c`.
    lanes: usize,
    b: usize,
    c: usize,
}

impl Call for Gemm {
    fn call<S: Simd>(&self, s: S) {
        let a = Matrix {
            values: &vec![1.0; self.values],
            rows: self.rows,
            columns: self.columns,
        };
        let (b, start) = (vec![Lanes::ZERO; self.b], vec![Lanes::ZERO; self.lanes]);
        let mut c = vec![0.0; self.c * LANES];
        gemm(s, a, &b, &start, &mut c);
    }
}

const TOP: usize = 1 << (usize::BITS - 1);

#[test]
fn a_product_of_matrices_refuses_shapes_that_its_slices_do_not_have() {
    let fits = Gemm {
        values: 6,
        rows: (2, 3),
        columns: (3, 1),
        lanes: 2,
        b: 6,
        c: 4,
    };
    accepted("what fits", &fits);
    for (what, wrong) in [
        ("a too short", Gemm { values: 5, ..fits }),
        ("b too short", Gemm { b: 5, ..fits }),
        ("c too short", Gemm { c: 3, ..fits }),
        (
            "no rows",
            Gemm {
                rows: (0, 3),
                ..fits
            },
        ),
        (
            "no columns",
            Gemm {
                columns: (0, 1),
                ..fits
            },
        ),
        // 2^63 columns of two vectors each are 2^64 vectors: none, where the product wraps.
        (
            "columns that wrap",
            Gemm {
                rows: (1, 0),
                columns: (TOP, 0),
                b: 0,
                ..fits
            },
        ),
        // 2^60 rows of sixteen lanes are 2^64 values.
        (
            "rows that wrap",
            Gemm {
                rows: (TOP >> 3, 0),
                columns: (1, 0),
                lanes: 1,
                c: 0,
                ..fits
            },
        ),
        (
            "rows that wrap, two vectors",
            Gemm {
                rows: (TOP >> 4, 0),
                columns: (1, 0),
                c: 0,
                ..fits
            },
        ),
        (
            "rows too far apart",
            Gemm {
                rows: (2, TOP),
                ..fits
            },
        ),
        (
            "columns too far apart",
            Gemm {
                columns: (3, TOP),
                ..fits
            },
        ),
        (
            "an end that wraps",
            Gemm {
                rows: (2, TOP),
                columns: (2, TOP),
                ..fits
            },
        ),
    ] {
        refused(what, &wrong);
    }
    // The distance to the next row or column does not matter where there is none.
    let single = Gemm {
        rows: (1, usize::MAX),
        columns: (1, usize::MAX),
        ..fits
    };
    accepted("a single value", &single);
}

struct IndexedGemm {
    a: usize,
    rows: [usize; 8],
    columns: &'static [u32],
    b: usize,
    stride: usize,
}

impl Call for IndexedGemm {
    fn call<S: Simd>(&self, s: S) {
        let (a, b) = (vec![1.0; self.a], vec![1.0; self.b * S::WIDTH]);
        let columns = Offsets::new(self.columns);
        let mut sums = [[s.splat(0.0); 2]; 8];
        indexed_gemm::<S, 8, 2, false>(s, (&a, &self.rows, columns), (&b, self.stride), &mut sums);
    }
}

struct IndexedPairs<'a>(&'a IndexedGemm);

impl Call for IndexedPairs<'_> {
    fn call<S: Simd>(&self, s: S) {
        let IndexedGemm {
            a,
            rows,
            columns,
            b,
            stride,
        } = *self.0;
        let (a, b) = (vec![1.0; a], vec![1.0; b * S::WIDTH]);
        let mut sums = [[s.splat(0.0); 2]; 8];
        let a = (&a[..], &rows, Offsets::new(columns));
        indexed_gemm::<S, 8, 2, true>(s, a, (&b, stride), &mut sums);
    }
}

#[test]
fn an_indexed_product_refuses_offsets_beyond_its_slices() {
    let rows = [0, 1, 2, 3, 4, 5, 6, 7];
    let fits = IndexedGemm {
        a: 11,
        rows,
        columns: &[3, 0],
        b: 2,
        stride: 0,
    };
    accepted("what fits", &fits);
    accepted(
        "pairs that fit",
        &IndexedPairs(&IndexedGemm { a: 12, ..fits }),
    );
    accepted(
        "no column",
        &IndexedGemm {
            columns: &[],
            rows: [usize::MAX; 8],
            ..fits
        },
    );
    refused("pairs of which one is missing", &IndexedPairs(&fits));
    let mut last = rows;
    last[7] = usize::MAX;
    for (what, wrong) in [
        ("a too short", IndexedGemm { a: 10, ..fits }),
        ("b too short", IndexedGemm { b: 1, ..fits }),
        (
            "a column that wraps with its row",
            IndexedGemm { rows: last, ..fits },
        ),
        (
            "a stride that wraps",
            IndexedGemm {
                columns: &[0, 1, 2],
                stride: TOP,
                ..fits
            },
        ),
        (
            "a stride to the end of memory",
            IndexedGemm {
                stride: usize::MAX,
                ..fits
            },
        ),
    ] {
        refused(what, &wrong);
    }
}

/// Offsets counted from a vector's width, which wraps for negative numbers.
struct WeightedRows {
    offset: isize,
    rows: &'static [u32],
    weights: usize,
}

impl Call for WeightedRows {
    fn call<S: Simd>(&self, s: S) {
        let b = vec![1.0; 4 * LANES];
        let offsets = [0_usize.wrapping_add_signed(self.offset * S::WIDTH as isize)];
        let mut sums = [s.splat(0.0)];
        let weights = vec![1.0; self.weights];
        weighted_rows(s, &weights, (&b, self.rows), &offsets, &mut sums);
    }
}

#[test]
fn weighted_rows_refuse_offsets_before_and_behind_their_slice() {
    let fits = WeightedRows {
        offset: 1,
        rows: &[0, 3, 40],
        weights: 3,
    };
    accepted("what fits", &fits);
    accepted(
        "a row at the very end",
        &WeightedRows {
            offset: 0,
            rows: &[64],
            ..fits
        },
    );
    for (what, wrong) in [
        (
            "fewer weights than rows",
            WeightedRows { weights: 2, ..fits },
        ),
        (
            "a row behind the end",
            WeightedRows {
                rows: &[65],
                ..fits
            },
        ),
        (
            "the vector before the slice",
            WeightedRows { offset: -1, ..fits },
        ),
        ("the one before that", WeightedRows { offset: -2, ..fits }),
        (
            "a row that wraps back into the slice",
            WeightedRows {
                offset: -2,
                rows: &[40],
                ..fits
            },
        ),
    ] {
        refused(what, &wrong);
    }
}

struct AddToRows {
    rows: &'static [u32],
    offsets: &'static [u32],
    to: usize,
    b: usize,
}

impl Call for AddToRows {
    fn call<S: Simd>(&self, s: S) {
        let (factors, b) = (vec![1.0; self.rows.len()], vec![1.0; self.b * S::WIDTH]);
        let mut to = vec![0.0; self.to + S::WIDTH];
        add_to_rows(
            s,
            &factors,
            &b,
            (&mut to, self.rows, Offsets::new(self.offsets)),
        );
    }
}

#[test]
fn rows_are_not_added_to_beyond_their_slice() {
    let fits = AddToRows {
        rows: &[3, 5],
        offsets: &[0, 2],
        to: 7,
        b: 2,
    };
    accepted("what fits", &fits);
    for (what, wrong) in [
        ("to too short", AddToRows { to: 6, ..fits }),
        ("b too short", AddToRows { b: 1, ..fits }),
        // Where pointers have 32 bits, the sum wraps to the first values.
        (
            "a row and an offset that wrap",
            AddToRows {
                rows: &[u32::MAX - 3],
                offsets: &[8],
                ..fits
            },
        ),
        (
            "both at their largest",
            AddToRows {
                rows: &[u32::MAX],
                offsets: &[u32::MAX],
                ..fits
            },
        ),
    ] {
        refused(what, &wrong);
    }
}

struct AddScaled(usize, usize);

impl Call for AddScaled {
    fn call<S: Simd>(&self, s: S) {
        axpy(s, 2.0, &vec![1.0; self.0], &mut vec![1.0; self.1]);
    }
}

struct LineSums {
    from: usize,
    first: usize,
    taps: &'static [u32],
    kernels: usize,
}

impl Call for LineSums {
    fn call<S: Simd>(&self, s: S) {
        let from = vec![1.0; self.from + S::WIDTH];
        let (taps, first) = (Offsets::new(self.taps), [0, self.first]);
        let kernels = vec![1.0; self.kernels];
        line_sums(s, &from, first, taps, &kernels, [0.0; KERNEL_BLOCK]);
    }
}

#[test]
fn lines_refuse_taps_beyond_their_pixels() {
    accepted("a shorter sum", &AddScaled(17, 16));
    refused("fewer summands than sums", &AddScaled(16, 17));
    let fits = LineSums {
        from: 9,
        first: 4,
        taps: &[0, 5],
        kernels: LANES + KERNEL_BLOCK,
    };
    accepted("what fits", &fits);
    for (what, wrong) in [
        ("a line too short", LineSums { from: 8, ..fits }),
        (
            "a kernel too few",
            LineSums {
                kernels: LANES + KERNEL_BLOCK - 1,
                ..fits
            },
        ),
        (
            "a first pixel that wraps",
            LineSums {
                first: usize::MAX - 4,
                ..fits
            },
        ),
        (
            "the last pixel of memory",
            LineSums {
                first: usize::MAX,
                taps: &[0],
                ..fits
            },
        ),
        (
            "a tap behind the end",
            LineSums {
                taps: &[u32::MAX, 0],
                ..fits
            },
        ),
    ] {
        refused(what, &wrong);
    }
}

/// How far apart the rows are, and how many values there are, but for those of the last row: `TRANSPOSED`.
struct Transposed(usize, usize);

impl Call for Transposed {
    fn call<S: Simd>(&self, s: S) {
        let mut to = vec![0.0; self.1 * (S::WIDTH - 1) + TRANSPOSED];
        let end = to.len() - usize::from(self.0 > self.1);
        store_transposed(s, [s.splat(1.0); TRANSPOSED], &mut to[..end], self.0);
    }
}

struct Strided(usize, usize);

impl Call for Strided {
    fn call<S: Simd>(&self, s: S) {
        copy_strided::<S, 3>(s, &vec![1.0; self.0], &mut vec![0.0; self.1]);
    }
}

#[test]
fn transposed_rows_and_strided_copies_end_within_their_slices() {
    accepted("rows that fit", &Transposed(9, 9));
    accepted("the same row over and over", &Transposed(0, 0));
    refused("a value too few", &Transposed(10, 9));
    refused("rows that wrap", &Transposed(TOP, 9));
    refused("rows to the end of memory", &Transposed(usize::MAX, 9));
    accepted("eight of twenty-four", &Strided(24, 8));
    refused("eight of twenty-three", &Strided(23, 8));
    refused("seven to write", &Strided(24, 7));
}

/// The matrix that sums two values of whole tiles, or of cut ones too.
struct Sum<const CUT: bool>;

impl<const CUT: bool> Transform<2, 1> for Sum<CUT> {
    const READS_CUT_TILES: bool = CUT;
    const WRITES_CUT_TILES: bool = CUT;
    const ADDS: bool = true;
    const ADDS_BIAS: bool = true;

    #[inline(always)]
    fn apply<S: Simd>(s: S, [a, b]: [S::F32; 2]) -> [S::F32; 1] {
        [s.add(a, b)]
    }
}

struct Tiles {
    read: Tile,
    written: Tile,
    from: usize,
    to: usize,
    channels: usize,
    biases: usize,
    cut: bool,
}

impl Call for Tiles {
    fn call<S: Simd>(&self, s: S) {
        let (from, mut to) = (vec![1.0; self.from], vec![1.0; self.to]);
        let (from, to) = ((&from[..], self.read), (&mut to[..], self.written));
        let bias = vec![1.0; self.biases];
        if self.cut {
            transform::<Sum<true>, S, 2, 1>(s, from, to, &bias, self.channels);
        } else {
            transform::<Sum<false>, S, 2, 1>(s, from, to, &bias, self.channels);
        }
    }
}

#[test]
fn a_transform_refuses_tiles_beyond_their_slices() {
    let tile = |size, step| Tile {
        size,
        step,
        first: (0, 0),
    };
    let fits = Tiles {
        read: tile((2, 2), (40, 20)),
        written: tile((1, 1), (0, 0)),
        from: 79,
        to: 19,
        channels: 19,
        biases: 19,
        cut: false,
    };
    accepted("what fits", &fits);
    accepted(
        "no channel",
        &Tiles {
            channels: 0,
            biases: 0,
            ..fits
        },
    );
    let cut = Tiles {
        read: tile((2, 1), (40, 20)),
        from: 59,
        cut: true,
        ..fits
    };
    accepted("a cut tile", &cut);
    let late = Tiles {
        read: Tile {
            first: (1, 0),
            ..fits.read
        },
        from: 39,
        cut: true,
        ..fits
    };
    accepted("a tile that begins with its second row", &late);
    accepted("no bias", &Tiles { biases: 0, ..fits });
    for (what, wrong) in [
        ("a bias too few", Tiles { biases: 18, ..fits }),
        ("a cut tile for a whole one", Tiles { cut: false, ..cut }),
        ("a value too few of a cut one", Tiles { from: 58, ..cut }),
        ("a late tile for a whole one", Tiles { cut: false, ..late }),
        ("a value too few of a late one", Tiles { from: 38, ..late }),
        (
            "a tile that begins behind its end",
            Tiles {
                read: Tile {
                    first: (0, 2),
                    ..fits.read
                },
                ..late
            },
        ),
        (
            "a late tile to write",
            Tiles {
                written: Tile {
                    first: (1, 0),
                    ..fits.written
                },
                cut: true,
                ..fits
            },
        ),
        (
            "more rows than the matrix has, cut",
            Tiles {
                read: tile((3, 2), (0, 0)),
                cut: true,
                ..fits
            },
        ),
        ("a value too few to read", Tiles { from: 78, ..fits }),
        ("a value too few to write", Tiles { to: 18, ..fits }),
        (
            "more rows than the matrix has",
            Tiles {
                read: tile((3, 2), (0, 0)),
                ..fits
            },
        ),
        (
            "more columns to write",
            Tiles {
                written: tile((1, 2), (0, 0)),
                ..fits
            },
        ),
        (
            "no rows",
            Tiles {
                read: tile((0, 2), (0, 0)),
                ..fits
            },
        ),
        (
            "rows that wrap",
            Tiles {
                read: tile((2, 2), (usize::MAX - 18, 0)),
                ..fits
            },
        ),
        (
            "columns that wrap",
            Tiles {
                read: tile((2, 2), (TOP, TOP)),
                ..fits
            },
        ),
        (
            "channels that wrap",
            Tiles {
                channels: usize::MAX,
                biases: 0,
                ..fits
            },
        ),
    ] {
        refused(what, &wrong);
    }
}
