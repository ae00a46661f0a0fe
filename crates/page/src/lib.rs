//! What the page in the browser computes: the chapter's figure, its run, training, and a network that reads a drawn digit.
//!
//! `cargo xtask page` builds this for WebAssembly and puts it into one HTML file with what stands in `web/`. Nothing is
//! computed twice: the listing, the recipes and the preparation of pictures are those of the library `trainer`. Everything
//! here works outside of a browser as well, where its tests run.
#![forbid(unsafe_code)]

mod digits;
mod drawing;
mod figure;
mod learning;
mod phrase;
mod reader;
mod responses;
mod run;
mod shifts;

use wasm_bindgen::prelude::wasm_bindgen;

pub use digits::Digits;
pub use drawing::{png, rasterise};
pub use figure::figure;
pub use learning::{Learning, built_in, summary};
pub use phrase::Phrase;
pub use reader::Reader;
pub use run::Run;
pub use shifts::Shifts;

/// The instruction set that everything is computed on: `scalar`, `simd128` or `relaxed`.
#[must_use]
#[wasm_bindgen]
pub fn level() -> String {
    conv_core::simd::level().to_string()
}

/// A value as JSON.
fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| format!("JSON: {error}"))
}

/// Refuses more values than expected, or fewer; a view of an array would take more without a word.
fn exactly<T>(values: &[T], expected: usize, what: &str) -> Result<(), String> {
    match values.len() {
        found if found == expected => Ok(()),
        found => Err(format!("{what} has {found} values, expected {expected}")),
    }
}

/// An error in words: for what nobody meets who uses the page alone. What they can meet is a [`Phrase`].
fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
