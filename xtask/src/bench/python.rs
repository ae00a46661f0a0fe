//! A Python environment for the peers, in `target/peers`, with the packages of `benches/peers/requirements.txt`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::build;
use super::child::{self, last_line};

/// A Python environment of its own, and which packages could not be had for it.
pub(super) struct Environment {
    python: PathBuf,
    missing: BTreeMap<String, String>,
}

impl Environment {
    /// Makes it in `target/peers`, or finds it there; what is already as `requirements.txt` pins it stays.
    ///
    /// # Errors
    /// The reason, in one line, why there is no environment at all.
    pub(super) fn make(root: &Path, target: &Path) -> Result<Self, String> {
        let list = build::peers(root).join("requirements.txt");
        let requirements = std::fs::read_to_string(&list)
            .map_err(|error| format!("{}: {error}", list.display()))?;
        let home = target.join("peers");
        let python = home.join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        });
        if !python.exists() {
            eprintln!("making a Python environment in {}", home.display());
            create(&home)?;
        }
        let mut environment = Self {
            python,
            missing: BTreeMap::new(),
        };
        for (package, version) in pins(&requirements) {
            if environment.has(package, version) {
                continue;
            }
            let size = if package == "torch" {
                ", some gigabytes"
            } else {
                ""
            };
            eprintln!("installing {package} {version}{size}");
            if let Err(reason) = environment.install(package, version) {
                environment.missing.insert(package.to_owned(), reason);
            }
        }
        Ok(environment)
    }

    /// Its Python.
    pub(super) fn python(&self) -> &Path {
        &self.python
    }

    /// Why what imports these packages cannot run here, if it cannot.
    pub(super) fn lacks(&self, packages: &[&str]) -> Option<String> {
        packages.iter().find_map(|&package| {
            Some(format!(
                "{package} could not be installed: {}",
                self.missing.get(package)?
            ))
        })
    }

    fn has(&self, package: &str, version: &str) -> bool {
        let ask = format!("import importlib.metadata as m; print(m.version('{package}'))");
        let mut command = Command::new(&self.python);
        // A `+cpu` after the version says only how it was built.
        child::run(command.args(["-c", &ask])).is_ok_and(|it| {
            it.status.success() && it.stdout.trim().split('+').next() == Some(version)
        })
    }

    fn install(&self, package: &str, version: &str) -> Result<(), String> {
        let mut command = Command::new(&self.python);
        command
            .args(["-m", "pip", "install", "--quiet"])
            .arg(format!("{package}=={version}"));
        succeed(&mut command)
    }
}

fn create(home: &Path) -> Result<(), String> {
    let mut reasons = Vec::new();
    for python in ["python3", "python"] {
        let mut command = Command::new(python);
        match succeed(command.args(["-m", "venv"]).arg(home)) {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(format!("{python} -m venv: {reason}")),
        }
    }
    Err(reasons.join("; "))
}

/// Runs a command of the installation; its failure is its last word.
fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let error = stderr.lines().rev().find(|line| line.starts_with("ERROR:"));
    Err(error
        .or_else(|| last_line(&stderr))
        .map_or_else(|| output.status.to_string(), str::to_owned))
}

/// `name==version`, a line each; the rest of a line after `#` is for people.
pub(super) fn pins(requirements: &str) -> impl Iterator<Item = (&str, &str)> {
    requirements.lines().filter_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let (package, version) = line.split_once("==")?;
        Some((package.trim(), version.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pins_and_passes_over_words() {
        let text = "# why\nnumpy==2.4.6\n\ntorch == 2.15.0  # large\n";
        assert_eq!(
            pins(text).collect::<Vec<_>>(),
            [("numpy", "2.4.6"), ("torch", "2.15.0")]
        );
    }

    #[test]
    fn a_missing_package_is_a_reason_for_those_who_need_it() {
        let missing = BTreeMap::from([(
            "jax".to_owned(),
            "ERROR: no matching distribution".to_owned(),
        )]);
        let environment = Environment {
            python: PathBuf::from("python"),
            missing,
        };
        assert_eq!(environment.lacks(&["numpy", "torch"]), None);
        assert_eq!(
            environment.lacks(&["numpy", "jax"]).as_deref(),
            Some("jax could not be installed: ERROR: no matching distribution")
        );
    }
}
