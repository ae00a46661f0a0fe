//! The operations one by one, on arrays and windows of any shapes: an error, or every number of the output is written.
//! The property test of `tests/hostile` is the same.
#![no_main]

#[path = "../../tests/hostile/bytes.rs"]
mod bytes;
#[path = "../../tests/hostile/operations.rs"]
mod operations;

libfuzzer_sys::fuzz_target!(|input: &[u8]| operations::check(input));
