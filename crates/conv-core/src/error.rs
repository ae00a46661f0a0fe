use std::fmt;

/// What was wrong with a call: where, what was expected, what was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// An array has another shape than the others ask for.
    Shape {
        /// The argument, by its name in the signature.
        what: &'static str,
        /// The shape that fits.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// An array is not contiguous in row-major order.
    Layout {
        /// The argument, by its name in the signature.
        what: &'static str,
    },
    /// A number lies outside its range.
    Range {
        /// The argument, by its name in the signature.
        what: &'static str,
        /// The range, in words.
        expected: String,
        /// The number.
        found: usize,
    },
    /// A layer of a network does not fit; the error says which, and why.
    Layer {
        /// Its number and kind, such as `3 (dense)`.
        layer: String,
        /// What was wrong with it.
        error: Box<Error>,
    },
    /// A dense layer is given an image.
    NotFlat {
        /// The image's shape: rows, columns, channels.
        found: [usize; 3],
    },
    /// A network has no parameter of this name.
    NoParameter {
        /// The name asked for.
        name: String,
        /// Those that there are.
        names: Vec<String>,
    },
    /// The bytes are not a network, or not a whole one.
    Saved {
        /// What is wrong with them.
        problem: String,
    },
    /// A value that was computed is infinite or not a number.
    NotFinite {
        /// What it is.
        what: &'static str,
    },
    /// A value that was given is infinite or not a number.
    Given {
        /// What it is a value of.
        what: &'static str,
        /// Its index there, counted from 0.
        at: usize,
        /// The value.
        found: f32,
    },
    /// A pass would take more memory than the workspace may.
    Memory {
        /// Images of the batch.
        images: usize,
        /// Bytes of all buffers.
        needed: u64,
        /// Bytes that they may have, see [`Workspace::set_limit`](crate::network::Workspace::set_limit).
        limit: u64,
        /// The layer that takes the most.
        layer: String,
        /// Bytes that it takes.
        layer_bytes: u64,
    },
    /// A number that need not be whole lies outside its range.
    Value {
        /// The argument, by its name in the signature.
        what: &'static str,
        /// The range, in words.
        expected: &'static str,
        /// The number.
        found: f64,
    },
    /// A size is too large to compute with.
    Overflow {
        /// The size that is.
        what: &'static str,
    },
    /// What several processes computed could not be [exchanged](crate::network::Exchange).
    Exchange {
        /// Why, and with which process.
        problem: String,
    },
    /// `CONV_CORE_SIMD` or [`set_level`](crate::simd::set_level) asks for what is not there.
    Simd {
        /// The name asked for.
        asked: String,
        /// The names of those that this processor has.
        available: Vec<String>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape {
                what,
                expected,
                found,
            } => {
                write!(f, "{what} has shape {found:?}, expected {expected:?}")
            }
            Self::Layout { what } => {
                write!(
                    f,
                    "{what} is not contiguous in row-major order; pass `.as_standard_layout()` of it"
                )
            }
            Self::Range {
                what,
                expected,
                found,
            } => write!(f, "{what} is {found}, expected {expected}"),
            Self::Layer { layer, error } => write!(f, "layer {layer}: {error}"),
            Self::NotFlat { found } => write!(
                f,
                "input has shape {found:?}, expected [1, 1, {}]; put a flatten layer before it",
                found.iter().product::<usize>()
            ),
            Self::NoParameter { name, names } => {
                write!(f, "no parameter {name:?}; there are: {}", names.join(", "))
            }
            Self::Saved { problem } => write!(f, "no saved network: {problem}"),
            Self::NotFinite { what } => write!(
                f,
                "{what} is infinite or not a number; a smaller learning rate or gradient clipping may help"
            ),
            Self::Given { what, at, found } => {
                write!(
                    f,
                    "value {at} of {what} is {found}, expected a finite number"
                )
            }
            Self::Memory {
                images,
                needed,
                limit,
                layer,
                layer_bytes,
            } => {
                let mib = |bytes: &u64| *bytes as f64 / f64::from(1 << 20);
                write!(
                    f,
                    "a batch of {images} images needs {needed} bytes of buffers ({:.0} MiB; layer {layer} alone {:.0} MiB), \
                     the workspace's limit is {limit} ({:.0} MiB); make the batch smaller or set a higher limit",
                    mib(needed),
                    mib(layer_bytes),
                    mib(limit)
                )
            }
            Self::Value {
                what,
                expected,
                found,
            } => write!(f, "{what} is {found}, expected {expected}"),
            Self::Overflow { what } => {
                write!(f, "{what} has too many values; make it smaller")
            }
            Self::Exchange { problem } => write!(f, "cannot train with other processes: {problem}"),
            Self::Simd { asked, available } => write!(
                f,
                "no instruction set {asked:?} on this processor; there are: {}",
                available.join(", ")
            ),
        }
    }
}

impl std::error::Error for Error {}
