//! `cargo xtask embed`: the embedded data of `mnist-data`, made from the full set, bit for bit.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use flate2::Crc;
use mnist_data::{Dataset, catalog, idx, local, read_dir};
use ndarray::ArrayView1;

/// The chapter learns from so many images.
const TRAIN: usize = 1000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder of the four full MNIST files, as `cargo xtask fetch-mnist` prints it
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// Write nothing; fail if the files in the crate are not what would be written
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    local::verify(&catalog::MNIST, &args.from).map_err(|error| {
        error.with_advice("`cargo xtask fetch-mnist` downloads MNIST and prints its folder")
    })?;
    let splits = read_dir(&args.from)?;
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/mnist-data/data");
    for (split, dataset) in [("train", splits.train.first(TRAIN)?), ("t10k", splits.test)] {
        for (kind, content) in files(&dataset)? {
            let path = data.join(format!("{split}-{kind}.gz"));
            let bytes = gzip(&content)?;
            if args.check {
                let there = fs::read(&path).with_context(|| path.display().to_string())?;
                if there != bytes {
                    bail!("{} is not what `cargo xtask embed` makes", path.display());
                }
            } else {
                fs::write(&path, &bytes).with_context(|| path.display().to_string())?;
            }
            println!("{split}-{kind}.gz {} bytes", bytes.len());
        }
    }
    Ok(())
}

fn files(dataset: &Dataset) -> anyhow::Result<[(&'static str, Vec<u8>); 2]> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    idx::write(&mut images, &dataset.images())?;
    idx::write(&mut labels, &ArrayView1::from(dataset.labels()))?;
    Ok([("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)])
}

/// Gzip without name and time. `miniz_oxide` compresses the same way on every machine, whereas
/// faster compressors choose their hash function by the instruction set.
fn gzip(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    const UNKNOWN_SYSTEM: u8 = 255;
    const BEST: u8 = 2;
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, BEST, UNKNOWN_SYSTEM];
    file.extend(miniz_oxide::deflate::compress_to_vec(content, 10));
    let mut crc = Crc::new();
    crc.update(content);
    file.extend(crc.sum().to_le_bytes());
    file.extend(u32::try_from(content.len())?.to_le_bytes());
    Ok(file)
}
