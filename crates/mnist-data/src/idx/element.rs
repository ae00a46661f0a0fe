//! The six types of element, and their big-endian bytes.

use std::fmt;

use byteorder::{BE, ByteOrder};

use crate::Error;

/// Bytes that are reserved on the word of a header; past them, memory grows with the data.
const RESERVE: usize = 64 << 20;

/// Elements that are converted at a time.
const CHUNK: usize = 16 * 1024;

/// The type of an IDX file's elements; its number is the file's third byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ElementType {
    /// Unsigned byte: MNIST's pixels and labels.
    U8 = 0x08,
    /// Signed byte.
    I8 = 0x09,
    /// 16-bit integer.
    I16 = 0x0b,
    /// 32-bit integer: QMNIST's labels.
    I32 = 0x0c,
    /// 32-bit IEEE 754 number.
    F32 = 0x0d,
    /// 64-bit IEEE 754 number.
    F64 = 0x0e,
}

impl ElementType {
    pub(crate) const ALL: [Self; 6] = [
        Self::U8,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::F32,
        Self::F64,
    ];

    /// Bytes of one element.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&known| known as u8 == byte)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F64 => "f64",
        };
        write!(f, "{name} (0x{:02x})", *self as u8)
    }
}

/// A Rust type that IDX files can hold: `u8`, `i8`, `i16`, `i32`, `f32`, `f64`.
pub trait Element: Codec {
    /// The type's number in the file.
    const TYPE: ElementType;
}

/// Appends up to so many bytes of the source to a vector: fewer only where the source ends.
pub(super) type More<'a> = dyn FnMut(u64, &mut Vec<u8>) -> Result<(), Error> + 'a;

/// The bytes of elements. Nobody outside can name this trait, which seals [`Element`].
pub trait Codec: Copy + Default + 'static {
    /// Converts `bytes`, which is exactly as long as `elements` are.
    fn decode(bytes: &[u8], elements: &mut [Self]);

    /// The other way round.
    fn encode(elements: &[Self], bytes: &mut [u8]);

    /// Reads `count` elements, or as many as there are.
    fn read_all(count: usize, more: &mut More<'_>) -> Result<Vec<Self>, Error> {
        let size = size_of::<Self>();
        let mut elements = Vec::new();
        let mut bytes = Vec::with_capacity(count.min(CHUNK) * size);
        while elements.len() < count {
            grow(&mut elements, count);
            bytes.clear();
            let room = elements.capacity() - elements.len();
            let wanted = room.min(count - elements.len()).min(CHUNK);
            more((wanted * size) as u64, &mut bytes)?;
            let (done, arrived) = (elements.len(), bytes.len() / size);
            elements.resize(done + arrived, Self::default());
            Self::decode(&bytes[..arrived * size], &mut elements[done..]);
            if arrived < wanted {
                break;
            }
        }
        Ok(elements)
    }
}

/// Makes room in a full vector: double what it has, but never for more than `count` elements, which
/// were held against the limit.
fn grow<T>(elements: &mut Vec<T>, count: usize) {
    if elements.len() == elements.capacity() {
        let doubled = elements.len().max(RESERVE / size_of::<T>());
        elements.reserve_exact(doubled.min(count - elements.len()));
    }
}

macro_rules! element {
    ($type:ty, $name:ident, $decode:path, $encode:path) => {
        impl Element for $type {
            const TYPE: ElementType = ElementType::$name;
        }

        impl Codec for $type {
            fn decode(bytes: &[u8], elements: &mut [Self]) {
                $decode(bytes, elements);
            }

            fn encode(elements: &[Self], bytes: &mut [u8]) {
                $encode(elements, bytes);
            }
        }
    };
}

element!(i8, I8, signed, BE::write_i8_into);
element!(i16, I16, BE::read_i16_into, BE::write_i16_into);
element!(i32, I32, BE::read_i32_into, BE::write_i32_into);
element!(f32, F32, BE::read_f32_into, BE::write_f32_into);
element!(f64, F64, BE::read_f64_into, BE::write_f64_into);

fn signed(bytes: &[u8], elements: &mut [i8]) {
    for (element, &byte) in elements.iter_mut().zip(bytes) {
        *element = byte.cast_signed();
    }
}

impl Element for u8 {
    const TYPE: ElementType = ElementType::U8;
}

impl Codec for u8 {
    fn decode(bytes: &[u8], elements: &mut [Self]) {
        elements.copy_from_slice(bytes);
    }

    fn encode(elements: &[Self], bytes: &mut [u8]) {
        bytes.copy_from_slice(elements);
    }

    // Bytes need no conversion and so no second buffer: the images go from the file into the array.
    fn read_all(count: usize, more: &mut More<'_>) -> Result<Vec<Self>, Error> {
        let mut elements = Vec::new();
        while elements.len() < count {
            grow(&mut elements, count);
            let (done, room) = (elements.len(), elements.capacity() - elements.len());
            let wanted = room.min(count - done);
            more(wanted as u64, &mut elements)?;
            if elements.len() - done < wanted {
                break;
            }
        }
        Ok(elements)
    }
}
