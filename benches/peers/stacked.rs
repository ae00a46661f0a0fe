//! What the peers in Rust share: arguments, numbers, one way to take the time, and the line of figures.
#![allow(dead_code, reason = "each peer uses a part")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub const BATCH: usize = 64;
pub const TEST_BATCH: usize = 100;
/// Steps whose losses are compared.
pub const COMPARED: usize = 10;
pub const RATE: f32 = 0.02;
pub const MOMENTUM: f32 = 0.9;

pub struct Args {
    pub work: String,
    pub threads: usize,
    pub window: Duration,
    pub data: PathBuf,
    pub backend: String,
}

/// `layers|lenet|latency --threads N --window MS [--data DIR] [--backend NAME]`, in any order.
pub fn arguments() -> Result<Args> {
    let mut args = Args {
        work: String::new(),
        threads: 1,
        window: Duration::from_millis(120),
        data: PathBuf::new(),
        backend: String::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if !word.starts_with("--") {
            args.work = word;
            continue;
        }
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        match word.as_str() {
            "--threads" => args.threads = value.parse()?,
            "--window" => args.window = Duration::from_millis(value.parse()?),
            "--data" => args.data = value.into(),
            "--backend" => args.backend = value,
            _ => return Err(format!("{word} is no option").into()),
        }
    }
    Ok(args)
}

/// So many numbers between -`scale` and `scale`, the same in every language: MurmurHash3's last steps over a counter.
pub fn drawn(n: usize, seed: u32, scale: f32) -> Vec<f32> {
    let number = |i: u32| {
        let mut h = i.wrapping_add(seed.wrapping_mul(0x9e37_79b9));
        h ^= h >> 16;
        h = h.wrapping_mul(0x85eb_ca6b);
        h ^= h >> 13;
        h = h.wrapping_mul(0xc2b2_ae35);
        h ^= h >> 16;
        (f64::from(h) / 4_294_967_296.0 * 2.0 - 1.0) as f32 * scale
    };
    (0..n as u32).map(number).collect()
}

/// A convolution: input (N, C, H, W), kernels (O, C, K, K), and the padding.
pub struct Layer {
    pub name: &'static str,
    pub input: [usize; 4],
    pub kernels: [usize; 4],
    pub padding: usize,
}

pub const LAYERS: [Layer; 5] = [
    layer("S1", [128, 1, 28, 28], 16, 3, 0),
    layer("S2", [64, 8, 12, 12], 16, 5, 0),
    layer("S3", [64, 16, 28, 28], 32, 3, 1),
    layer("S4", [32, 64, 14, 14], 64, 3, 1),
    layer("S5", [16, 128, 7, 7], 256, 3, 1),
];

const fn layer(
    name: &'static str,
    input: [usize; 4],
    outputs: usize,
    side: usize,
    padding: usize,
) -> Layer {
    Layer {
        name,
        input,
        kernels: [outputs, input[1], side, side],
        padding,
    }
}

impl Layer {
    /// Input, kernels and bias.
    pub fn numbers(&self) -> [Vec<f32>; 3] {
        [
            drawn(self.input.iter().product(), 1, 1.0),
            drawn(self.kernels.iter().product(), 2, 0.1),
            drawn(self.kernels[0], 3, 0.1),
        ]
    }
}

/// The LeNet's first parameters with their shapes, in PyTorch's order of axes.
pub fn lenet() -> [(Vec<usize>, Vec<f32>); 6] {
    let scales = [1.0 / 5.0, 1.0 / 200f64.sqrt(), 1.0 / 16.0].map(|scale| scale as f32);
    let parameter = |shape: &[usize], seed: u32| {
        let scale = scales[(seed as usize - 1) / 2];
        (shape.to_vec(), drawn(shape.iter().product(), seed, scale))
    };
    [
        parameter(&[8, 1, 5, 5], 1),
        parameter(&[8], 2),
        parameter(&[16, 8, 5, 5], 3),
        parameter(&[16], 4),
        parameter(&[10, 256], 5),
        parameter(&[10], 6),
    ]
}

/// A matrix with rows and columns exchanged.
pub fn transposed(rows: usize, matrix: &[f32]) -> Vec<f32> {
    let columns = matrix.len() / rows;
    (0..matrix.len())
        .map(|i| matrix[i % rows * columns + i / rows])
        .collect()
}

/// Images, 28 × 28 numbers from 0 to 1 each, and labels.
pub struct Digits {
    pub images: Vec<f32>,
    pub labels: Vec<u8>,
}

/// `train` or `t10k`, from raw files.
pub fn digits(folder: &Path, part: &str) -> Result<Digits> {
    let read = |kind: &str, header: usize| -> Result<Vec<u8>> {
        let path = folder.join(format!("{part}-{kind}-ubyte"));
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(bytes
            .get(header..)
            .ok_or(format!("{}: too short", path.display()))?
            .to_vec())
    };
    let images = read("images-idx3", 16)?;
    Ok(Digits {
        images: images
            .iter()
            .map(|&pixel| f32::from(pixel) / 255.0)
            .collect(),
        labels: read("labels-idx1", 8)?,
    })
}

/// Where batch after batch begins, over and over.
pub fn places(images: usize, batch: usize) -> impl Iterator<Item = usize> {
    (0..images / batch)
        .cycle()
        .map(move |number| number * batch)
}

/// A sum in which a number's weight depends on its place.
pub fn checksum<'a>(numbers: impl IntoIterator<Item = &'a f32>) -> f64 {
    let weighted = |(place, &number): (usize, &f32)| f64::from(number) * ((place % 7) as f64 - 2.5);
    numbers.into_iter().enumerate().map(weighted).sum()
}

/// What a run found.
#[derive(Default)]
pub struct Found {
    times: Vec<(String, f64)>,
    checks: Vec<(String, f64)>,
}

impl Found {
    pub fn check(&mut self, name: impl Into<String>, value: f64) {
        self.checks.push((name.into(), value));
    }

    /// Takes the time of a call: the mean of the fastest of three windows, after one call to warm up; of
    /// a call that takes longer than all three, the first. Of the times of one name the best counts.
    pub fn time(
        &mut self,
        name: impl Into<String>,
        window: Duration,
        mut call: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        call()?;
        let mut fastest = f64::INFINITY;
        for _ in 0..3 {
            let start = Instant::now();
            let mut calls = 0.0;
            let mean = loop {
                call()?;
                calls += 1.0;
                let elapsed = start.elapsed();
                if elapsed >= window {
                    break elapsed.as_secs_f64() / calls;
                }
            };
            fastest = mean.min(fastest);
            if mean >= 3.0 * window.as_secs_f64() {
                break;
            }
        }
        let (name, ms) = (name.into(), fastest * 1e3);
        match self.times.iter_mut().find(|(known, _)| *known == name) {
            Some((_, best)) => *best = ms.min(*best),
            None => self.times.push((name, ms)),
        }
        Ok(())
    }

    /// Prints the line of JSON. What is not finite makes it none, and is refused.
    pub fn print(&self) {
        let object = |pairs: &[(String, f64)]| {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(name, x)| format!("{name:?}: {x:e}"))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        };
        println!(
            "\n{{\"times\": {}, \"checks\": {}}}",
            object(&self.times),
            object(&self.checks)
        );
    }
}
