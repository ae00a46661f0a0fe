//! Shapes and sizes: of images, and of the windows that slide over them.

mod image;
mod limit;
mod pair;
#[cfg(feature = "serde")]
pub(crate) mod serde;
mod window;

pub use image::ImageShape;
pub(crate) use limit::product;
pub use pair::Pair;
pub use window::{Padding, Window};
