//! The machines: what each needs, and what it does.

use std::ffi::OsString;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::cargo_test::{Tests, cargo};
use super::needs::Need;
use super::{browser, relaxed, windows};
use crate::workspace::root;

/// A machine to be.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Machine {
    /// This one, with all of its instruction sets
    Here,
    /// 64-bit ARM with Linux, by qemu
    Aarch64,
    /// WebAssembly in Node.js: three modules
    Wasm,
    /// 32-bit x86 with Linux
    I686,
    /// Windows, by Wine
    Windows,
    /// macOS, whose programs are checked and not run
    Macos,
    /// The page in Chromium, used as a person would: by mouse, pen, finger and keyboard
    #[value(alias = "browser")]
    Chromium,
    /// The page in Firefox
    Firefox,
}

/// The tests of every machine: those of the instruction sets, and the digests.
const DIGESTS: &[&str] = &["--package", "conv-core", "--lib", "--test", "same_bits"];

impl Machine {
    /// As it is called on the command line.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What is done there, in words.
    pub(super) fn work(self) -> &'static str {
        match self {
            Self::Here => "digests on every instruction set of this processor",
            Self::Aarch64 => {
                "digests and tests of operations, scalar and NEON, under qemu; not the tests of tanh and exp by themselves"
            }
            Self::Wasm => {
                "digests in Node.js, scalar, simd128 and relaxed; no other relaxed instruction"
            }
            Self::I686 => "tests of conv-core and mnist-data on 32 bits, with their features",
            Self::Windows => {
                "digests of the library and of trainer.exe, its paths, line ends and console, under Wine"
            }
            Self::Macos => "a check of all three crates, which runs nothing",
            Self::Chromium => {
                "the page in Chromium, relaxed and simd128: the program's lines, digests and classes"
            }
            Self::Firefox => "the page in Firefox: the program's lines, digests and classes",
        }
    }

    pub(super) fn needs(self) -> &'static [Need] {
        match self {
            Self::Here => &[],
            Self::Aarch64 => &[
                Need::Target("aarch64-unknown-linux-gnu"),
                Need::Program(
                    "aarch64-linux-gnu-gcc",
                    "apt-get install gcc-aarch64-linux-gnu",
                ),
                Need::Program("qemu-aarch64", "apt-get install qemu-user"),
            ],
            Self::Wasm => &[
                Need::Target("wasm32-wasip1"),
                Need::Program("node", "apt-get install nodejs (18 or newer)"),
            ],
            Self::I686 => &[
                Need::Processor("x86_64"),
                Need::Target("i686-unknown-linux-gnu"),
                // gcc-multilib itself conflicts with the compiler for aarch64.
                Need::Folder(
                    "/usr/lib32",
                    "apt-get install gcc-$(gcc -dumpversion)-multilib",
                ),
            ],
            Self::Windows => &[
                Need::Processor("x86_64"),
                Need::Target("x86_64-pc-windows-gnu"),
                Need::Program(
                    "x86_64-w64-mingw32-gcc",
                    "apt-get install gcc-mingw-w64-x86-64",
                ),
                Need::Program("wine", "apt-get install wine"),
                Need::Program("script", "apt-get install bsdutils"),
            ],
            Self::Macos => &[Need::Target("aarch64-apple-darwin")],
            Self::Chromium => &[
                Need::Program("node", "apt-get install nodejs (18 or newer)"),
                Need::Program("npm", "apt-get install npm"),
                Need::Program("chromium", "apt-get install chromium"),
            ],
            Self::Firefox => &[
                Need::Program("node", "apt-get install nodejs (18 or newer)"),
                Need::Program("npm", "apt-get install npm"),
                Need::Program("firefox", "apt-get install firefox-esr"),
            ],
        }
    }

    /// Does it, and gives what was found.
    pub(super) fn run(self) -> Result<String> {
        match self {
            Self::Here => here(),
            Self::Aarch64 => aarch64(),
            Self::Wasm => wasm(),
            Self::I686 => i686(),
            Self::Windows => windows::run(DIGESTS),
            Self::Macos => macos(),
            Self::Chromium => browser::chromium(),
            Self::Firefox => browser::firefox(),
        }
    }
}

