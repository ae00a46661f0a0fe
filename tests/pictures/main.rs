//! Pictures of digits as people have them: 1,000 of them, made of test digits by a seed, each kind read as well as the
//! digits themselves.
#![forbid(unsafe_code)]

mod program;

use std::io::Cursor;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use mnist_data::embedded;
use ndarray::{Array2, Axis};
use tests::drawing::kinds::KINDS;
use tests::drawing::random::Random;
use trainer::model::Model;
use trainer::picture::{Picture, Preparation};

/// Pictures of each kind; 16 kinds have 1,008.
const PICTURES: usize = 63;
/// The model of `trainer train stacked`, which reads 98.24 % of the test digits. Its file is from before the preparation of
/// pictures was stored.
pub(crate) const STACKED: &[u8] = include_bytes!("stacked.safetensors");
/// As the program's: a less probable class is warned of.
const CERTAIN: f32 = 0.87;

/// What became of the pictures of a kind.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// How many of the digits are read rightly from the data set.
    direct: usize,
    /// How many of the pictures are read rightly.
    right: usize,
    wrong: usize,
    wrong_and_warned: usize,
    right_and_warned: usize,
}

fn most_probable(model: &Model, image: &Array2<u8>) -> (usize, f32) {
    let images = image.view().insert_axis(Axis(0));
    let probabilities = model.probabilities(images).unwrap();
    let first = probabilities.iter().copied().enumerate();
    first.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

fn counted(model: &Model, kind: usize) -> Counts {
    let digits = embedded::load().test;
    let mut counts = Counts::default();
    for number in 0..PICTURES {
        let mut random = Random(1_000_003 + (kind * 10_007 + number) as u64);
        let index = random.below(digits.len());
        let image = digits.images().index_axis_move(Axis(0), index).to_owned();
        let label = usize::from(digits.labels()[index]);
        let (direct, _) = most_probable(model, &image);
        counts.direct += usize::from(direct == label);
        let file = KINDS[kind].1(image.view(), &mut random);
        let picture = Picture::read(Cursor::new(&file)).unwrap();
        let (found, warned) = match Preparation::Digit.prepare(&picture, (28, 28)) {
            Ok(prepared) => {
                let (found, probability) = most_probable(model, &prepared.image);
                let doubt = !prepared.warnings.is_empty() || probability < CERTAIN;
                (Some(found), doubt)
            }
            // A refusal is said aloud.
            Err(_) => (None, true),
        };
        match (found == Some(label), warned) {
            (true, warned) => {
                counts.right += 1;
                counts.right_and_warned += usize::from(warned);
            }
            (false, warned) => {
                counts.wrong += 1;
                counts.wrong_and_warned += usize::from(warned);
            }
        }
    }
    counts
}

#[test]
fn pictures_of_each_kind_are_read_as_the_digits_themselves() {
    let model = Model::from_bytes(STACKED).unwrap();
    let mut all = Counts::default();
    let counts = Mutex::new([Counts::default(); KINDS.len()]);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let kind = next.fetch_add(1, Ordering::Relaxed);
                    if kind >= KINDS.len() {
                        break;
                    }
                    let found = counted(&model, kind);
                    counts.lock().unwrap()[kind] = found;
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    for ((name, _), counts) in KINDS.iter().zip(counts) {
        eprintln!(
            "{name:9} {} of {PICTURES}, as digits {}; of {} wrong {} warned, of the others {}",
            counts.right,
            counts.direct,
            counts.wrong,
            counts.wrong_and_warned,
            counts.right_and_warned
        );
    }
    for ((name, _), counts) in KINDS.iter().zip(counts) {
        // Of 63 pictures, three or four are a twentieth.
        assert!(
            20 * counts.right >= 19 * counts.direct,
            "{name}: {} right",
            counts.right
        );
        all.direct += counts.direct;
        all.right += counts.right;
        all.wrong += counts.wrong;
        all.wrong_and_warned += counts.wrong_and_warned;
        all.right_and_warned += counts.right_and_warned;
    }
    eprintln!(
        "in all {} right, as digits {}; of {} wrong {} warned, of the others {}",
        all.right, all.direct, all.wrong, all.wrong_and_warned, all.right_and_warned
    );
    assert!(
        100 * all.right >= 97 * all.direct,
        "{} right of {}",
        all.right,
        all.direct
    );
    assert!(
        10 * all.wrong_and_warned >= 9 * all.wrong,
        "{} warned",
        all.wrong_and_warned
    );
    // A warning that is always there tells nothing.
    assert!(
        5 * all.right_and_warned <= all.right,
        "{} warned",
        all.right_and_warned
    );
}
