//! IDX, the format of MNIST's files: reader and writer.
//!
//! # The format, and how this crate reads it
//!
//! | bytes | content |
//! |---|---|
//! | 0, 1 | zero |
//! | 2 | element type: `08` u8, `09` i8, `0b` i16, `0c` i32, `0d` f32, `0e` f64 |
//! | 3 | rank *r*: the number of dimensions |
//! | 4 … 4 + 4r | *r* dimensions, u32, big endian |
//! | the rest | the elements, row-major (the last dimension varies fastest), big endian |
//!
//! 1. The first two bytes MUST be zero: it is all the magic that IDX has, and it is what tells a
//!    file from a web page that was saved under its name.
//! 2. The element type MUST be one of the six; whoever asks for one type MUST NOT be given another,
//!    since i8 read as u8 would silently turn −1 into 255.
//! 3. The rank MUST be 1 to 255. A rank of 0 would be a single number that no data set needs, and
//!    it is what four zero bytes look like.
//! 4. The size MUST be computed with checked arithmetic and MUST NOT exceed [`Limits`]; memory is
//!    taken as data arrives. Twelve hostile bytes can promise 2^64 elements.
//! 5. The file MUST have exactly the promised length. A shorter one is a broken download; bytes
//!    after the end mean that the header is not the truth about the file.
//! 6. A dimension MAY be 0; the array is then empty, and the other dimensions are kept. Their
//!    product, zeros left out, MUST keep to the limit all the same: (0, 4294967295, 28) is refused,
//!    since an array must be able to have those dimensions. Whoever reads item by item MUST NOT be
//!    given items without elements: twelve bytes could promise 2^32 − 1 of them.
//! 7. A file whose first bytes are `1f 8b` is gzip, whatever its name, and MUST decompress to
//!    the very end with the right checksum: otherwise the last images of a cut file would be
//!    accepted. Several gzip members in a row are one file, as for `zcat`.
//!
//! # Examples
//!
//! ```
//! use mnist_data::idx;
//! use ndarray::array;
//!
//! let labels = array![5_u8, 0, 4];
//! let mut file = Vec::new();
//! idx::write(&mut file, &labels)?;
//! assert_eq!(file, [0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]);
//! assert_eq!(idx::read::<u8>(&file[..])?, labels.into_dyn());
//! # Ok::<(), mnist_data::Error>(())
//! ```

mod array;
mod element;
mod parallel;
mod read;
mod source;
mod write;

pub use array::Array;
pub use element::{Element, ElementType};
pub use read::{Items, Reader, read, read_dynamic};
pub use write::write;

use crate::{Error, ErrorKind};

/// How much a header may promise before it is refused.
///
/// ```
/// use mnist_data::{ErrorKind, idx};
///
/// let million = [0, 0, 8, 1, 0, 15, 66, 64]; // the header of 1,000,000 bytes
/// let limits = idx::Limits::default().max_bytes(1000);
/// let reader = idx::Reader::with_limits(&million[..], limits)?;
/// let error = reader.into_array::<u8>().unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Limit { limit: 1000, .. }));
/// # Ok::<(), mnist_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    max_bytes: u64,
}

impl Default for Limits {
    /// 1 GiB: the largest file of the MNIST family has 547 MB (EMNIST's `byclass`).
    fn default() -> Self {
        Self { max_bytes: 1 << 30 }
    }
}

impl Limits {
    /// At most so many bytes of elements in memory at once: those of the array, or those of one
    /// item where items are streamed.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }
}

/// What the first bytes of an IDX file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    element_type: ElementType,
    shape: Vec<u32>,
}

impl Header {
    /// The type of the elements.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// The dimensions, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// Bytes of the header itself: 4 and 4 a dimension.
    fn bytes(&self) -> u64 {
        4 + 4 * self.shape.len() as u64
    }

    /// Bytes of elements in `shape`, or `None` where they do not fit in 64 bits.
    ///
    /// The product runs over the dimensions that are not zero, so that an empty array cannot hide
    /// dimensions that no array could have.
    fn data_bytes(&self, shape: &[u32]) -> Option<u64> {
        shape
            .iter()
            .filter(|&&length| length > 0)
            .try_fold(self.element_type.bytes(), |bytes, &length| {
                bytes.checked_mul(length.into())
            })
    }

    /// The same, checked against the limit; and the number of elements.
    fn checked(&self, shape: &[u32], limits: Limits) -> Result<usize, Error> {
        let asked = self.data_bytes(shape);
        let limit = limits.max_bytes.min(isize::MAX as u64);
        match asked {
            Some(bytes) if bytes <= limit => {
                if shape.contains(&0) {
                    return Ok(0);
                }
                Ok((bytes / self.element_type.bytes()) as usize)
            }
            _ => Err(Error::new(ErrorKind::Limit { limit, asked }).at(4)),
        }
    }

    /// Refuses a file of another length than promised.
    fn check_length(&self, found: u64) -> Result<(), Error> {
        match self.file_bytes() {
            Some(expected) if found < expected => {
                Err(Error::new(ErrorKind::Truncated { expected, found }).at(found))
            }
            Some(expected) if found > expected => {
                Err(Error::new(ErrorKind::Overlong { expected, found }).at(expected))
            }
            // A promise beyond 64 bits meets the limit when the elements are asked for.
            _ => Ok(()),
        }
    }

    /// Bytes of the whole file, where they fit in 64 bits.
    fn file_bytes(&self) -> Option<u64> {
        let data = if self.shape.contains(&0) {
            0
        } else {
            self.data_bytes(&self.shape)?
        };
        self.bytes().checked_add(data)
    }
}
