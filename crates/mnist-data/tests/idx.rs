//! IDX: what is written is read back, and nothing else is accepted.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use mnist_data::idx::{self, Array, Element, Limits, Reader};
use mnist_data::{Error, ErrorKind};
use ndarray::{Array as NdArray, ArrayD, IxDyn, array};

fn written<T: Element>(array: &ArrayD<T>) -> Vec<u8> {
    let mut file = Vec::new();
    idx::write(&mut file, array).unwrap();
    file
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// The header of u8 with these dimensions, and no elements.
fn header(shape: &[u32]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, u8::try_from(shape.len()).unwrap()];
    file.extend(shape.iter().flat_map(|length| length.to_be_bytes()));
    file
}

fn refused(file: &[u8]) -> Error {
    idx::read::<u8>(file).unwrap_err()
}

fn comes_back<T: Element + PartialEq + std::fmt::Debug>(element: impl Fn(usize) -> T) {
    let long = vec![1; 255];
    let shapes: [&[usize]; 8] = [
        &[0],
        &[1],
        &[7],
        &[3, 5],
        &[2, 3, 4],
        &[0, 28, 28],
        &[40_000, 2],
        &long,
    ];
    for shape in shapes {
        let count = shape.iter().product();
        let array = ArrayD::from_shape_vec(shape, (0..count).map(&element).collect()).unwrap();
        let file = written(&array);
        assert_eq!(file.len(), 4 + 4 * shape.len() + count * size_of::<T>());
        assert_eq!(idx::read::<T>(&file[..]).unwrap(), array, "plain {shape:?}");
        assert_eq!(
            idx::read::<T>(&gzipped(&file)[..]).unwrap(),
            array,
            "gzip {shape:?}"
        );
    }
}

#[test]
fn every_type_and_rank_comes_back() {
    comes_back(|i| (i * 37 % 256) as u8);
    comes_back(|i| (i * 37 % 256) as u8 as i8);
    comes_back(|i| (i * 7919) as i16);
    comes_back(|i| (i * 2_654_435_761) as i32);
    comes_back(|i| f32::from_bits((i * 2_654_435_761) as u32 & 0xbfff_ffff));
    comes_back(|i| 1e300 / (i + 1) as f64);
}

