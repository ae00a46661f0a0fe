use crate::simd::LANES;

/// A growing row of bits, such as dropout masks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Removes all, and keeps the memory.
    pub fn clear(&mut self) {
        self.words.clear();
        self.len = 0;
    }

    /// Bit `i`; false beyond the end.
    #[must_use]
    pub fn get(&self, i: usize) -> bool {
        self.get16(i) & 1 == 1
    }

    /// The sixteen bits from `i` on, the first in bit 0; zeros beyond the end.
    #[inline(always)]
    #[must_use]
    pub fn get16(&self, i: usize) -> u16 {
        let word = |w: usize| self.words.get(w).copied().unwrap_or(0);
        let shift = i % 64;
        let low = word(i / 64) >> shift;
        // A shift by 64 would be none; the double shift is right for 0 as well.
        if shift > 64 - LANES {
            (low | word(i / 64 + 1) << 1 << (63 - shift)) as u16
        } else {
            low as u16
        }
    }

    /// Appends the `count` lowest bits of `bits`, 1 to 64.
    pub(super) fn push(&mut self, bits: u64, count: usize) {
        let bits = bits & u64::MAX >> (64 - count);
        let shift = self.len % 64;
        if let Some(last) = self.words.last_mut().filter(|_| shift > 0) {
            *last |= bits << shift;
        }
        if shift == 0 || shift + count > 64 {
            self.words.push(if shift == 0 {
                bits
            } else {
                bits >> (64 - shift)
            });
        }
        self.len += count;
    }
}