fn here() -> Result<String> {
    let tests = Tests {
        folder: None,
        target: None,
        arguments: DIGESTS,
        skipped: &[],
        environment: &[],
    };
    tests.run_on(&["scalar"])
}

fn aarch64() -> Result<String> {
    let environment = [
        (
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
            "aarch64-linux-gnu-gcc",
        ),
        (
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
            "qemu-aarch64 -L /usr/aarch64-linux-gnu",
        ),
    ]
    .map(|(name, value)| (name, OsString::from(value)));
    let tests = Tests {
        folder: None,
        target: Some("aarch64-unknown-linux-gnu"),
        arguments: &[DIGESTS, &["--test", "ops", "--test", "stacked_ops"]].concat(),
        // They take every 61st number that there is.
        skipped: &["simd::math"],
        environment: &environment,
    };
    tests.run_on(&["scalar", "neon"])
}

/// Three modules: without SIMD, with it, and with the relaxed multiply-add.
fn wasm() -> Result<String> {
    let runner = node_runner()?;
    let mut found = Vec::new();
    for (folder, flags, features, needed, relaxed_instructions) in [
        ("wasm", "", "", &["scalar"][..], 0),
        (
            "wasm-simd128",
            "-C target-feature=+simd128",
            "",
            &["scalar", "simd128"],
            0,
        ),
        (
            "wasm-relaxed",
            "-C target-feature=+simd128",
            "relaxed-simd",
            &["scalar", "simd128", "relaxed"],
            1,
        ),
    ] {
        let environment = [
            ("CARGO_TARGET_WASM32_WASIP1_RUNNER", runner.clone()),
            ("RUSTFLAGS", OsString::from(flags)),
        ];
        let tests = Tests {
            folder: Some(folder),
            target: Some("wasm32-wasip1"),
            arguments: &[DIGESTS, &["--no-default-features", "--features", features]].concat(),
            skipped: &[],
            environment: &environment,
        };
        for module in tests.build()? {
            let bytes = std::fs::read(&module)?;
            let counted = relaxed::count(&bytes).with_context(|| module.display().to_string())?;
            ensure!(
                counted.others.is_empty(),
                "{folder} has relaxed instructions beside the multiply-add: {}",
                counted.others.join(", ")
            );
            ensure!(
                (counted.multiply_adds > 0) == (relaxed_instructions > 0),
                "{folder} has {} relaxed multiply-adds",
                counted.multiply_adds
            );
        }
        found.push(format!("{folder}: {}", tests.run_on(needed)?));
    }
    Ok(found.join("; "))
}

/// Node.js with the script that runs a WASI program, and with the flag that older versions want for relaxed SIMD.
fn node_runner() -> Result<OsString> {
    const FLAG: &str = "--experimental-wasm-relaxed-simd";
    let knows = std::process::Command::new("node")
        .args([FLAG, "-e", "0"])
        .output()?;
    // Node.js 20 crashes now and then ("Invalid bytecode") where a thread of its own compiles a module anew that runs.
    let mut runner = OsString::from("node --no-warnings --single-threaded ");
    if knows.status.success() {
        runner.push(FLAG);
        runner.push(" ");
    }
    // Tests run in the folder of their package.
    runner.push("../../xtask/src/portability/wasi.mjs");
    Ok(runner)
}

fn i686() -> Result<String> {
    let tests = Tests {
        folder: None,
        target: Some("i686-unknown-linux-gnu"),
        arguments: &[
            "--package",
            "conv-core",
            "--package",
            "conv-core-saved-tests",
            "--package",
            "mnist-data",
            "--package",
            "mnist-data-tests",
            "--all-features",
            "--lib",
            "--tests",
        ],
        skipped: &[],
        environment: &[],
    };
    tests.run_on(&["scalar"])
}

fn macos() -> Result<String> {
    let status = cargo()
        .args(["check", "--target", "aarch64-apple-darwin"])
        .args(["-p", "conv-core", "-p", "mnist-data", "-p", "trainer"])
        .current_dir(root()?)
        .status()?;
    ensure!(status.success(), "the crates do not build");
    Ok("conv-core, mnist-data and trainer build".to_owned())
}
