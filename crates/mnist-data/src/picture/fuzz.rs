//! PNG and JPEG files with bytes changed, left out and doubled: each is refused in words, or a picture that can be prepared.

use std::io::Cursor;

use jpeg_encoder::Encoder;
use png::{BitDepth, ColorType};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Picture, Preparation};

/// Pictures of more pixels than this are decoded and not prepared, which takes no other way for them.
const LARGEST: usize = 1 << 12;

/// A change of a file.
#[derive(Clone, Debug)]
enum Change {
    Byte(u8),
    Bit(u8),
    /// Two bytes as one number, as sizes and lengths are.
    Short(u16),
    Remove(usize),
    Copy(Index, usize),
    Cut,
}

fn change() -> impl Strategy<Value = (Index, Change)> {
    let change = prop_oneof![
        4 => any::<u8>().prop_map(Change::Byte),
        4 => (0..8_u8).prop_map(Change::Bit),
        2 => select(vec![0_u16, 1, 2, 7, 255, 256, 4096, 0x7fff, 0x8000, 0xffff]).prop_map(Change::Short),
        1 => (1..40_usize).prop_map(Change::Remove),
        2 => (any::<Index>(), 1..40_usize).prop_map(|(from, length)| Change::Copy(from, length)),
        1 => Just(Change::Cut),
    ];
    (any::<Index>(), change)
}

fn changed(mut file: Vec<u8>, changes: &[(Index, Change)]) -> Vec<u8> {
    for (at, change) in changes {
        if file.is_empty() {
            break;
        }
        let at = at.index(file.len());
        match *change {
            Change::Byte(byte) => file[at] = byte,
            Change::Bit(bit) => file[at] ^= 1 << bit,
            Change::Short(value) => {
                let bytes = value.to_be_bytes();
                file.iter_mut()
                    .skip(at)
                    .zip(bytes)
                    .for_each(|(to, byte)| *to = byte);
            }
            Change::Remove(length) => drop(file.drain(at..(at + length).min(file.len()))),
            Change::Copy(from, length) => {
                let from = from.index(file.len());
                let part = file[from..(from + length).min(file.len())].to_vec();
                file.splice(at..at, part);
            }
            Change::Cut => file.truncate(at),
        }
    }
    file
}

/// The file with its chunks' checksums right, so that what is in them is looked at.
fn with_checksums(mut file: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let length = length
            .iter()
            .fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
        let end = at + 8 + length;
        let Some(content) = file.get(at + 4..end) else {
            break;
        };
        let sum = crc32fast::hash(content).to_be_bytes();
        file.iter_mut()
            .skip(end)
            .zip(sum)
            .for_each(|(to, byte)| *to = byte);
        at = end + 4;
    }
    file
}

/// The levels of a slanted line on paper.
fn levels(width: usize, height: usize, channels: usize) -> Vec<u8> {
    let places =
        (0..width * height * channels).map(|at| (at / channels / width, at / channels % width));
    places
        .map(|(y, x)| {
            if x.abs_diff(y) < 2 {
                20
            } else {
                200 + (x * y % 9) as u8
            }
        })
        .collect()
}

fn pngs() -> Vec<Vec<u8>> {
    let kinds = [
        (ColorType::Grayscale, 1, BitDepth::Eight),
        (ColorType::GrayscaleAlpha, 2, BitDepth::Eight),
        (ColorType::Rgb, 3, BitDepth::Eight),
        (ColorType::Rgba, 8, BitDepth::Sixteen),
        (ColorType::Indexed, 1, BitDepth::Eight),
    ];
    let encoded = |(colour, bytes, depth)| {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 14, 11);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        if colour == ColorType::Indexed {
            encoder.set_palette((0..=255).flat_map(|level| [level; 3]).collect::<Vec<u8>>());
        }
        let mut writer = encoder.write_header().expect("a header can be written");
        let exif = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        writer
            .write_chunk(png::chunk::eXIf, exif)
            .expect("a chunk can be written");
        writer
            .write_image_data(&levels(14, 11, bytes))
            .expect("an image can be written");
        drop(writer);
        file
    };
    kinds.map(encoded).into()
}

fn jpegs() -> Vec<Vec<u8>> {
    let encoded = |colours: jpeg_encoder::ColorType, channels, progressive| {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 70);
        encoder.set_progressive(progressive);
        encoder.set_restart_interval(if progressive { 0 } else { 1 });
        let levels = levels(20, 17, channels);
        encoder
            .encode(&levels, 20, 17, colours)
            .expect("an image can be written");
        let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0";
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [&file[..2], &[0xff, 0xe1], &length, exif, &file[2..]].concat()
    };
    vec![
        encoded(jpeg_encoder::ColorType::Luma, 1, false),
        encoded(jpeg_encoder::ColorType::Rgb, 3, false),
        encoded(jpeg_encoder::ColorType::Cmyk, 4, false),
        encoded(jpeg_encoder::ColorType::Rgb, 3, true),
    ]
}

/// What `trainer predict` does with a file before the network has it.
fn used(file: &[u8]) -> Result<(), super::Error> {
    let picture = Picture::read(Cursor::new(file))?;
    let (height, width) = picture.size();
    assert!(height > 0 && width > 0);
    if height * width > LARGEST {
        return Ok(());
    }
    for preparation in [
        Preparation::Digit,
        Preparation::Letter,
        Preparation::Garment,
        Preparation::Plain,
    ] {
        let Ok(figures) = preparation.split(&picture, (28, 28)) else {
            continue;
        };
        for figure in figures {
            assert_eq!(figure.image.dim(), (28, 28));
            let area = figure.area;
            assert!(area.top < area.bottom && area.bottom <= height, "{area:?}");
            assert!(area.left < area.right && area.right <= width, "{area:?}");
        }
    }
    Ok(())
}

/// As many as `PROPTEST_CASES` says, if that is more.
fn cases() -> u32 {
    ProptestConfig::default().cases.max(2_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_png_is_refused_in_words_or_prepared(
        file in select(pngs()),
        changes in vec(change(), 1..5),
        repaired in prop::bool::weighted(0.8),
    ) {
        let file = changed(file, &changes);
        let file = if repaired { with_checksums(file) } else { file };
        if let Err(error) = used(&file) {
            prop_assert!(error.to_string().len() > 10, "{error}");
        }
    }

    #[test]
    fn a_changed_jpeg_is_refused_in_words_or_prepared(
        file in select(jpegs()),
        changes in vec(change(), 1..5),
    ) {
        if let Err(error) = used(&changed(file, &changes)) {
            prop_assert!(error.to_string().len() > 10, "{error}");
        }
    }
}

#[test]
fn unchanged_files_work() {
    for file in pngs().into_iter().map(with_checksums).chain(jpegs()) {
        used(&file).expect("the file is a picture");
    }
}
