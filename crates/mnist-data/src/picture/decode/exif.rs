//! How a picture is to be turned before it is looked at: Exif's tag `Orientation`.
//!
//! Exif 2.32, section 4.6: metadata are a TIFF file, whose first directory has entries of 12 bytes: tag, type, count,
//! value. The tag 0x0112 is a SHORT (type 3) of count 1.

const TAG: u16 = 0x0112;
const SHORT: u16 = 3;

/// Where the first row and the first column of the stored picture lie in the one that is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Orientation {
    /// Rows become columns, after the mirrorings.
    pub(super) transposed: bool,
    /// The stored rows are seen from right to left.
    pub(super) mirrored_x: bool,
    /// The stored columns are seen from bottom to top.
    pub(super) mirrored_y: bool,
}

impl Orientation {
    /// What Exif's metadata say; as it is stored, where they say nothing or are damaged.
    pub(super) fn of_exif(exif: &[u8]) -> Self {
        // 1 top left, 2 top right, 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom, 8 left bottom.
        let (transposed, mirrored_x, mirrored_y) = match tag(exif) {
            Some(2) => (false, true, false),
            Some(3) => (false, true, true),
            Some(4) => (false, false, true),
            Some(5) => (true, false, false),
            Some(6) => (true, false, true),
            Some(7) => (true, true, true),
            Some(8) => (true, true, false),
            _ => (false, false, false),
        };
        Self {
            transposed,
            mirrored_x,
            mirrored_y,
        }
    }
}

/// The value of the tag, 1 to 8.
fn tag(exif: &[u8]) -> Option<u16> {
    // Some writers of PNG put JPEG's mark in front.
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let little = match exif.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let at = |place: usize| -> Option<u16> {
        let bytes = exif.get(place..place.checked_add(2)?)?.try_into().ok()?;
        Some(match little {
            true => u16::from_le_bytes(bytes),
            false => u16::from_be_bytes(bytes),
        })
    };
    let long = |place: usize| -> Option<u32> {
        let bytes = exif.get(place..place.checked_add(4)?)?.try_into().ok()?;
        Some(match little {
            true => u32::from_le_bytes(bytes),
            false => u32::from_be_bytes(bytes),
        })
    };
    if at(2)? != 42 {
        return None;
    }
    let directory = usize::try_from(long(4)?).ok()?;
    let first = directory.checked_add(2)?;
    let mut entries =
        (0..usize::from(at(directory)?)).map_while(|entry| first.checked_add(12 * entry));
    let entry = entries.find(|&entry| at(entry) == Some(TAG))?;
    let typed = at(entry + 2)? == SHORT && long(entry + 4)? == 1;
    at(entry + 8).filter(|value| typed && (1..=8).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata of one directory with two tags.
    fn exif(little: bool, orientation: u16) -> Vec<u8> {
        let short = |value: u16| match little {
            true => value.to_le_bytes(),
            false => value.to_be_bytes(),
        };
        let long = |value: u32| match little {
            true => value.to_le_bytes(),
            false => value.to_be_bytes(),
        };
        let mut bytes = if little { b"II" } else { b"MM" }.to_vec();
        bytes.extend(short(42));
        bytes.extend(long(8));
        bytes.extend(short(2));
        for (tag, value) in [(0x0100, 99), (TAG, orientation)] {
            bytes.extend(short(tag));
            bytes.extend(short(SHORT));
            bytes.extend(long(1));
            bytes.extend(short(value));
            bytes.extend([0, 0]);
        }
        bytes.extend(long(0));
        bytes
    }

    #[test]
    fn the_tag_is_read_in_either_order_of_bytes() {
        for value in 1..=8 {
            for little in [false, true] {
                assert_eq!(tag(&exif(little, value)), Some(value));
                let marked = [b"Exif\0\0".to_vec(), exif(little, value)].concat();
                assert_eq!(tag(&marked), Some(value));
            }
        }
        assert_eq!(tag(&exif(true, 0)), None);
        assert_eq!(tag(&exif(true, 9)), None);
    }

    #[test]
    fn damaged_metadata_say_nothing() {
        let whole = exif(true, 6);
        for length in 0..whole.len() {
            // The value stands at 30 and 31.
            let found = tag(&whole[..length]);
            assert_eq!(found, (length >= 32).then_some(6), "{length}");
        }
        let mut far = whole.clone();
        far[4..8].fill(0xff);
        assert_eq!(tag(&far), None);
        let mut of_type_byte = whole;
        of_type_byte[24] = 1;
        assert_eq!(tag(&of_type_byte), None);
    }
}
