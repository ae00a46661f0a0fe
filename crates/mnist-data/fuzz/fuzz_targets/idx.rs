//! Any bytes: read or refused, never a panic, never more memory than the limit; what is read, written
//! again, is the same file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mnist_data::idx::{self, Array, Limits, Reader};

const LIMIT: u64 = 1 << 16;

fuzz_target!(|file: &[u8]| {
    let limits = Limits::default().max_bytes(LIMIT);
    let Ok(reader) = Reader::with_limits(file, limits) else {
        return;
    };
    let Ok(array) = reader.into_dynamic() else {
        return;
    };
    let mut written = Vec::new();
    match &array {
        Array::U8(array) => idx::write(&mut written, array),
        Array::I8(array) => idx::write(&mut written, array),
        Array::I16(array) => idx::write(&mut written, array),
        Array::I32(array) => idx::write(&mut written, array),
        Array::F32(array) => idx::write(&mut written, array),
        Array::F64(array) => idx::write(&mut written, array),
    }
    .unwrap();
    // A gzip file, which starts otherwise, is compared by its content.
    if file.starts_with(&[0, 0]) {
        assert_eq!(written, file);
    }
    let again = idx::read_dynamic(&written[..]).unwrap();
    assert_eq!(again.shape(), array.shape());
    // Item by item, the same bytes are accepted, unless there are items without elements.
    if let Array::U8(array) = array
        && (array.shape()[0] == 0 || !array.is_empty())
    {
        let items = Reader::with_limits(file, limits)
            .unwrap()
            .into_items::<u8>()
            .unwrap();
        let items: Vec<u8> = items.flat_map(|item| item.unwrap().into_iter()).collect();
        assert_eq!(items, array.into_iter().collect::<Vec<_>>());
    }
});
