//! Where and when figures were taken.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

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
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    Machine {
        date: utc(seconds),
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

/// Seconds since 1970 as `2026-01-31 12:34 UTC`; the days by Howard Hinnant's `civil_from_days`.
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468; // days since 0000-03-01
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153; // 0 is March
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02} UTC",
        rest / 3600,
        rest / 60 % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(utc(0), "1970-01-01 00:00 UTC");
        assert_eq!(utc(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(utc(951_868_800), "2000-03-01 00:00 UTC");
        assert_eq!(utc(1_798_761_540), "2026-12-31 23:59 UTC");
    }

    #[test]
    fn names_the_processor() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: another\n";
        assert_eq!(cpu_model(text).as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(cpu_model("Features : asimd\n"), None);
    }
}
