//! The chapter's claim, measured: kernels that are used in many places have fewer weights for what they
//! learn from, and so learn less by heart.

use conv_core::chapter::Pooling;

use crate::cli::RunArgs;
use crate::errata::CHAPTER_10;
use crate::failure::Failure;
use crate::fix::Fixes;
use crate::listing::{self, Layer, Run, Settings};
use crate::output::Output;

/// The batch size and the hidden units in chapter 9.
const CHAPTER_9: (usize, usize) = (100, 100);

/// Chapter 9's network and chapter 10's without and with pooling: a table on stdout.
pub(crate) fn run(args: &RunArgs, fixes: Fixes) -> Result<(), Failure> {
    let splits = args.splits()?;
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
    let rows = [
        ("dense", (CHAPTER_9.0, Layer::Dense { units: CHAPTER_9.1 })),
        ("convolution", kernels(None)),
        ("convolution, sum", kernels(Some(Pooling::Sum))),
        ("convolution, mean", kernels(Some(Pooling::Mean))),
        ("convolution, max", kernels(Some(Pooling::Max))),
    ];
    let training_values = splits.train.images().len() as f64;

    let output = Output::new((rows.len() * args.iterations) as u64);
    listing::pool(args.threads())?.install(|| {
        output.line(&format!(
            "{:<18} {:>10} {:>10} {:>8} {:>9} {:>9} {:>6}",
            "network", "parameters", "of kernels", "a value", "train acc", "test acc", "gap"
        ))?;
        for (name, (batch_size, layer)) in rows {
            let settings = Settings {
                seed: args.seed,
                iterations: args.iterations,
                batch_size,
                alpha: args.alpha,
                layer,
                fixes,
            };
            let mut run = Run::new(settings, &splits)?;
            run.last(&output, name)?;
            let accuracy = run.accuracy()?;
            let parameters = run.network().geometry().parameters();
            output.line(&format!(
                "{name:<18} {parameters:>10} {:>10} {:>8.4} {:>9.4} {:>9.4} {:>6.4}",
                run.network().kernels().len(),
                parameters as f64 / training_values,
                accuracy.train,
                accuracy.test,
                accuracy.train - accuracy.test
            ))?;
        }
        output.line(
            "\na value: parameters for each value of the training images (images × pixels). The accuracies are\n\
             of all training and all test images after the last iteration, without dropout; gap: train − test.",
        )?;
        output.finish()
    })
}