#[test]
fn elements_are_big_endian_and_row_major() {
    assert_eq!(
        written(&array![[1_i32, -2], [0x0102_0304, 0]].into_dyn()),
        [
            0, 0, 0x0c, 2, 0, 0, 0, 2, 0, 0, 0, 2, // header
            0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe, 1, 2, 3, 4, 0, 0, 0, 0,
        ]
    );
    assert_eq!(
        written(&array![1.0_f32].into_dyn())[8..],
        [0x3f, 0x80, 0, 0]
    );
    assert_eq!(
        written(&array![-2.0_f64].into_dyn())[8..],
        [0xc0, 0, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn a_transposed_array_is_written_in_logical_order() {
    let array = array![[1_u8, 2, 3], [4, 5, 6]];
    let mut file = Vec::new();
    idx::write(&mut file, &array.t()).unwrap();
    assert_eq!(file[12..], [1, 4, 2, 5, 3, 6]);
}

#[test]
fn any_type_can_be_read_without_knowing_it() {
    let array = array![[1.5_f32, -0.25]].into_dyn();
    let read = idx::read_dynamic(&written(&array)[..]).unwrap();
    assert_eq!(read.shape(), [1, 2]);
    assert_eq!(read, Array::F32(array));
    for (byte, size) in [(8, 1), (9, 1), (0x0b, 2), (0x0c, 4), (0x0d, 4), (0x0e, 8)] {
        let mut file = vec![0, 0, byte, 1, 0, 0, 0, 3];
        file.resize(8 + 3 * size, 0);
        let read = idx::read_dynamic(&file[..]).unwrap();
        assert_eq!(read.element_type() as u8, byte);
        assert_eq!(read.shape(), [3]);
    }
}

#[test]
fn another_type_than_asked_for_is_refused() {
    let file = written(&array![1_i8, -1].into_dyn());
    let error = refused(&file);
    assert!(
        matches!(error.kind(), ErrorKind::ElementType { found: 9, .. }),
        "{error}"
    );
    assert_eq!(error.offset(), Some(2));
    for byte in (0..=255).filter(|byte| ![8, 9, 0x0b, 0x0c, 0x0d, 0x0e].contains(byte)) {
        let error = idx::read_dynamic(&[0, 0, byte, 1, 0, 0, 0, 0][..]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ElementType { found, .. } if *found == byte));
    }
}

#[test]
fn every_prefix_is_refused() {
    let array = NdArray::from_shape_fn((3, 4, 5), |(n, h, w)| (n * 20 + h * 5 + w) as u8);
    let file = written(&array.into_dyn());
    for length in 0..file.len() {
        let error = refused(&file[..length]);
        let ErrorKind::Truncated { expected, found } = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(*found, length as u64);
        let known = [4, 16, file.len() as u64];
        assert!(known.contains(expected) && found < expected, "{error}");
    }
    let packed = gzipped(&file);
    for length in 0..packed.len() {
        let error = refused(&packed[..length]);
        match length {
            0 | 1 => assert!(
                matches!(error.kind(), ErrorKind::Truncated { .. }),
                "{error}"
            ),
            _ => assert!(
                matches!(error.kind(), ErrorKind::Gzip(_)),
                "{length}: {error}"
            ),
        }
    }
}

#[test]
fn every_flipped_bit_of_the_header_is_refused() {
    let file = written(&ArrayD::<u8>::zeros(IxDyn(&[3, 4, 5])));
    for bit in 0..16 * 8 {
        let mut flipped = file.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = refused(&flipped);
        assert!(error.offset().is_some(), "{error}");
    }
}

#[test]
fn every_flipped_bit_of_a_gzip_file_is_refused_or_harmless() {
    let array = NdArray::from_shape_fn((3, 4, 5), |(n, h, w)| (n * h * w) as u8).into_dyn();
    let packed = gzipped(&written(&array));
    let mut accepted = 0;
    for bit in 0..packed.len() * 8 {
        let mut flipped = packed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = idx::read::<u8>(&flipped[..]) {
            assert_eq!(read, array, "bit {bit}");
            accepted += 1;
        }
    }
    // Of the header, a flag, the time, the level and the system decide nothing; nor do the bits
    // that fill up the last byte of the compressed data.
    assert!(accepted <= 1 + 6 * 8 + 7, "{accepted}");
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut file = written(&array![1_u8, 2, 3].into_dyn());
    file.push(0);
    let error = refused(&file);
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Overlong {
                expected: 11,
                found: 12
            }
        ),
        "{error}"
    );
    let error = refused(&gzipped(&file));
    assert!(
        matches!(error.kind(), ErrorKind::Overlong { expected: 11, .. }),
        "{error}"
    );
    let mut packed = gzipped(&file[..11]);
    let whole = packed.len();
    for garbage in [
        &b"garbage"[..],
        b"g",
        b"\0",
        &[0x1f, 0x8c, 8, 0],
        &[0; 4096],
    ] {
        packed.truncate(whole);
        packed.extend(garbage);
        let error = refused(&packed);
        assert!(matches!(error.kind(), ErrorKind::Gzip(_)));
        let text = error.to_string();
        assert!(text.contains("trailing garbage"), "{garbage:?}: {text}");
        assert_eq!(error.offset(), Some(11));
    }
    // The start of another member is no garbage, but a cut.
    packed.truncate(whole);
    packed.extend([0x1f, 0x8b, 8]);
    let text = refused(&packed).to_string();
    assert!(!text.contains("garbage"), "{text}");
}

#[test]
fn several_gzip_members_are_one_file() {
    let array = array![1_u8, 2, 3].into_dyn();
    let file = written(&array);
    let mut packed = gzipped(&file[..9]);
    packed.extend(gzipped(&file[9..]));
    assert_eq!(idx::read::<u8>(&packed[..]).unwrap(), array);
}

#[test]
fn rank_zero_is_neither_read_nor_written() {
    let error = refused(&[0, 0, 8, 0, 7]);
    assert!(
        matches!(error.kind(), ErrorKind::Rank { found: 0, .. }),
        "{error}"
    );
    let error = idx::write(Vec::new(), &ndarray::arr0(7_u8)).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Rank { found: 0, .. }),
        "{error}"
    );
    let error = idx::write(Vec::new(), &ArrayD::<u8>::zeros(IxDyn(&[1; 256]))).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Rank { found: 256, .. }),
        "{error}"
    );
}

#[test]
fn a_wrong_magic_is_named_and_text_recognised() {
    let error = refused(b"<!DOCTYPE html><html>503 Service Unavailable</html>");
    assert!(matches!(
        error.kind(),
        ErrorKind::Magic {
            found: [b'<', b'!', b'D', b'O']
        }
    ));
    assert!(error.to_string().contains("text"), "{error}");
    let error = refused(&[0, 1, 8, 1, 0, 0, 0, 0]);
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Magic {
                found: [0, 1, 8, 1]
            }
        ),
        "{error}"
    );
    assert!(!error.to_string().contains("text"), "{error}");
}

/// Fails the test if more than the header is read.
struct OnlyHeader<'a>(&'a [u8]);

impl Read for OnlyHeader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(!self.0.is_empty(), "the elements were asked for");
        self.0.read(buffer)
    }
}

