//! What a machine needs to be built for and imitated.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::workspace::has_target;

/// Something that must be there, and the command that installs it on Debian.
#[derive(Clone, Copy)]
pub(super) enum Need {
    /// A program on the path.
    Program(&'static str, &'static str),
    /// The standard library for a target.
    Target(&'static str),
    /// A folder.
    Folder(&'static str, &'static str),
    /// A processor of this architecture to run on.
    Processor(&'static str),
}

/// What of it is missing, in words.
pub(super) fn missing(needs: &[Need]) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for need in needs {
        missing.extend(need.missing()?);
    }
    Ok(missing)
}

impl Need {
    fn missing(self) -> Result<Option<String>> {
        Ok(match self {
            Self::Program(name, install) => {
                (!starts(name)).then(|| format!("no {name}; {install}"))
            }
            Self::Target(target) => (!has_target(target)?)
                .then(|| format!("no standard library for it; rustup target add {target}")),
            Self::Folder(path, install) => {
                (!std::path::Path::new(path).is_dir()).then(|| format!("no {path}; {install}"))
            }
            Self::Processor(arch) => (std::env::consts::ARCH != arch)
                .then(|| format!("this processor is not {arch}, and runs no such programs")),
        })
    }
}

fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_what_installs_it() {
        let needs = [
            Need::Program("no-such-program", "apt-get install something"),
            Need::Target("aarch64-unknown-none-such"),
            Need::Folder("/no/such/folder", "apt-get install another"),
            Need::Processor("pdp-11"),
        ];
        assert_eq!(
            missing(&needs).unwrap(),
            [
                "no no-such-program; apt-get install something",
                "no standard library for it; rustup target add aarch64-unknown-none-such",
                "no /no/such/folder; apt-get install another",
                "this processor is not pdp-11, and runs no such programs",
            ]
        );
        let here = [
            Need::Program("rustc", ""),
            Need::Folder(env!("CARGO_MANIFEST_DIR"), ""),
            Need::Processor(std::env::consts::ARCH),
        ];
        assert!(missing(&here).unwrap().is_empty());
    }
}
