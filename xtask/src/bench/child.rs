//! One measured process: what it printed, how it ended, and the most memory it held.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// Often enough to see the peak, which stays once it is reached, and too seldom to cost a hundredth of a core.
const POLL: Duration = Duration::from_millis(20);

pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// The high-water mark of its resident memory; known on Linux alone.
    pub(super) peak_bytes: Option<u64>,
}

impl Finished {
    /// The reason of a failure, in the process's own last words.
    pub(super) fn failure(&self) -> String {
        match last_line(&self.stderr).or_else(|| last_line(&self.stdout)) {
            Some(line) => format!("{}: {line}", self.status),
            None => self.status.to_string(),
        }
    }
}

/// Runs `command` to its end; its output is kept, not shown.
pub(super) fn run(command: &mut Command) -> io::Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let stdout = scope.spawn(|| read_all(stdout));
        let stderr = scope.spawn(|| read_all(stderr));
        let mut peak_bytes = None;
        let status = loop {
            peak_bytes = peak_of(child.id()).max(peak_bytes);
            if let Some(status) = child.try_wait()? {
                break status;
            }
            thread::sleep(POLL);
        };
        let joined = |handle: thread::ScopedJoinHandle<'_, io::Result<String>>| {
            handle.join().unwrap_or_else(|_| {
                Err(io::Error::other("the reader of a child's output panicked"))
            })
        };
        Ok(Finished {
            status,
            stdout: joined(stdout)?,
            stderr: joined(stderr)?,
            peak_bytes,
        })
    })
}

/// The last line that is not blank, without the space around it.
pub(super) fn last_line(text: &str) -> Option<&str> {
    text.lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
}

fn read_all(pipe: Option<impl Read>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn peak_of(process: u32) -> Option<u64> {
    high_water_mark(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

/// `VmHWM:     12345 kB` of a Linux process's status, in bytes.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_high_water_mark() {
        let status = "Name:\ttrainer\nVmPeak:\t  900 kB\nVmHWM:\t    104512 kB\nVmRSS:\t 5 kB\n";
        assert_eq!(high_water_mark(status), Some(104_512 * 1024));
        assert_eq!(high_water_mark("State:\tZ (zombie)\n"), None);
    }

    #[test]
    fn keeps_what_a_process_prints_and_how_it_ended() {
        // The one program that is surely there where this test runs.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let good = run(Command::new(&cargo).arg("--version")).expect("cargo starts");
        assert!(good.status.success());
        assert!(good.stdout.starts_with("cargo "), "{}", good.stdout);

        let bad = run(Command::new(&cargo).arg("--no-such-option")).expect("cargo starts");
        assert!(!bad.status.success());
        assert!(bad.stderr.contains("--no-such-option"), "{}", bad.stderr);
        assert!(bad.failure().starts_with("exit "), "{}", bad.failure());
    }

    #[test]
    fn last_line_passes_over_blank_ones() {
        assert_eq!(last_line("a\n  b \n\n"), Some("b"));
        assert_eq!(last_line("\n \n"), None);
    }
}
