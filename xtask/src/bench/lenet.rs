//! `cargo xtask bench lenet`: a small stacked network in training and at work.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mnist_data::{Dataset, idx, read_dir};
use ndarray::ArrayView1;

use super::contest::Entrant;
use super::grid::{self, Column, Unit};
use super::line::Line;
use super::stacked::{self, Work};
use super::{book, build};
use crate::workspace::root;

/// The training images of an epoch.
const EPOCH: usize = 60_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    stacked: stacked::Args,
    /// Folder of the four MNIST files, raw or .gz [default: the images in this project, those for training repeated to 60,000]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let root = root()?;
    let embedded = root.join(book::EMBEDDED);
    let folder = build::target(root).join("bench").join("mnist");
    let from = args.data.as_deref().unwrap_or(&embedded);
    write_raw(from, &folder)?;
    let work = Work {
        name: "lenet",
        threads: stacked::THREADS,
        window: 480,
        data: Some(&folder),
        needs,
        tables,
    };
    stacked::run(&args.stacked, &work)
}

/// The four files without compression, in a folder for all programs.
pub(super) fn write_raw(from: &Path, folder: &Path) -> Result<()> {
    let splits = read_dir(from)?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let train = repeated(&splits.train, EPOCH)?;
    for (name, set) in [("train", &train), ("t10k", &splits.test)] {
        let file = |kind: &str| {
            let path = folder.join(format!("{name}-{kind}-ubyte"));
            let file = File::create(&path).with_context(|| path.display().to_string())?;
            anyhow::Ok(BufWriter::new(file))
        };
        idx::write(file("images-idx3")?, &set.images())?;
        idx::write(file("labels-idx1")?, &ArrayView1::from(set.labels()))?;
    }
    Ok(())
}

/// The images again and again, `n` of them.
fn repeated(set: &Dataset, n: usize) -> Result<Dataset> {
    let places: Vec<usize> = (0..n).map(|place| place % set.len()).collect();
    Ok(set.select(&places)?)
}

/// What must be right: for training the first losses, otherwise the first logits.
fn needs(time: &str, _: &Line) -> Vec<String> {
    if time == "training" {
        return (1..=10).map(|step| format!("loss {step}")).collect();
    }
    vec!["logits".to_owned()]
}

fn tables(entrants: &[Entrant]) -> String {
    let column = |title: &str, time: &str, threads, unit| Column {
        title: title.to_owned(),
        time: time.to_owned(),
        threads,
        unit,
    };
    let training = Unit::Images(64);
    let inference = Unit::Images(100);
    let columns = [
        column("training, images/s, 1 thread", "training", 1, training),
        column("2 threads", "training", 2, training),
        column("inference, images/s, 1 thread", "inference", 1, inference),
        column("2 threads", "inference", 2, inference),
        column("one image, µs, 1 thread", "latency", 1, Unit::Microseconds),
    ];
    grid::markdown(entrants, &columns, [])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_needs_the_first_losses() {
        let losses = needs("training", &Line::default());
        assert_eq!(
            (losses.len(), losses[0].as_str(), losses[9].as_str()),
            (10, "loss 1", "loss 10")
        );
        assert_eq!(needs("inference", &Line::default()), ["logits"]);
        assert_eq!(needs("latency", &Line::default()), ["logits"]);
    }

    #[test]
    fn the_files_are_raw_and_an_epoch_is_long() {
        let from = root().expect("the repository").join(book::EMBEDDED);
        let folder = tempfile::tempdir().expect("a folder");
        write_raw(&from, folder.path()).expect("four files");
        let length = |name: &str| {
            let file = fs::metadata(folder.path().join(name)).expect("a file");
            file.len()
        };
        assert_eq!(length("train-images-idx3-ubyte"), 16 + 60_000 * 784);
        assert_eq!(length("train-labels-idx1-ubyte"), 8 + 60_000);
        assert_eq!(length("t10k-images-idx3-ubyte"), 16 + 10_000 * 784);
        let set = read_dir(folder.path()).expect("the same images").train;
        assert_eq!(set.labels()[..100], set.labels()[59_000..59_100]);
        assert_eq!(
            set.images().outer_iter().next(),
            set.images().outer_iter().nth(3000)
        );
    }

    #[test]
    fn a_folder_without_images_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = write_raw(folder.path(), folder.path()).expect_err("no images");
        assert!(format!("{error:#}").contains("train-images"), "{error:#}");
    }

    #[test]
    fn steps_are_told_as_images() {
        let entrant = Entrant {
            name: "this project".to_owned(),
            threads: 1,
            ours: true,
            times: [
                ("training".to_owned(), vec![4.0]),
                ("latency".to_owned(), vec![0.0125]),
            ]
            .into(),
            ..Entrant::default()
        };
        let text = tables(&[entrant]);
        assert!(text.contains(" 16,000 "), "{text}");
        assert!(text.contains(" 12.5 "), "{text}");
    }
}
