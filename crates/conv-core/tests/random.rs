//! NumPy's random numbers, draw for draw.

mod support;

use conv_core::{Bits, NumpyRandom};
use support::on_every_level;

/// ```python
/// np.random.seed(7); a = np.random.random(1001); m = np.random.randint(2, size=5000)
/// a[-1], m.sum(), m[-40:], np.random.random()
/// ```
#[test]
fn draws_as_numpy_does() {
    on_every_level(|_| {
        let mut random = NumpyRandom::new(7);
        let mut last = 0.0;
        for _ in 0..1001 {
            last = random.random();
        }
        assert_eq!(last, 0.083_785_870_071_983_24);
        let mut masks = Bits::default();
        random.randint2(5000, &mut masks);
        assert_eq!(masks.len(), 5000);
        assert_eq!((0..5000).filter(|&i| masks.get(i)).count(), 2518);
        let tail: String = (4960..5000)
            .map(|i| if masks.get(i) { '1' } else { '0' })
            .collect();
        assert_eq!(tail, "1001011011011000010010011101101011110110");
        assert_eq!(random.random(), 0.852_747_446_527_022_5);
    });
}

#[test]
fn is_the_mersenne_twister_of_its_authors() {
    on_every_level(|_| {
        for seed in [0, 1, 5489, u32::MAX] {
            let mut ours = NumpyRandom::new(seed);
            let mut theirs = rand_mt::Mt::new(seed);
            for draw in 0..5000 {
                assert_eq!(
                    ours.next_u32(),
                    theirs.next_u32(),
                    "draw {draw} from seed {seed}"
                );
            }
        }
    });
}

/// Masks of any length, begun anywhere, are the lowest bits of the draws.
#[test]
fn masks_are_the_lowest_bits_of_the_draws() {
    on_every_level(|_| {
        let (mut ours, mut draws) = (NumpyRandom::new(3), rand_mt::Mt::new(3));
        let mut masks = Bits::default();
        let mut right = Vec::new();
        for count in [1, 63, 64, 65, 0, 7, 600, 1300, 1, 2, 623, 624, 625] {
            ours.randint2(count, &mut masks);
            right.extend((0..count).map(|_| draws.next_u32() & 1 == 1));
            assert_eq!(ours.next_u32(), draws.next_u32());
        }
        assert_eq!(masks.len(), right.len());
        for (i, &bit) in right.iter().enumerate() {
            assert_eq!(masks.get(i), bit, "bit {i}");
            for lane in 0..16 {
                let expected = right.get(i + lane).copied().unwrap_or(false);
                assert_eq!(
                    masks.get16(i) >> lane & 1 == 1,
                    expected,
                    "bit {lane} from {i}"
                );
            }
        }
    });
}
