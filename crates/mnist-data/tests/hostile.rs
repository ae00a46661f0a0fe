//! IDX against random arrays and damaged files: a bounded, repeatable relative of the fuzz targets.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use mnist_data::ErrorKind;
use mnist_data::idx::{self, Array, Element, Limits, Reader};
use ndarray::{ArrayD, IxDyn};
use proptest::collection::vec;
use proptest::prelude::*;

fn written<T: Element>(array: &ArrayD<T>) -> Vec<u8> {
    let mut file = Vec::new();
    idx::write(&mut file, array).unwrap();
    file
}

fn written_dynamic(array: &Array) -> Vec<u8> {
    match array {
        Array::U8(array) => written(array),
        Array::I8(array) => written(array),
        Array::I16(array) => written(array),
        Array::I32(array) => written(array),
        Array::F32(array) => written(array),
        Array::F64(array) => written(array),
    }
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Any shape of up to 6 dimensions of 0 to 6, and a seed for the elements.
fn shapes() -> impl Strategy<Value = (Vec<usize>, u64)> {
    (vec(0_usize..7, 1..7), any::<u64>())
}

fn comes_back<T: Element + PartialEq + std::fmt::Debug>(
    shape: &[usize],
    element: impl Fn(u64) -> T,
    seed: u64,
) {
    let mut random = Random(seed);
    let array = ArrayD::from_shape_simple_fn(IxDyn(shape), || element(random.bits()));
    let file = written(&array);
    assert_eq!(idx::read::<T>(&file[..]).unwrap(), array);
    assert_eq!(idx::read::<T>(&gzipped(&file)[..]).unwrap(), array);
    let items = Reader::new(&file[..]).unwrap().into_items::<T>();
    if shape[0] > 0 && shape[1..].contains(&0) {
        let refused = items.err().unwrap();
        assert!(matches!(refused.kind(), ErrorKind::Count { found: 0, .. }));
        return;
    }
    let items = items.unwrap();
    let items: Vec<T> = items.flat_map(|item| item.unwrap().into_iter()).collect();
    assert_eq!(items, array.into_iter().collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_array_comes_back((shape, seed) in shapes()) {
        comes_back(&shape, |bits| bits as u8, seed);
        comes_back(&shape, |bits| bits as i8, seed);
        comes_back(&shape, |bits| bits as i16, seed);
        comes_back(&shape, |bits| bits as i32, seed);
        comes_back(&shape, |bits| bits as i32 as f32, seed);
        comes_back(&shape, |bits| bits as i64 as f64, seed);
    }

    #[test]
    fn any_bytes_are_refused_or_are_what_they_say(bytes in vec(any::<u8>(), 0..64)) {
        prop_assert!(!accepted(&bytes) || bytes.starts_with(&[0, 0]));
        let with_magic = [&[0, 0, 8, 1], &bytes[..]].concat();
        accepted(&with_magic);
    }
}

/// Whether a file is accepted; if so, it is seen to be exactly what its array is written as.
fn accepted(file: &[u8]) -> bool {
    let limits = Limits::default().max_bytes(1 << 20);
    let read = Reader::with_limits(file, limits).and_then(Reader::into_dynamic);
    read.is_ok_and(|array| {
        assert_eq!(written_dynamic(&array), file);
        true
    })
}

/// The linear congruential generator of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 20
    }

    fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        written(&ArrayD::<u8>::ones(IxDyn(&[3, 4, 5]))),
        written(&ArrayD::<i8>::ones(IxDyn(&[7]))),
        written(&ArrayD::<i16>::ones(IxDyn(&[2, 3]))),
        written(&ArrayD::<i32>::ones(IxDyn(&[4, 2]))),
        written(&ArrayD::<f32>::ones(IxDyn(&[1, 1, 1, 1]))),
        written(&ArrayD::<f64>::ones(IxDyn(&[3]))),
        written(&ArrayD::<u8>::ones(IxDyn(&[0, 28, 28]))),
    ]
}

/// Changes a file a little, as a broken disk, line or program would.
fn damage(file: &mut Vec<u8>, random: &mut Random) {
    const INTERESTING: [u8; 8] = [0, 1, 8, 0x0d, 0x7f, 0x80, 0xfe, 0xff];
    for _ in 0..=random.below(3) {
        let at = random.below(file.len() + 1);
        match random.below(5) {
            0 => file.truncate(at),
            1 => file.insert(at, random.bits() as u8),
            2 if at < file.len() => file[at] ^= 1 << random.below(8),
            3 if at < file.len() => file[at] = INTERESTING[random.below(8)],
            _ if at < file.len() => {
                file.remove(at);
            }
            _ => {}
        }
    }
}

#[test]
fn damaged_files_are_refused_or_are_what_they_say() {
    let (mut random, seeds) = (Random(1), seeds());
    let mut counts = [0; 2];
    for round in 0..100_000 {
        let mut file = seeds[round % seeds.len()].clone();
        damage(&mut file, &mut random);
        counts[usize::from(accepted(&file))] += 1;
    }
    // Changed elements are as good as the old ones; the rest is refused.
    assert!(counts[0] > 50_000 && counts[1] > 1_000, "{counts:?}");
}

#[test]
fn damaged_gzip_files_are_refused_or_are_what_was_packed() {
    let (mut random, seeds) = (Random(2), seeds());
    let packed: Vec<_> = seeds.iter().map(|seed| gzipped(seed)).collect();
    let mut refused = 0;
    for round in 0..20_000 {
        let which = round % seeds.len();
        let mut file = packed[which].clone();
        damage(&mut file, &mut random);
        if !file.starts_with(&[0x1f, 0x8b]) {
            assert!(!accepted(&file));
            continue;
        }
        match idx::read_dynamic(&file[..]) {
            Ok(array) => assert_eq!(written_dynamic(&array), seeds[which]),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 10_000, "{refused}");
}
