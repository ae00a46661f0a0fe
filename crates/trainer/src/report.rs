//! A run, two runs side by side, or the settings of a sweep, as one HTML file.

mod agreement;
mod calibration;
mod chart;
mod confusion;
mod curves;
mod difference;
mod image;
mod kernels;
mod mistakes;
mod network;
mod numbers;
mod page;
mod pair;
mod scale;
mod single;
mod subject;
mod sweep;

#[cfg(feature = "files")]
pub(crate) use numbers::count;
pub use pair::report as pair;
pub use single::report as single;
pub use subject::Subject;
pub use sweep::report as sweep;
