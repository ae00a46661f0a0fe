//! The chapter's claim, measured: kernels that are used in many places have fewer weights for what they
//! learn from, and so learn less by heart.

use conv_core::chapter::Pooling;
use trainer::listing::{Fixes, Layer};

use super::errata::CHAPTER_10;
use super::listing::Run;
use super::table;
use crate::cli::args::RunArgs;
use crate::failure::Failure;
use crate::terminal::output::print;

/// The batch size and the hidden units in chapter 9.
const CHAPTER_9: (usize, usize) = (100, 100);

/// Chapter 9's network and chapter 10's without and with pooling: a table on stdout.
pub(crate) fn run(args: &RunArgs, fixes: Fixes) -> Result<(), Failure> {
    let splits = args.splits_for(CHAPTER_10.0)?;
    let (batch_size, count, size) = CHAPTER_10;
    let kernels = |pooling| {
        (
            batch_size,
            Layer::Kernels {
                count,
                size,
                pooling,
            },
        )
    };
    let rows = vec![
        ("dense", (CHAPTER_9.0, Layer::Dense { units: CHAPTER_9.1 })),
        ("convolution", kernels(None)),
        ("convolution, sum", kernels(Some(Pooling::Sum))),
        ("convolution, mean", kernels(Some(Pooling::Mean))),
        ("convolution, max", kernels(Some(Pooling::Max))),
    ];
    let training_values = splits.train.images().len() as f64;

    let header = format!(
        "{:<18} {:>10} {:>10} {:>8} {:>9} {:>9} {:>6}",
        "network", "parameters", "of kernels", "a value", "train acc", "test acc", "gap"
    );
    table::print(
        args,
        &header,
        rows,
        |(name, (batch_size, layer)), output| {
            let mut run = Run::new(args.settings(batch_size, layer, fixes), &splits)?;
            run.last(output, name)?;
            let accuracy = run.listing().accuracy()?;
            let parameters = run.listing().network().geometry().parameters();
            Ok(format!(
                "{name:<18} {parameters:>10} {:>10} {:>8.4} {:>9.4} {:>9.4} {:>6.4}",
                run.listing().network().kernels().len(),
                parameters as f64 / training_values,
                accuracy.train,
                accuracy.test,
                accuracy.train - accuracy.test
            ))
        },
    )?;
    print(&format!("\n{LEGEND}\n"))
}

const LEGEND: &str = "\
a value: parameters for each value of the training images (images × pixels). The accuracies are those of
all training and all test images after the last iteration, without dropout; gap: train − test.";
