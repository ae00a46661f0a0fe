//! What a header promises costs no memory: measured at the allocator.

use std::io::{Cursor, Read, repeat};

use mnist_data::ErrorKind;
use mnist_data::idx::{Limits, Reader};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most bytes that were taken meanwhile, beyond those taken before.
fn taken(run: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    run();
    MEMORY.peak_usage().saturating_sub(before)
}

fn header(type_byte: u8, shape: &[u32]) -> Vec<u8> {
    let mut file = vec![0, 0, type_byte, u8::try_from(shape.len()).unwrap()];
    file.extend(shape.iter().flat_map(|length| length.to_be_bytes()));
    file
}

// One test alone: the allocator counts for the whole process.
#[test]
fn promises_cost_nothing() {
    const SMALL: usize = 64 << 10;
    const RESERVE: usize = 64 << 20;

    // Beyond the limit: refused on the header's word.
    for shape in [&[1 << 20, 1 << 20][..], &[u32::MAX; 3], &[u32::MAX; 255]] {
        let file = header(8, shape);
        let refuse = || {
            let error = Reader::new(&file[..])
                .unwrap()
                .into_array::<u8>()
                .unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Limit { .. }), "{error}");
        };
        let bytes = taken(refuse);
        assert!(
            bytes < SMALL,
            "{bytes} bytes for {} dimensions",
            shape.len()
        );
    }

    // Within the limit, but nothing behind the header: no more than a fixed reserve.
    for (type_byte, width) in [(8, 1), (0x0c, 4), (0x0e, 8)] {
        let file = header(type_byte, &[(1 << 30) / width]);
        let bytes = taken(|| {
            let error = Reader::new(&file[..]).unwrap().into_dynamic().unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Truncated { .. }),
                "{error}"
            );
        });
        assert!(
            bytes <= RESERVE + 4 * SMALL,
            "{bytes} bytes for elements of {width}"
        );
    }

    // Memory grows with the data, but never beyond what was promised and is within the limit.
    let promised = (RESERVE + (RESERVE >> 1)) as u32;
    let file = Cursor::new(header(8, &[promised])).chain(repeat(7).take(promised.into()));
    let array = Reader::new(file).unwrap().into_array::<u8>().unwrap();
    assert_eq!(
        array.into_raw_vec_and_offset().0.capacity(),
        promised as usize
    );
    let file =
        Cursor::new(header(0x0b, &[promised])).chain(repeat(7).take(2 * u64::from(promised)));
    let array = Reader::new(file).unwrap().into_array::<i16>().unwrap();
    assert_eq!(
        array.into_raw_vec_and_offset().0.capacity(),
        promised as usize
    );

    // An endless source is read to its promised end and one byte further.
    let limits = Limits::default().max_bytes(1 << 20);
    let bytes = taken(|| {
        let endless = Cursor::new(header(8, &[1 << 20])).chain(repeat(7));
        let error = Reader::with_limits(endless, limits)
            .unwrap()
            .into_array::<u8>()
            .unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Overlong { .. }),
            "{error}"
        );
    });
    assert!(
        bytes < (1 << 20) + 4 * SMALL,
        "{bytes} bytes for an endless source"
    );

    // Item by item, memory holds one item.
    let bytes = taken(|| {
        let file = Cursor::new(header(8, &[10_000, 1000])).chain(repeat(7).take(10_000_000));
        let items = Reader::new(file).unwrap().into_items::<u8>().unwrap();
        assert_eq!(items.filter(Result::is_ok).count(), 10_000);
    });
    assert!(bytes < SMALL, "{bytes} bytes for items of 1000");
}
