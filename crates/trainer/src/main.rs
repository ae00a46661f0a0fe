//! The trainer.
#![forbid(unsafe_code)]
fn main() {}
