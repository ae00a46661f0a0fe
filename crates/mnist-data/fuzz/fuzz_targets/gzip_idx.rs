//! Two ways to make a gzip file of the input. As it is, behind gzip's magic: read or refused, never a
//! panic. And an IDX file of any element type, packed rightly and then changed at a place that the
//! input chooses: it is refused, or it is the file that was packed.
#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use mnist_data::idx::{self, Array, Limits, Reader};

const TYPES: [u8; 6] = [0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e];
const BYTES: [usize; 6] = [1, 1, 2, 4, 4, 8];

fuzz_target!(|input: (&[u8], u8, u16, u8, bool)| {
    let (content, kind, place, change, with_header) = input;
    let raw = [&[0x1f, 0x8b], content].concat();
    if let Ok(array) = read(&raw) {
        // Whatever was accepted is a whole IDX file.
        assert_eq!(
            idx::read_dynamic(&written(&array)[..]).unwrap().shape(),
            array.shape()
        );
    }

    let mut file = Vec::new();
    if with_header {
        let kind = usize::from(kind) % TYPES.len();
        file.extend([0, 0, TYPES[kind], 1]);
        file.extend(((content.len() / BYTES[kind]) as u32).to_be_bytes());
    }
    file.extend(content);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&file).unwrap();
    let mut packed = encoder.finish().unwrap();
    let place = usize::from(place) % (packed.len() + 1);
    match packed.get_mut(place) {
        Some(byte) => *byte ^= change,
        None => packed.push(change),
    }
    if let Ok(unpacked) = read(&packed) {
        // Bytes, because a NaN is not equal to itself.
        assert_eq!(written(&unpacked), written(&read(&file).unwrap()));
    }
});

fn read(file: &[u8]) -> Result<Array, mnist_data::Error> {
    let limits = Limits::default().max_bytes(1 << 16);
    Reader::with_limits(file, limits).and_then(Reader::into_dynamic)
}

fn written(array: &Array) -> Vec<u8> {
    let mut file = Vec::new();
    match array {
        Array::U8(array) => idx::write(&mut file, array),
        Array::I8(array) => idx::write(&mut file, array),
        Array::I16(array) => idx::write(&mut file, array),
        Array::I32(array) => idx::write(&mut file, array),
        Array::F32(array) => idx::write(&mut file, array),
        Array::F64(array) => idx::write(&mut file, array),
    }
    .unwrap();
    file
}
