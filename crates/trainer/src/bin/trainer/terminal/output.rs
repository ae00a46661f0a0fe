//! What a run shows while it lasts: lines on stdout, and a bar on stderr.

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use trainer::whole_file;

use crate::failure::Failure;

/// A text on stdout, flushed, which only now tells of a full disk.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    written
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::stdout(&error))
}

/// Writes a file and prints its path; `-` stands for stdout, which then has the bytes alone.
pub(crate) fn deliver(output: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if output != Path::new("-") {
        whole_file::write(output, bytes)?;
        return print(&format!("{}\n", output.display()));
    }
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() && str::from_utf8(bytes).is_err() {
        return Err(Failure::Usage(
            "--output -: these bytes are not a text for a terminal; redirect stdout, as in `> FILE`".to_owned(),
        ));
    }
    let written = stdout.write_all(bytes);
    written
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::stdout(&error))
}

/// Lines on stdout under a bar on stderr; the bar shows on a terminal only.
pub(crate) struct Output {
    bar: ProgressBar,
}

impl Output {
    /// A bar of so many steps.
    pub(crate) fn new(steps: u64) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: ProgressBar::new(steps).with_style(style),
        }
    }

    /// A step is done; `message` stands beside the bar.
    pub(crate) fn step(&self, message: String) {
        self.bar.set_message(message);
        self.bar.inc(1);
    }

    /// A line on stdout.
    pub(crate) fn line(&self, line: &str) -> Result<(), Failure> {
        let written = self.bar.suspend(|| writeln!(io::stdout().lock(), "{line}"));
        written.map_err(|error| Failure::stdout(&error))
    }

    /// Takes the bar away and flushes stdout, which only now tells of a full disk.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let flushed = io::stdout().lock().flush();
        flushed.map_err(|error| Failure::stdout(&error))
    }
}
