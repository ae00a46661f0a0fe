//! Where the full set of MNIST is, for the tests that use it.
#![forbid(unsafe_code)]

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder named by `MNIST_FULL_DIR`, else `../shared/mnist` beside the workspace; `None`, with
/// a word on stderr, where there is neither.
#[must_use]
pub fn full_mnist() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/mnist");
    let dir = std::env::var_os("MNIST_FULL_DIR").map_or(beside, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    // The macros' output is kept from whoever runs the tests; this is not.
    let _ = writeln!(
        std::io::stderr(),
        "skipped: the full MNIST set is not in {} (MNIST_FULL_DIR)",
        dir.display()
    );
    None
}
