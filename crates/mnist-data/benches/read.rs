//! How fast the 60,000 training images and the whole set are read, beside what there is to compare
//! with.
//!
//! ```console
//! cargo bench -p mnist-data --bench read
//! ```
//!
//! It needs the full set: in the folder `MNIST_FULL_DIR`, or in `../shared/mnist` beside the
//! workspace. NumPy is measured where `PYTHON` (else `python3`) has it, `zcat` where it is
//! installed; what is absent is said. Medians of interleaved rounds, everything in the page cache.

use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::bufread::MultiGzDecoder;
use mnist_data::idx::{Limits, Reader};
use mnist_data::{Dataset, Error, read_dir};
use skipped::full_mnist;

const ROUNDS: usize = 15;

type Contender<'a> = (&'static str, Box<dyn Fn() -> Option<Duration> + 'a>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(dir) = full_mnist() else {
        return Ok(());
    };
    let temporary = tempfile::tempdir()?;
    let packed = |name: &str| dir.join(format!("{name}.gz"));
    let plain = |name: &str| temporary.path().join(name);
    let (images, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    let test = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
    for name in [images, labels].into_iter().chain(test) {
        let mut gzip = MultiGzDecoder::new(io::BufReader::new(File::open(packed(name))?));
        io::copy(&mut gzip, &mut File::create(plain(name))?)?;
    }
    let (raw, gz, raw_labels) = (plain(images), packed(images), plain(labels));

    // Verified before it is timed.
    let (from_raw, from_gz) = (read(&raw, &raw_labels)?, read(&gz, &raw_labels)?);
    assert_eq!(from_raw, from_gz);
    assert_eq!(from_raw.images().as_slice(), Some(&fs::read(&raw)?[16..]));

    let folder = temporary.path();
    let (ours, theirs) = (read_dir(folder)?, mnist_crate(folder));
    assert_eq!(ours.train.images().as_slice(), Some(&theirs.trn_img[..]));
    assert_eq!(ours.test.images().as_slice(), Some(&theirs.tst_img[..]));
    assert_eq!(ours.train.labels(), theirs.trn_lbl);
    assert_eq!(ours.test.labels(), theirs.tst_lbl);

    let contenders: [Contender<'_>; 7] = [
        (
            "std::fs::read of the raw file",
            Box::new(|| timed(|| fs::read(&raw))),
        ),
        (
            "raw file to Dataset",
            Box::new(|| timed(|| read(&raw, &raw_labels))),
        ),
        ("numpy.frombuffer of the raw file", Box::new(|| numpy(&raw))),
        (
            ".gz file to Dataset",
            Box::new(|| timed(|| read(&gz, &raw_labels))),
        ),
        ("zcat of the .gz file to nothing", Box::new(|| zcat(&gz))),
        (
            "all four raw files: read_dir",
            Box::new(|| timed(|| read_dir(folder))),
        ),
        (
            "all four raw files: the crate mnist 0.6",
            Box::new(|| timed(|| Ok::<_, Error>(mnist_crate(folder)))),
        ),
    ];
    let mut times = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, contender), times) in contenders.iter().zip(&mut times) {
            times.extend(contender());
        }
    }
    println!("60,000 training images (and the whole set), medians of {ROUNDS} rounds");
    for ((name, _), times) in contenders.iter().zip(&mut times) {
        times.sort();
        match times.get(times.len() / 2) {
            Some(median) => println!("{:9.2} ms  {name}", median.as_secs_f64() * 1e3),
            None => println!("   absent     {name}"),
        }
    }
    Ok(())
}

fn read(images: &Path, labels: &Path) -> Result<Dataset, Error> {
    let open = |path| Reader::open(path, Limits::default());
    Dataset::new(open(images)?.into_ranked()?, open(labels)?.into_ranked()?)
}

/// The crate that does the same for u8, as its documentation says.
fn mnist_crate(folder: &Path) -> mnist::Mnist {
    mnist::MnistBuilder::new()
        .base_path(&folder.display().to_string())
        .label_format_digit()
        .training_set_length(60_000)
        .validation_set_length(0)
        .test_set_length(10_000)
        .finalize()
}

fn timed<T, E>(run: impl FnOnce() -> Result<T, E>) -> Option<Duration> {
    let start = Instant::now();
    let result = black_box(run());
    let time = start.elapsed();
    result.is_ok().then_some(time)
}

/// The time that NumPy itself measures, without the start of Python.
fn numpy(path: &Path) -> Option<Duration> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let script = "import sys, time, numpy\n\
        start = time.perf_counter()\n\
        with open(sys.argv[1], 'rb') as file: data = file.read()\n\
        images = numpy.frombuffer(data, numpy.uint8, offset=16).reshape(-1, 28, 28)\n\
        print(time.perf_counter() - start)\n";
    let output = Command::new(python)
        .arg("-c")
        .arg(script)
        .arg(path)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let seconds = std::str::from_utf8(&output.stdout)
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs_f64(seconds))
}

fn zcat(path: &Path) -> Option<Duration> {
    timed(|| {
        match Command::new("zcat")
            .arg(path)
            .stdout(Stdio::null())
            .status()
        {
            Ok(status) if status.success() => Ok(()),
            _ => Err(()),
        }
    })
}
