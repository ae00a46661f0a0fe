//! Reading: the header, then everything at once or item by item.

use std::fs::File;
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;

use ndarray::{ArrayD, Dimension, IxDyn};

use super::source::Source;
use super::{Array, Element, ElementType, Header, Limits};
use crate::{Error, ErrorKind};

/// Reads a whole IDX file of a known element type, plain or gzip.
///
/// # Errors
///
/// If the source cannot be read, or breaks one of the [format's rules](super).
///
/// ```
/// let file = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9];
/// let array = mnist_data::idx::read::<u8>(&file[..])?;
/// assert_eq!(array, ndarray::array![[7, 8, 9]].into_dyn());
/// # Ok::<(), mnist_data::Error>(())
/// ```
pub fn read<T: Element>(source: impl Read) -> Result<ArrayD<T>, Error> {
    Reader::new(source)?.into_array()
}

/// Reads a whole IDX file of any element type, plain or gzip.
///
/// # Errors
///
/// If the source cannot be read, or breaks one of the [format's rules](super).
///
/// ```
/// use mnist_data::idx::{Array, read_dynamic};
///
/// let file = [0, 0, 0x0b, 1, 0, 0, 0, 1, 0xff, 0xfe];
/// let Array::I16(array) = read_dynamic(&file[..])? else { panic!() };
/// assert_eq!(array, ndarray::array![-2].into_dyn());
/// # Ok::<(), mnist_data::Error>(())
/// ```
pub fn read_dynamic(source: impl Read) -> Result<Array, Error> {
    Reader::new(source)?.into_dynamic()
}

/// An IDX file of which the header is read and the elements are not yet.
pub struct Reader<R> {
    source: Source<R>,
    header: Header,
    limits: Limits,
}

impl Reader<File> {
    /// Opens a file; its errors name the path.
    ///
    /// A plain file of the wrong length is refused here, before memory is taken for it.
    ///
    /// # Errors
    ///
    /// As for [`Reader::with_limits`]; and if the file cannot be opened.
    pub fn open(path: impl AsRef<Path>, limits: Limits) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| Error::io(error, path))?;
        let about = file.metadata().map_err(|error| Error::io(error, path))?;
        let same = file.try_clone().map_err(|error| Error::io(error, path))?;
        let check = |mut reader: Self| {
            if about.is_file() && !reader.source.is_gzip() {
                reader.header.check_length(about.len())?;
                reader.source.allow_parallel(same);
            }
            Ok(reader)
        };
        Self::with_limits(file, limits)
            .and_then(check)
            .map_err(|error| error.in_file(path))
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header, with the default limits.
    ///
    /// # Errors
    ///
    /// As for [`Reader::with_limits`].
    pub fn new(source: R) -> Result<Self, Error> {
        Self::with_limits(source, Limits::default())
    }

    /// Reads the header. The source may be plain or gzip, told by its content; a plain source is
    /// read in large pieces and needs no buffer around it.
    ///
    /// # Errors
    ///
    /// If the source fails, or ends within the header, or is not IDX.
    pub fn with_limits(source: R, limits: Limits) -> Result<Self, Error> {
        let (mut source, start) = Source::open(source)?;
        let [zero, zero_too, type_byte, rank] = start[..] else {
            return Err(truncated(4, source.offset()));
        };
        if [zero, zero_too] != [0, 0] {
            let found = [zero, zero_too, type_byte, rank];
            return Err(Error::new(ErrorKind::Magic { found }).at(0));
        }
        let Some(element_type) = ElementType::from_byte(type_byte) else {
            let expected = "0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e".to_owned();
            return Err(Error::new(ErrorKind::ElementType {
                expected,
                found: type_byte,
            })
            .at(2));
        };
        if rank == 0 {
            let expected = "1 to 255".to_owned();
            return Err(Error::new(ErrorKind::Rank { expected, found: 0 }).at(3));
        }
        let bytes = 4 * u64::from(rank);
        let mut dimensions = Vec::new();
        source.read_vec(bytes, &mut dimensions)?;
        if (dimensions.len() as u64) < bytes {
            return Err(truncated(4 + bytes, source.offset()));
        }
        let (words, _) = dimensions.as_chunks::<4>();
        let shape = words.iter().map(|&word| u32::from_be_bytes(word)).collect();
        let header = Header {
            element_type,
            shape,
        };
        Ok(Self {
            source,
            header,
            limits,
        })
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads all elements, and the end of the file behind them.
    ///
    /// # Errors
    ///
    /// If the file has another element type, promises more than the limit, is shorter or longer
    /// than promised, or cannot be read.
    pub fn into_array<T: Element>(self) -> Result<ArrayD<T>, Error> {
        self.into_ranked()
    }

    /// The same for a known number of dimensions: another one is refused before anything is read.
    ///
    /// # Errors
    ///
    /// As for [`Reader::into_array`]; and if the file has another rank.
    ///
    /// ```
    /// use ndarray::Ix1;
    ///
    /// let file = [0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4];
    /// let labels = mnist_data::idx::Reader::new(&file[..])?.into_ranked::<u8, Ix1>()?;
    /// assert_eq!(labels, ndarray::array![5, 0, 4]);
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    pub fn into_ranked<T: Element, D: Dimension>(mut self) -> Result<ndarray::Array<T, D>, Error> {
        self.expect_type::<T>()?;
        let found = self.header.shape.len();
        let wrong_rank = |expected: usize| {
            Error::new(ErrorKind::Rank {
                expected: expected.to_string(),
                found,
            })
            .at(3)
        };
        if let Some(expected) = D::NDIM.filter(|&expected| expected != found) {
            return Err(wrong_rank(expected));
        }
        let count = self.header.checked(&self.header.shape, self.limits)?;
        let elements = T::read_all(count, &mut |bytes, out| self.source.read_vec(bytes, out))?;
        if elements.len() < count {
            return Err(self.truncated());
        }
        self.source.expect_end()?;
        shaped(&self.header.shape, elements)?
            .into_dimensionality()
            .map_err(|_| wrong_rank(found))
    }

    /// Reads all elements, whatever their type.
    ///
    /// # Errors
    ///
    /// As for [`Reader::into_array`].
    pub fn into_dynamic(self) -> Result<Array, Error> {
        Ok(match self.header.element_type {
            ElementType::U8 => Array::U8(self.into_array()?),
            ElementType::I8 => Array::I8(self.into_array()?),
            ElementType::I16 => Array::I16(self.into_array()?),
            ElementType::I32 => Array::I32(self.into_array()?),
            ElementType::F32 => Array::F32(self.into_array()?),
            ElementType::F64 => Array::F64(self.into_array()?),
        })
    }

    /// Reads one item (all but the first dimension) at a time, so that memory holds a single one.
    ///
    /// # Errors
    ///
    /// If the file has another element type, its items have no elements, or one item alone is larger
    /// than the limit.
    pub fn into_items<T: Element>(self) -> Result<Items<R, T>, Error> {
        self.expect_type::<T>()?;
        let (left, item) = match self.header.shape.split_first() {
            Some((&count, item)) => (count, item.to_vec()),
            None => (0, Vec::new()),
        };
        let count = self.header.checked(&item, self.limits)?;
        if count == 0 && left > 0 {
            let kind = ErrorKind::Count {
                what: "or more elements in an item",
                expected: 1,
                found: 0,
            };
            return Err(Error::new(kind).at(8));
        }
        Ok(Items {
            reader: self,
            item,
            count,
            left,
            ended: false,
            element: PhantomData,
        })
    }

    fn truncated(&self) -> Error {
        truncated(
            self.header.file_bytes().unwrap_or(u64::MAX),
            self.source.offset(),
        )
    }

    fn expect_type<T: Element>(&self) -> Result<(), Error> {
        let found = self.header.element_type;
        if found == T::TYPE {
            return Ok(());
        }
        let kind = ErrorKind::ElementType {
            expected: T::TYPE.to_string(),
            found: found as u8,
        };
        Err(Error::new(kind).at(2))
    }
}

