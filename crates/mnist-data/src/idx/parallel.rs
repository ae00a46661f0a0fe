//! Large plain files, read by several threads at once.
//!
//! Most of the time of a large read goes into the page faults of fresh memory; two threads take
//! half of it, and more gain little.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::thread;

/// Below this, threads are not worth their start.
pub(super) const LEAST: u64 = 4 << 20;

const MOST_THREADS: usize = 4;

/// Reads `bytes` bytes from `start` on, and sets the file's position behind them.
///
/// # Errors
///
/// If anything at all goes wrong; the position is then as it was, and reading in the usual way
/// goes on or says what is wrong.
pub(super) fn read(mut file: &File, start: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let threads = thread::available_parallelism()?.get().min(MOST_THREADS);
    // Zeroed memory of this size is not touched before it is written to.
    let mut content = vec![0; bytes];
    let piece = bytes.div_ceil(threads).max(1);
    thread::scope(|scope| {
        let mut pieces = Vec::new();
        for (number, piece_bytes) in content.chunks_mut(piece).enumerate() {
            let from = start + (number * piece) as u64;
            let read = move || read_at(file, piece_bytes, from);
            pieces.push(thread::Builder::new().spawn_scoped(scope, read)?);
        }
        let broken = |_| Err(io::Error::other("a reading thread panicked"));
        pieces
            .into_iter()
            .try_for_each(|piece| piece.join().unwrap_or_else(broken))
    })?;
    file.seek(SeekFrom::Start(start + bytes as u64))?;
    Ok(content)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], from: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, from)
}

/// Elsewhere, every read moves the file's position.
#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
