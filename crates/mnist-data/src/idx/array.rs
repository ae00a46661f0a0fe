//! An array whose element type is only known once the file is read.

use ndarray::ArrayD;

use super::ElementType;

/// The content of an IDX file of any element type.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// Unsigned bytes.
    U8(ArrayD<u8>),
    /// Signed bytes.
    I8(ArrayD<i8>),
    /// 16-bit integers.
    I16(ArrayD<i16>),
    /// 32-bit integers.
    I32(ArrayD<i32>),
    /// 32-bit IEEE 754 numbers.
    F32(ArrayD<f32>),
    /// 64-bit IEEE 754 numbers.
    F64(ArrayD<f64>),
}

impl Array {
    /// The type of the elements.
    #[must_use]
    pub fn element_type(&self) -> ElementType {
        match self {
            Self::U8(_) => ElementType::U8,
            Self::I8(_) => ElementType::I8,
            Self::I16(_) => ElementType::I16,
            Self::I32(_) => ElementType::I32,
            Self::F32(_) => ElementType::F32,
            Self::F64(_) => ElementType::F64,
        }
    }

    /// The dimensions, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::U8(array) => array.shape(),
            Self::I8(array) => array.shape(),
            Self::I16(array) => array.shape(),
            Self::I32(array) => array.shape(),
            Self::F32(array) => array.shape(),
            Self::F64(array) => array.shape(),
        }
    }
}
