//! Any training steps: networks, optimizers, batches and targets as the bytes say. Each is taken and all is finite, or
//! refused and nothing has changed. The property test of `tests/hostile` is the same.
#![no_main]

#[path = "../../tests/hostile/bytes.rs"]
mod bytes;
#[path = "../../tests/hostile/step.rs"]
mod step;

libfuzzer_sys::fuzz_target!(|input: &[u8]| step::check(input));
