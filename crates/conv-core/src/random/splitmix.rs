//! A small seeded generator: first weights, dropout and whatever else is not the chapter's own draw from it.

/// A generator whose n-th number follows from its seed alone: any of them can be drawn without the ones before.
///
/// `SplitMix64`: G. Steele, D. Lea and C. Flood, Fast splittable pseudorandom number generators, OOPSLA (2014).
///
/// ```
/// use conv_core::init::Seeded;
///
/// let mut random = Seeded::new(7);
/// let first = random.uniform();
/// assert!((0.0..1.0).contains(&first));
/// assert_eq!(Seeded::new(7).uniform(), first);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeded(u64);

impl Seeded {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another generator, for part number `part` of what this one is for.
    #[must_use]
    pub fn part(&self, part: u64) -> Self {
        Self(mix(self.0 ^ mix(part.wrapping_add(Self::STEP))))
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        mix(self.0)
    }

    /// The bits that the n-th call of [`next_u64`](Self::next_u64) from now gives, counted from 0.
    #[inline]
    #[must_use]
    pub fn at(&self, n: u64) -> u64 {
        mix(self
            .0
            .wrapping_add(Self::STEP.wrapping_mul(n.wrapping_add(1))))
    }

    /// Uniform on \[0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::Seeded;

    /// The first numbers from seed 1234567 of the reference implementation (S. Vigna, splitmix64.c).
    #[test]
    fn is_splitmix64() {
        let mut random = Seeded::new(1_234_567);
        let right = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        for (n, right) in right.into_iter().enumerate() {
            assert_eq!(Seeded::new(1_234_567).at(n as u64), right);
            assert_eq!(random.next_u64(), right);
        }
    }
}