fn truncated(expected: u64, found: u64) -> Error {
    Error::new(ErrorKind::Truncated { expected, found }).at(found)
}

fn shaped<T>(shape: &[u32], elements: Vec<T>) -> Result<ArrayD<T>, Error> {
    let lengths: Vec<usize> = shape.iter().map(|&length| length as usize).collect();
    // The sizes agree already; what is left is a shape whose zero hides dimensions beyond `isize`.
    ArrayD::from_shape_vec(IxDyn(&lengths), elements).map_err(|_| {
        Error::new(ErrorKind::Limit {
            limit: isize::MAX as u64,
            asked: None,
        })
        .at(4)
    })
}

/// The items of an IDX file (all but its first dimension), one at a time.
///
/// The last item comes only once the end of the file behind it is seen to be right. After an error
/// the iterator ends.
///
/// ```
/// let file = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
/// let items = mnist_data::idx::Reader::new(&file[..])?.into_items::<u8>()?;
/// let sums: Vec<u8> = items.map(|item| Ok(item?.sum())).collect::<Result<_, mnist_data::Error>>()?;
/// assert_eq!(sums, [6, 15]);
/// # Ok::<(), mnist_data::Error>(())
/// ```
pub struct Items<R, T> {
    reader: Reader<R>,
    /// The shape of an item.
    item: Vec<u32>,
    /// Elements of an item.
    count: usize,
    /// Items that were not read yet.
    left: u32,
    ended: bool,
    element: PhantomData<T>,
}

impl<R: Read, T: Element> Items<R, T> {
    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.reader.header
    }

    fn read_item(&mut self) -> Result<Option<ArrayD<T>>, Error> {
        let source = &mut self.reader.source;
        let Some(left) = self.left.checked_sub(1) else {
            // Only a file of no items comes here without having seen its end.
            self.ended = true;
            return source.expect_end().map(|()| None);
        };
        let elements = T::read_all(self.count, &mut |bytes, out| source.read_vec(bytes, out))?;
        if elements.len() < self.count {
            return Err(self.reader.truncated());
        }
        self.left = left;
        if left == 0 {
            source.expect_end()?;
            self.ended = true;
        }
        shaped(&self.item, elements).map(Some)
    }
}

impl<R: Read, T: Element> Iterator for Items<R, T> {
    type Item = Result<ArrayD<T>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.read_item();
        if item.is_err() {
            self.ended = true;
        }
        item.transpose()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize + 1))
    }
}
