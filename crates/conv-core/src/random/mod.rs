//! Random numbers: NumPy's, draw for draw, for the chapter's run, and a small generator of our own for all else.

mod bits;
mod numpy;
mod splitmix;

pub use bits::Bits;
pub use numpy::NumpyRandom;
pub use splitmix::Seeded;