#[test]
fn hostile_promises_are_refused_before_anything_is_read() {
    let most = u32::MAX;
    let many = [most; 255];
    let shapes: [&[u32]; 7] = [
        &[most],
        &[1 << 20, 1 << 20],
        &[most, most],
        &[most, most, most],
        &[0, most, most, most],
        &[1 << 31, 1 << 31, 4],
        &many,
    ];
    for shape in shapes {
        let file = header(shape);
        let error = Reader::new(OnlyHeader(&file))
            .unwrap()
            .into_array::<u8>()
            .unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Limit {
                    limit: 1_073_741_824,
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(error.offset(), Some(4));
    }
}

#[test]
fn limits_can_be_set() {
    let array = ArrayD::<u8>::ones(IxDyn(&[10, 10]));
    let file = written(&array);
    let read = |bytes| {
        Reader::with_limits(&file[..], Limits::default().max_bytes(bytes))
            .unwrap()
            .into_array::<u8>()
    };
    assert_eq!(read(100).unwrap(), array);
    let error = read(99).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Limit {
                limit: 99,
                asked: Some(100)
            }
        ),
        "{error}"
    );
}

#[test]
fn a_rank_that_was_not_expected_is_refused() {
    let file = written(&array![1_u8, 2].into_dyn());
    let error = Reader::new(&file[..])
        .unwrap()
        .into_ranked::<u8, ndarray::Ix3>()
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Rank { found: 1, .. }),
        "{error}"
    );
    assert_eq!(error.offset(), Some(3));
}

/// Gives one byte at a time, with interruptions.
struct Trickle<'a>(&'a [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn short_reads_and_interruptions_change_nothing() {
    let array = NdArray::from_shape_fn((30, 7), |(a, b)| (a * b) as i16).into_dyn();
    let file = written(&array);
    assert_eq!(idx::read::<i16>(Trickle(&file, false)).unwrap(), array);
    assert_eq!(
        idx::read::<i16>(Trickle(&gzipped(&file), false)).unwrap(),
        array
    );
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is full"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_io_error_is_passed_on_with_its_words() {
    let file = header(&[10]);
    let error = idx::read::<u8>(file.chain(Broken)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    let error = idx::write(Broken, &array![1_u8]).unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
}

#[test]
fn items_come_one_by_one_and_only_from_a_right_file() {
    let array = NdArray::from_shape_fn((5, 2, 3), |(n, h, w)| (n * 6 + h * 3 + w) as i32);
    let file = written(&array.clone().into_dyn());
    let items = |file: &[u8]| -> Vec<Result<ArrayD<i32>, String>> {
        let items = Reader::new(file).unwrap().into_items::<i32>().unwrap();
        items
            .map(|item| item.map_err(|error| error.to_string()))
            .collect()
    };
    let right = items(&file);
    assert_eq!(right.len(), 5);
    for (n, item) in right.into_iter().enumerate() {
        assert_eq!(
            item.unwrap(),
            array.index_axis(ndarray::Axis(0), n).into_dyn()
        );
    }
    let cut = items(&file[..file.len() - 1]);
    assert_eq!(
        cut.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, true, true, true, false]
    );
    let mut long = file.clone();
    long.push(0);
    assert!(items(&long)[4].is_err());
    assert_eq!(items(&header_of_i32(&[0, 2, 3])).len(), 0);
    assert!(items(&[header_of_i32(&[0, 2, 3]), vec![1]].concat())[0].is_err());
}

fn header_of_i32(shape: &[u32]) -> Vec<u8> {
    let mut file = header(shape);
    file[2] = 0x0c;
    file
}

#[test]
fn items_are_limited_one_by_one() {
    let file = written(&ArrayD::<u8>::ones(IxDyn(&[100, 10])));
    let items = |bytes| {
        let limits = Limits::default().max_bytes(bytes);
        Reader::with_limits(&file[..], limits)
            .unwrap()
            .into_items::<u8>()
    };
    assert_eq!(items(10).unwrap().filter(Result::is_ok).count(), 100);
    assert!(matches!(
        items(9).err().unwrap().kind(),
        ErrorKind::Limit {
            asked: Some(10),
            ..
        }
    ));
}

#[test]
fn items_without_elements_are_refused() {
    // Twelve bytes that would give four thousand million items.
    let file = [0, 0, 8, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    let error = Reader::new(&file[..])
        .unwrap()
        .into_items::<u8>()
        .err()
        .unwrap();
    assert!(
        matches!(error.kind(), ErrorKind::Count { found: 0, .. }),
        "{error}"
    );
    assert_eq!(error.offset(), Some(8));
    // No items at all are none too many.
    let none = [0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 0];
    let items = Reader::new(&none[..]).unwrap().into_items::<u8>().unwrap();
    assert_eq!(items.count(), 0);
}

#[test]
fn an_empty_array_hides_no_dimensions_beyond_the_limit() {
    let file = [
        0, 0, 8, 3, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 28, // (0, 2^32 - 1, 28)
    ];
    let error = refused(&file);
    let expected = 28 * u64::from(u32::MAX);
    assert!(
        matches!(error.kind(), ErrorKind::Limit { asked: Some(asked), .. } if *asked == expected),
        "{error}"
    );
}
