//! A gzip file made of the input: an IDX file packed rightly, then changed at a place that the input
//! chooses. It is refused, or it is the file that was packed.
#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use mnist_data::idx::{self, Limits, Reader};

fuzz_target!(|input: (&[u8], u16, u8, bool)| {
    let (content, place, change, with_header) = input;
    let mut file = Vec::new();
    if with_header {
        file.extend([0, 0, 8, 1]);
        file.extend((content.len() as u32).to_be_bytes());
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
    let limits = Limits::default().max_bytes(1 << 16);
    let unpacked = Reader::with_limits(&packed[..], limits).and_then(Reader::into_array::<u8>);
    let plain = Reader::with_limits(&file[..], limits).and_then(Reader::into_array::<u8>);
    if let Ok(unpacked) = unpacked {
        assert_eq!(unpacked, plain.unwrap());
        let mut again = Vec::new();
        idx::write(&mut again, &unpacked).unwrap();
    }
});
