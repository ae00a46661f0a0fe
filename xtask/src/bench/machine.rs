//! Where and when figures were taken.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) date: String,
    pub(super) cpu: String,
    pub(super) cores: usize,
    /// Of those that the trainer can use.
    pub(super) instruction_sets: Vec<&'static str>,
    pub(super) os: &'static str,
    /// Over the last minute before the start; Linux alone tells. About 0 is a quiet machine.
    pub(super) load: Option<f64>,
    pub(super) rustc: String,
}

impl Machine {
    /// One line for above the table.
    pub(super) fn headline(&self) -> String {
        let load = self
            .load
            .map_or_else(String::new, |load| format!(", load {load} at the start"));
        format!(
            "{}; {}, {} cores ({}), {}; {}{load}.",
            self.date,
            self.cpu,
            self.cores,
            self.instruction_sets.join(", "),
            self.os,
            self.rustc,
        )
    }
}

pub(super) fn here() -> Machine {
    Machine {
        date: utc(SystemTime::now()),
        cpu: std::fs::read_to_string("/proc/cpuinfo")
            .ok()
            .and_then(|text| cpu_model(&text))
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        instruction_sets: instruction_sets(),
        os: std::env::consts::OS,
        load: std::fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse().ok()),
        rustc: output(
            Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
                .arg("--version"),
        )
        .unwrap_or_else(|| "unknown".to_owned()),
    }
}

/// `0.1.0 (1a2b3c4)`: the version, and the commit where git knows it, `+` with changes that are not committed.
pub(super) fn our_version(root: &Path) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["describe", "--always", "--exclude=*", "--dirty=+"]);
    match output(&mut git) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

fn output(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn instruction_sets() -> Vec<&'static str> {
    let mut sets = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            sets.push("avx2");
        }
        if std::is_x86_feature_detected!("avx512f") {
            sets.push("avx512");
        }
    }
    #[cfg(target_arch = "aarch64")]
    sets.push("neon");
    sets
}

/// `2026-01-31 12:34 UTC`
fn utc(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    // 2026-01-31T12:34:56Z
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {} UTC", time.get(..5).unwrap_or(time)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn dates_are_the_calendars() {
        let at = |seconds| utc(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01 00:00 UTC");
        assert_eq!(at(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(at(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(at(951_868_800), "2000-03-01 00:00 UTC");
        assert_eq!(at(1_798_761_540), "2026-12-31 23:59 UTC");
    }

    #[test]
    fn names_the_processor() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: another\n";
        assert_eq!(cpu_model(text).as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(cpu_model("Features : asimd\n"), None);
    }
}
