//! The peers of stacked layers: scripts of `benches/peers`, and crates of their own there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::build;
use super::peers::{Environment, folder};

/// A peer, and in which work it takes part.
pub(super) struct Rival {
    pub(super) name: &'static str,
    how: How,
    pub(super) works: &'static [&'static str],
}

enum How {
    /// Python, with what it imports of `requirements.txt`.
    Script {
        file: &'static str,
        needs: &'static [&'static str],
    },
    /// A folder of `benches/peers` with a program of its name, and the package of it whose version counts.
    Crate {
        folder: &'static str,
        package: &'static str,
        arguments: &'static [&'static str],
    },
}

/// In the order of the table, and of building: the one that takes longest is the last.
pub(super) const RIVALS: [Rival; 7] = [
    Rival {
        name: "PyTorch",
        how: How::Script {
            file: "torch_stacked.py",
            needs: &["numpy", "torch"],
        },
        works: &["layers", "lenet"],
    },
    Rival {
        name: "ONNX Runtime",
        how: How::Script {
            file: "ort_stacked.py",
            needs: &["numpy", "onnx", "onnxruntime"],
        },
        works: &["lenet", "latency"],
    },
    Rival {
        works: &["lenet", "latency"],
        ..in_rust("tract", "tract", "tract-onnx", &[])
    },
    in_rust("rust-autograd", "autograd", "autograd", &[]),
    in_rust("candle", "candle", "candle-core", &[]),
    in_rust("burn, flex", "burn", "burn", &["--backend", "flex"]),
    in_rust("burn, ndarray", "burn", "burn", &["--backend", "ndarray"]),
];

const fn in_rust(
    name: &'static str,
    folder: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
) -> Rival {
    Rival {
        name,
        how: How::Crate {
            folder,
            package,
            arguments,
        },
        works: &["layers", "lenet"],
    }
}

impl Rival {
    /// The version of a crate, from its lock file; a script says its own.
    pub(super) fn version(&self, root: &Path) -> String {
        match &self.how {
            How::Script { .. } => String::new(),
            How::Crate {
                folder: name,
                package,
                ..
            } => {
                let lock = folder(root).join(name).join("Cargo.lock");
                let lock = std::fs::read_to_string(lock).unwrap_or_default();
                locked(&lock, package).unwrap_or_default().to_owned()
            }
        }
    }

    /// What starts it, after building what is to build: a program, and its first arguments.
    ///
    /// # Errors
    /// Why it cannot run here, in one line.
    pub(super) fn program(
        &self,
        root: &Path,
        target: &Path,
        environment: &Result<Environment, String>,
    ) -> Result<(PathBuf, Vec<OsString>), String> {
        match &self.how {
            How::Script { file, needs } => {
                let environment = environment.as_ref().map_err(Clone::clone)?;
                match environment.lacks(needs) {
                    Some(reason) => Err(reason),
                    None => Ok((
                        environment.python().to_owned(),
                        vec![folder(root).join(file).into()],
                    )),
                }
            }
            How::Crate {
                folder: name,
                arguments,
                ..
            } => {
                eprintln!("building {name} (some minutes, once)");
                let program = build::peer(&folder(root).join(name), target, name)?;
                Ok((program, arguments.iter().map(OsString::from).collect()))
            }
        }
    }
}

/// The version of a package in a `Cargo.lock`, one from a registry: a peer's own crate may have the same name.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let lines: Vec<&str> = lock.lines().collect();
    lines.windows(3).find_map(|entry| {
        let found = entry[0] == name && entry[2].starts_with("source = ");
        let version = entry[1].strip_prefix("version = \"")?;
        version.strip_suffix('"').filter(|_| found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers::pins;

    const REQUIREMENTS: &str = include_str!("../../../benches/peers/requirements.txt");

    fn root() -> &'static Path {
        build::root().expect("the repository")
    }

    #[test]
    fn every_need_of_a_script_is_pinned_and_the_script_is_there() {
        let pinned: Vec<&str> = pins(REQUIREMENTS).map(|(package, _)| package).collect();
        for rival in &RIVALS {
            if let How::Script { file, needs } = rival.how {
                assert!(folder(root()).join(file).is_file(), "{file}");
                for need in needs {
                    assert!(pinned.contains(need), "{} needs {need}", rival.name);
                }
            }
        }
    }

    /// Nobody else compiles the peers, and everybody who does has the same versions.
    #[test]
    fn every_crate_is_a_workspace_of_its_own_with_its_versions_locked() {
        for rival in &RIVALS {
            if let How::Crate { folder: name, .. } = rival.how {
                let manifest = folder(root()).join(name).join("Cargo.toml");
                let text = std::fs::read_to_string(&manifest).expect("a manifest");
                assert!(text.contains("\n[workspace]\n"), "{}", manifest.display());
                assert!(text.contains(&format!("name = \"{name}\"")), "{text}");
                let version = rival.version(root());
                assert!(
                    !["", "0.0.0"].contains(&version.as_str()),
                    "{name} {version}"
                );
            }
        }
    }

    #[test]
    fn a_version_is_the_lock_files() {
        let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        let lock = format!(
            "version = 4\n\n[[package]]\nname = \"burn\"\nversion = \"0.0.0\"\ndependencies = []\n\n\
             [[package]]\nname = \"burn\"\nversion = \"0.22.1\"\n{source}\n\n\
             [[package]]\nname = \"burn-flex\"\nversion = \"0.1.0\"\n{source}\n"
        );
        assert_eq!(locked(&lock, "burn"), Some("0.22.1"));
        assert_eq!(locked(&lock, "burn-flex"), Some("0.1.0"));
        assert_eq!(locked(&lock, "candle"), None);
    }
}
