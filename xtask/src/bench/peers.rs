//! The peers: scripts and crates of `benches/peers`, in which work each takes part, and how each starts.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::build;
use super::python::Environment;

/// A program that does the same work as this project.
pub(super) struct Peer {
    pub(super) name: &'static str,
    how: How,
    works: &'static [&'static str],
    /// It draws the listing's random numbers in float64, so its accuracies must be the chapter's.
    pub(super) exact: bool,
    /// It takes ten seconds an iteration, so it runs one.
    pub(super) once: bool,
}

enum How {
    /// Python, with the packages of `requirements.txt` that it imports.
    Script {
        file: &'static str,
        arguments: &'static [&'static str],
        needs: &'static [&'static str],
    },
    /// A folder of `benches/peers` with a program of its name, and the package whose version counts.
    Crate {
        folder: &'static str,
        package: &'static str,
        arguments: &'static [&'static str],
    },
}

const NUMPY: &[&str] = &["numpy"];
const TORCH: &[&str] = &["numpy", "torch"];
const ONNX: &[&str] = &["numpy", "onnx", "onnxruntime"];
const BOOK: &[&str] = &["book"];

/// In the order of the tables, and of building: the one that takes longest is the last.
static PEERS: [Peer; 14] = [
    script("JAX, float32", BOOK, "jax_book.py", &[], &["numpy", "jax"]),
    script(
        "NumPy, float32",
        BOOK,
        "numpy_book.py",
        &["--dtype", "float32"],
        NUMPY,
    ),
    Peer {
        exact: true,
        ..script(
            "NumPy, float64",
            BOOK,
            "numpy_book.py",
            &["--dtype", "float64"],
            NUMPY,
        )
    },
    script(
        "PyTorch, float32, sections",
        BOOK,
        "torch_book.py",
        &["--mode", "unfold"],
        TORCH,
    ),
    script(
        "PyTorch, float32, conv2d",
        BOOK,
        "torch_book.py",
        &["--mode", "conv"],
        TORCH,
    ),
    Peer {
        exact: true,
        once: true,
        ..script("the listing, float64", BOOK, "listing_book.py", &[], NUMPY)
    },
    script("PyTorch", &["quick"], "torch_quick.py", &[], TORCH),
    script(
        "PyTorch",
        &["layers", "lenet"],
        "torch_stacked.py",
        &[],
        TORCH,
    ),
    script(
        "ONNX Runtime",
        &["lenet", "latency"],
        "ort_stacked.py",
        &[],
        ONNX,
    ),
    Peer {
        works: &["lenet", "latency"],
        ..in_rust("tract", "tract", "tract-onnx", &[])
    },
    in_rust("rust-autograd", "autograd", "autograd", &[]),
    in_rust("candle", "candle", "candle-core", &[]),
    in_rust("burn, flex", "burn", "burn", &["--backend", "flex"]),
    in_rust("burn, ndarray", "burn", "burn", &["--backend", "ndarray"]),
];

const fn script(
    name: &'static str,
    works: &'static [&'static str],
    file: &'static str,
    arguments: &'static [&'static str],
    needs: &'static [&'static str],
) -> Peer {
    Peer {
        name,
        how: How::Script {
            file,
            arguments,
            needs,
        },
        works,
        exact: false,
        once: false,
    }
}

const fn in_rust(
    name: &'static str,
    folder: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
) -> Peer {
    Peer {
        name,
        how: How::Crate {
            folder,
            package,
            arguments,
        },
        works: &["layers", "lenet"],
        exact: false,
        once: false,
    }
}

/// The peers that do this work.
pub(super) fn of(work: &str) -> impl Iterator<Item = &'static Peer> {
    PEERS.iter().filter(move |peer| peer.works.contains(&work))
}

/// What starts a peer: a program and its first arguments.
pub(super) struct Start {
    program: PathBuf,
    arguments: Vec<OsString>,
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

impl Start {
    /// The command, to which the work's own arguments are added.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("JAX_PLATFORMS", "cpu");
        for name in SLOWING {
            command.env_remove(name);
        }
        command
    }
}

impl Peer {
    /// The version of a crate, from its lock file; a script says its own.
    pub(super) fn version(&self, root: &Path) -> String {
        match &self.how {
            How::Script { .. } => String::new(),
            How::Crate {
                folder, package, ..
            } => {
                let lock = build::peers(root).join(folder).join("Cargo.lock");
                let lock = std::fs::read_to_string(lock).unwrap_or_default();
                locked(&lock, package).unwrap_or_default().to_owned()
            }
        }
    }

    /// What starts it, after building what is to be built.
    ///
    /// # Errors
    /// Why it cannot run here, in one line.
    pub(super) fn start(
        &self,
        root: &Path,
        target: &Path,
        environment: &Result<Environment, String>,
    ) -> Result<Start, String> {
        let folder = build::peers(root);
        match &self.how {
            How::Script {
                file,
                arguments,
                needs,
            } => {
                let environment = environment.as_ref().map_err(Clone::clone)?;
                if let Some(reason) = environment.lacks(needs) {
                    return Err(reason);
                }
                let mut all = vec![folder.join(file).into()];
                all.extend(arguments.iter().map(OsString::from));
                Ok(Start {
                    program: environment.python().to_owned(),
                    arguments: all,
                })
            }
            How::Crate {
                folder: name,
                arguments,
                ..
            } => {
                eprintln!("building {name} (some minutes, once)");
                Ok(Start {
                    program: build::peer(&folder.join(name), target, name)?,
                    arguments: arguments.iter().map(OsString::from).collect(),
                })
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
    use crate::bench::python::pins;

    const REQUIREMENTS: &str = include_str!("../../../benches/peers/requirements.txt");

    fn root() -> &'static Path {
        crate::workspace::root().expect("the repository")
    }

    #[test]
    fn every_need_of_a_script_is_pinned_and_the_script_is_there() {
        let pinned: Vec<&str> = pins(REQUIREMENTS).map(|(package, _)| package).collect();
        let mut scripts = 0;
        for peer in &PEERS {
            if let How::Script { file, needs, .. } = peer.how {
                assert!(build::peers(root()).join(file).is_file(), "{file}");
                for need in needs {
                    assert!(pinned.contains(need), "{} needs {need}", peer.name);
                }
                scripts += 1;
            }
        }
        assert_eq!(scripts, 9);
    }

    /// Nobody else compiles the peers, and everybody who does has the same versions.
    #[test]
    fn every_crate_is_a_workspace_of_its_own_with_its_versions_locked() {
        for peer in &PEERS {
            if let How::Crate { folder: name, .. } = peer.how {
                let manifest = build::peers(root()).join(name).join("Cargo.toml");
                let text = std::fs::read_to_string(&manifest).expect("a manifest");
                assert!(text.contains("\n[workspace]\n"), "{}", manifest.display());
                assert!(text.contains(&format!("name = \"{name}\"")), "{text}");
                let version = peer.version(root());
                assert!(
                    !["", "0.0.0"].contains(&version.as_str()),
                    "{name} {version}"
                );
            }
        }
    }

    #[test]
    fn every_work_has_its_peers() {
        let counts = ["book", "quick", "layers", "lenet", "latency"].map(|work| of(work).count());
        assert_eq!(counts, [6, 1, 5, 7, 2]);
        let exact = of("book").filter(|peer| peer.exact).count();
        assert_eq!(exact, 2);
    }

    #[test]
    fn what_cannot_start_says_why() {
        let none = Err("no Python".to_owned());
        for peer in of("book") {
            let reason = peer.start(root(), root(), &none).err();
            assert_eq!(reason.as_deref(), Some("no Python"));
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
