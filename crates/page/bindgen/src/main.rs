//! Makes of a WebAssembly module that `cargo build` has left what a browser can load: the module with its imports and
//! exports put in order, and the JavaScript beside it.
//!
//! `page-bindgen MODULE FOLDER` writes `FOLDER/page_bg.wasm` and `FOLDER/page.js`.
#![forbid(unsafe_code)]

use anyhow::{Context, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder] = arguments.as_slice() else {
        bail!("expected a module and a folder");
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name("page")
        // A worker that is made of text can import nothing, so what is made is a plain script.
        .no_modules(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .generate(folder)
        .with_context(|| format!("{module} cannot be made ready for a browser"))
}
