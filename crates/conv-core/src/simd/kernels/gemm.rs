//! GEMM: the product of two small matrices, row-major and close together in memory.

use crate::simd::{LANES, Lanes, Rows, Simd};

/// A matrix, or its transpose: the value of row i and column k is `values[i * rows.1 + k * columns.1]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    /// All of its values.
    pub(crate) values: &'a [f32],
    /// How many rows, and how far from one to the next.
    pub(crate) rows: (usize, usize),
    /// How many columns, and how far from one to the next.
    pub(crate) columns: (usize, usize),
}

impl Matrix<'_> {
    /// The index of the last value.
    fn last(&self) -> Option<usize> {
        let row = (self.rows.0.checked_sub(1)?).checked_mul(self.rows.1)?;
        let column = (self.columns.0.checked_sub(1)?).checked_mul(self.columns.1)?;
        row.checked_add(column)
    }
}

/// `c[i] = start + Σₖ a[i, k] · b[k]`, where a row of `b`, of `c` and `start` has one or two vectors of sixteen lanes. Each
/// sum adds its products in the order of k, with one rounding each.
///
/// # Panics
/// If `a` has no values, or it, `b` or `c` has fewer than its shape says.
#[inline(always)]
pub(crate) fn gemm<S: Simd>(s: S, a: Matrix<'_>, b: &[Lanes], start: &[Lanes], c: &mut [f32]) {
    let lanes = start.len();
    assert!(
        a.last().is_some_and(|last| last < a.values.len()),
        "a has fewer values than its shape"
    );
    let b_len = a.columns.0.checked_mul(lanes);
    let c_len = a.rows.0.checked_mul(lanes * LANES);
    let (Some(b), Some(c)) = (
        b_len.and_then(|len| b.get(..len)),
        c_len.and_then(|len| c.get_mut(..len)),
    ) else {
        panic!("b or c has fewer rows than the shape of a");
    };
    let vectors = lanes * S::PARTS;
    let mut vector = 0;
    while vector < vectors {
        // SAFETY: all values of `a` lie in its slice, and it has a column; the rows of `b` and of `c`, each of `lanes` vectors of
        // sixteen, lie in theirs; and these one or two parts lie in a row.
        unsafe {
            vector += if vectors - vector == 1 {
                columns::<S, 1>(s, a, (b, start, c), vector)
            } else {
                columns::<S, 2>(s, a, (b, start, c), vector)
            };
        }
    }
}

/// V vectors of columns, for all rows. Returns V.
///
/// # Safety
/// As [`tile`], for all rows.
#[inline(always)]
unsafe fn columns<S: Simd, const V: usize>(
    s: S,
    a: Matrix<'_>,
    (b, start, c): (&[Lanes], &[Lanes], &mut [f32]),
    vector: usize,
) -> usize {
    let lanes = start.len();
    let mut first = [s.splat(0.0); V];
    for (v, first) in first.iter_mut().enumerate() {
        let at = vector + v;
        *first = s.load(&start[at / S::PARTS], at % S::PARTS);
    }
    let offset = vector * S::WIDTH;
    let b = (b.as_ptr().cast::<f32>().wrapping_add(offset), lanes * LANES);
    let c = (c.as_mut_ptr().wrapping_add(offset), lanes * LANES);
    let mut row = 0;
    while row < a.rows.0 {
        let next = NextRows {
            s,
            a,
            row,
            b,
            first: &first,
            c,
        };
        row += S::gemm_rows::<_, V>(a.rows.0 - row, next);
    }
    V
}

/// The rows of a product from one on, in V vectors of columns. It is made by [`columns`] alone, for rows that its caller
/// vouches for.
struct NextRows<'a, S: Simd, const V: usize> {
    s: S,
    a: Matrix<'a>,
    row: usize,
    b: (*const f32, usize),
    first: &'a [S::F32; V],
    c: (*mut f32, usize),
}

impl<S: Simd, const V: usize> Rows for NextRows<'_, S, V> {
    type Output = usize;

    #[inline(always)]
    fn run<const ROWS: usize>(self) -> usize {
        assert!(ROWS <= self.a.rows.0 - self.row, "more rows than are left");
        // SAFETY: whoever made this vouches for all rows, and so many are left.
        unsafe { tile::<S, ROWS, V>(self.s, self.a, self.row, self.b, self.first, self.c) }
    }
}

/// P rows and V vectors of columns. Returns P.
///
/// # Safety
/// `a` must have a column, and P rows from this one on with all their columns. V vectors must be readable at `b` for each of
/// the columns, and writable at `c` for each of the rows of `a`, at the distances that stand with them.
#[inline(always)]
unsafe fn tile<S: Simd, const P: usize, const V: usize>(
    s: S,
    a: Matrix<'_>,
    row: usize,
    (b, b_row): (*const f32, usize),
    start: &[S::F32; V],
    (c, c_row): (*mut f32, usize),
) -> usize {
    // They wrap only where there is no such row.
    let step = a.rows.1.wrapping_mul(size_of::<f32>());
    let (step_3, step_5, step_7) = (
        step.wrapping_mul(3),
        step.wrapping_mul(5),
        step.wrapping_mul(7),
    );
    let mut sums = [*start; P];
    let mut from = a.values.as_ptr().wrapping_add(row.wrapping_mul(a.rows.1));
    let mut b = b;
    // Without it, the compiler would begin the sums twice: for no column, and for some.
    // SAFETY: the caller vouches for a column.
    unsafe { std::hint::assert_unchecked(a.columns.0 > 0) };
    for _ in 0..a.columns.0 {
        let mut vectors = [s.splat(0.0); V];
        for (v, vector) in vectors.iter_mut().enumerate() {
            // SAFETY: the caller vouches for a row of `b` for each column.
            *vector = unsafe { s.load_at(b.wrapping_add(v * S::WIDTH)) };
        }
        // Written out: in a loop the compiler would not keep the sums in registers.
        macro_rules! add {
            ($row:expr, $from:expr, $times:literal, $step:expr) => {
                if $row < P {
                    // SAFETY: the caller vouches for the rows.
                    let x = unsafe { s.splat_from::<false, $times>($from, $step) };
                    for (sum, vector) in sums[$row].iter_mut().zip(vectors) {
                        *sum = s.mul_add_in_order(x, vector, *sum);
                    }
                }
            };
        }
        macro_rules! add_eight {
            ($row:literal, $from:expr) => {
                add!($row, $from, 0, step);
                add!($row + 1, $from, 1, step);
                add!($row + 2, $from, 2, step);
                add!($row + 3, $from, 1, step_3);
                add!($row + 4, $from, 4, step);
                add!($row + 5, $from, 1, step_5);
                add!($row + 6, $from, 2, step_3);
                add!($row + 7, $from, 1, step_7);
            };
        }
        add_eight!(0, from);
        add_eight!(8, from.wrapping_byte_add(step.wrapping_mul(8)));
        from = from.wrapping_add(a.columns.1);
        b = b.wrapping_add(b_row);
    }
    for (p, sums) in sums.into_iter().enumerate() {
        for (v, sum) in sums.into_iter().enumerate() {
            // SAFETY: the caller vouches for the rows of `c`.
            unsafe { s.store_at(sum, c.wrapping_add((row + p) * c_row + v * S::WIDTH)) };
        }
    }
    P
}
