//! Pictures of digits, drawn for the tests. They stand in the library of the tests because that is compiled with
//! optimisation, which the tests themselves are not.

pub mod canvas;
pub mod kinds;
pub mod random;
pub mod styles;
