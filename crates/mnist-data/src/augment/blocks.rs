//! Rows of values in blocks whose lengths the compiler knows.

/// Columns of a block: a row of MNIST, seven registers of four values, which SSE2 and NEON have.
pub(super) const WIDE: usize = 28;
/// Columns of a block where there are fewer left.
pub(super) const NARROW: usize = 4;

/// The length of rows that blocks divide.
pub(super) fn padded(width: usize) -> usize {
    width.next_multiple_of(NARROW).max(NARROW)
}

/// Computes every block of a row of [`padded`] length: as many of `WIDE` columns as there is room for, then those of
/// `NARROW`. Each function is told the first column.
#[inline(always)]
pub(super) fn in_blocks(
    row: &mut [f32],
    wide: impl Fn(usize, &mut [f32; WIDE]),
    narrow: impl Fn(usize, &mut [f32; NARROW]),
) {
    let (blocks, rest) = row.as_chunks_mut::<WIDE>();
    let columns = blocks.len() * WIDE;
    for (block, values) in blocks.iter_mut().enumerate() {
        wide(block * WIDE, values);
    }
    let (blocks, _) = rest.as_chunks_mut::<NARROW>();
    for (block, values) in blocks.iter_mut().enumerate() {
        narrow(columns + block * NARROW, values);
    }
}
