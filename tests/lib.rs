//! The tests of the whole program from outside, in `tests/`; this library holds nothing.
#![forbid(unsafe_code)]
