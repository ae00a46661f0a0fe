//! The peers of the chapter's run, and the Python environment that they need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::child::{self, last_line};

/// The listing's work in other hands: a script of `benches/peers`.
pub(super) struct Peer {
    pub(super) name: &'static str,
    script: &'static str,
    arguments: &'static [&'static str],
    /// The packages of `requirements.txt` that it imports.
    pub(super) needs: &'static [&'static str],
    /// It draws the listing's random numbers in float64, so its accuracies are the chapter's.
    pub(super) exact: bool,
    /// Ten seconds an iteration: it runs one.
    once: bool,
}

pub(super) const PEERS: [Peer; 6] = [
    peer("JAX, float32", "jax_book.py", &[], &["numpy", "jax"]),
    peer(
        "NumPy, float32",
        "numpy_book.py",
        &["--dtype", "float32"],
        &["numpy"],
    ),
    Peer {
        exact: true,
        ..peer(
            "NumPy, float64",
            "numpy_book.py",
            &["--dtype", "float64"],
            &["numpy"],
        )
    },
    peer(
        "PyTorch, float32, sections",
        "torch_book.py",
        &["--mode", "unfold"],
        &["numpy", "torch"],
    ),
    peer(
        "PyTorch, float32, conv2d",
        "torch_book.py",
        &["--mode", "conv"],
        &["numpy", "torch"],
    ),
    Peer {
        exact: true,
        once: true,
        ..peer("the listing, float64", "listing_book.py", &[], &["numpy"])
    },
];

const fn peer(
    name: &'static str,
    script: &'static str,
    arguments: &'static [&'static str],
    needs: &'static [&'static str],
) -> Peer {
    Peer {
        name,
        script,
        arguments,
        needs,
        exact: false,
        once: false,
    }
}

/// Settings of a person's shell that would slow a peer: each runs as it comes, on all cores.
const SLOWING: [&str; 7] = [
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "XLA_FLAGS",
    "PYTHONPATH",
];

impl Peer {
    pub(super) fn command(
        &self,
        environment: &Environment,
        root: &Path,
        data: &Path,
        iterations: u32,
    ) -> Command {
        let iterations = if self.once { 1 } else { iterations };
        let mut command = environment.script(root, self.script);
        command
            .arg("--data")
            .arg(data)
            .args(["--iterations", &iterations.to_string()])
            .args(self.arguments)
            .env("JAX_PLATFORMS", "cpu");
        command
    }
}

/// Takes away what would slow a peer.
pub(super) fn without_slowing(command: &mut Command) {
    for name in SLOWING {
        command.env_remove(name);
    }
}

pub(super) fn folder(root: &Path) -> PathBuf {
    root.join("benches").join("peers")
}

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
        let folder = folder(root);
        let list = folder.join("requirements.txt");
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

    /// A script of `benches/peers`.
    pub(super) fn script(&self, root: &Path, name: &str) -> Command {
        let mut command = Command::new(&self.python);
        command
            .arg(folder(root).join(name))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        without_slowing(&mut command);
        command
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

    const REQUIREMENTS: &str = include_str!("../../../benches/peers/requirements.txt");

    #[test]
    fn every_need_of_a_peer_is_pinned() {
        let pinned: Vec<&str> = pins(REQUIREMENTS).map(|(package, _)| package).collect();
        for peer in &PEERS {
            for need in peer.needs {
                assert!(pinned.contains(need), "{} needs {need}", peer.name);
            }
        }
    }

    #[test]
    fn every_script_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for peer in &PEERS {
            assert!(folder(&root).join(peer.script).is_file(), "{}", peer.script);
        }
    }

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
        let lacks: Vec<bool> = PEERS
            .iter()
            .map(|peer| environment.lacks(peer.needs).is_some())
            .collect();
        assert_eq!(lacks, [true, false, false, false, false, false]);
        let reason = environment.lacks(PEERS[0].needs).expect("a reason");
        assert_eq!(
            reason,
            "jax could not be installed: ERROR: no matching distribution"
        );
    }
}
