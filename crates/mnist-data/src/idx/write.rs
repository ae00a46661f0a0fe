//! Writing an array as IDX.

use std::io::Write;

use ndarray::{ArrayRef, Dimension};

use super::Element;
use crate::{Error, ErrorKind};

/// Elements that are converted and written at a time.
const CHUNK: usize = 16 * 1024;

/// Writes an array of any rank from 1 to 255, in row-major order whatever its layout in memory.
///
/// For gzip, hand over a compressing writer, such as flate2's `GzEncoder`.
///
/// # Errors
///
/// If the rank is 0 or above 255, a dimension does not fit in 32 bits, or writing fails. Nothing is
/// written in the first two cases.
///
/// ```
/// use ndarray::array;
///
/// let mut file = Vec::new();
/// mnist_data::idx::write(&mut file, &array![[1_i16, -1]])?;
/// assert_eq!(file, [0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xff, 0xff]);
/// # Ok::<(), mnist_data::Error>(())
/// ```
pub fn write<T: Element, D: Dimension>(
    mut out: impl Write,
    array: &ArrayRef<T, D>,
) -> Result<(), Error> {
    let mut bytes = header(T::TYPE as u8, array.shape())?;
    let size = size_of::<T>();
    let mut chunk = Vec::with_capacity(array.len().min(CHUNK));
    let mut elements = array.iter();
    loop {
        out.write_all(&bytes).map_err(ErrorKind::Io)?;
        chunk.clear();
        chunk.extend(elements.by_ref().take(CHUNK));
        if chunk.is_empty() {
            return out.flush().map_err(|error| ErrorKind::Io(error).into());
        }
        bytes.resize(chunk.len() * size, 0);
        T::encode(&chunk, &mut bytes);
    }
}

fn header(type_byte: u8, shape: &[usize]) -> Result<Vec<u8>, Error> {
    let rank = match u8::try_from(shape.len()) {
        Ok(rank) if rank > 0 => rank,
        _ => {
            let expected = "1 to 255".to_owned();
            return Err(ErrorKind::Rank {
                expected,
                found: shape.len(),
            }
            .into());
        }
    };
    let mut bytes = vec![0, 0, type_byte, rank];
    for &length in shape {
        let length = u32::try_from(length).map_err(|_| ErrorKind::Limit {
            limit: u32::MAX.into(),
            asked: Some(length as u64),
        })?;
        bytes.extend(length.to_be_bytes());
    }
    Ok(bytes)
}
