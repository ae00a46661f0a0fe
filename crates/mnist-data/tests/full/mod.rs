//! Where the full set is, for the tests that use it.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder named by `MNIST_FULL_DIR`, else `../shared/mnist` beside the workspace; `None`, with
/// a word on stderr, where there is neither.
pub(crate) fn dir() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/mnist");
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
