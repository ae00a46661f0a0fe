//! Convolution layers and a small stacked network, verified and then timed; the last line of stdout is JSON.
//! `cargo xtask bench layers`, `bench lenet` and `bench record latency` run it beside its peers, which print the same.
//!
//! ```console
//! cargo bench -p conv-core --features safetensors --bench stacked -- layers --threads 2
//! cargo bench -p conv-core --features safetensors --bench stacked -- lenet --threads 2 --data DIR
//! cargo bench -p conv-core --features safetensors --bench stacked -- latency --threads 1 --data DIR
//! cargo bench -p conv-core --features safetensors --bench stacked -- errors
//! ```
#![forbid(unsafe_code)]

mod clock;
mod errors;
mod latency;
mod layers;
mod lenet;
mod numbers;
mod peak;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: stacked layers|lenet|latency|errors [--threads N] [--window MS] [--data DIR]

  --threads N   threads of the pool (2)
  --window MS   milliseconds of a window; of three a time is the fastest one's mean (120)
  --data DIR    lenet: folder of MNIST's four files (the images in this project); latency: of model.safetensors too";

/// What is timed, and how.
struct Settings {
    threads: usize,
    window: Duration,
    data: Option<PathBuf>,
}

/// What a run found.
#[derive(Default)]
struct Found {
    /// Milliseconds a call.
    times: BTreeMap<String, f64>,
    /// Numbers that must be the same whoever computes them,
    checks: BTreeMap<String, f64>,
    /// but for so much, in which each of them differs by the order of its sums.
    tolerances: BTreeMap<String, f64>,
    /// Multiply-adds in 10⁹ a second, a multiply-add counted as two, of all threads together.
    peak_gflops: Option<f64>,
}

impl Found {
    fn check(&mut self, name: String, value: f64, tolerance: f64) {
        self.tolerances.insert(name.clone(), tolerance);
        self.checks.insert(name, value);
    }

    fn line(&self) -> String {
        serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "detail": conv_core::simd::level().to_string(),
            "times": self.times,
            "checks": self.checks,
            "tolerances": self.tolerances,
            "peak_gflops": self.peak_gflops,
        })
        .to_string()
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    conv_core::simd::Level::from_env()?;
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let Some(what) = arguments.next() else {
        // As `cargo test --benches` runs it: right or wrong, and no time.
        layers::verify()?;
        lenet::verify()?;
        eprintln!("both are right\n\n{USAGE}");
        return Ok(());
    };
    let mut settings = Settings {
        threads: 2,
        window: Duration::from_millis(120),
        data: None,
    };
    while let Some(option) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{option} needs a value\n{USAGE}"))?;
        let number = || match value.parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!(
                "{option} {value}: a whole number above 0 is needed"
            )),
        };
        match option.as_str() {
            "--threads" => settings.threads = number()? as usize,
            "--window" => settings.window = Duration::from_millis(number()?.into()),
            "--data" => settings.data = Some(PathBuf::from(value)),
            _ => return Err(format!("{option} is no option\n{USAGE}").into()),
        }
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads)
        .build()?;
    let found = match what.as_str() {
        "layers" => {
            layers::verify()?;
            layers::time(&settings, &pool)?
        }
        "lenet" => {
            lenet::verify()?;
            lenet::time(&settings, &pool)?
        }
        "latency" => latency::time(&settings, &pool)?,
        "errors" => return Ok(errors::print()?),
        _ => return Err(format!("{what} is no work\n{USAGE}").into()),
    };
    println!("{}", found.line());
    Ok(())
}
