//! Choices read from bytes, whoever wrote them: a property test or a fuzzer.

/// The bytes that are left; zeros after them.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Bytes<'_> {
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    /// 0 to `count − 1`.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    /// From -2 to 2.
    pub(crate) fn tame(&mut self) -> f32 {
        (f32::from(self.byte()) - 128.0) / 64.0
    }

    /// A small number as a rule, else any, infinity and NaN among them.
    pub(crate) fn wild(&mut self) -> f32 {
        match self.byte() {
            kind @ 0..=219 => (f32::from(kind) - 110.0) / 64.0,
            220..=229 => 0.0,
            230..=233 => f32::NAN,
            234..=236 => f32::INFINITY,
            237..=239 => f32::NEG_INFINITY,
            240..=243 => 1e30,
            244..=247 => -1e30,
            _ => f32::from_bits(u32::from_le_bytes([
                self.byte(),
                self.byte(),
                self.byte(),
                self.byte(),
            ])),
        }
    }
}
