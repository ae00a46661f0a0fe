//! What each fault of the listing costs.

use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::fix::{Fix, Fixes};
use crate::listing::{self, Layer, Run, Settings};
use crate::output::Output;

/// The batch size, the kernels and their size in the chapter.
pub(crate) const CHAPTER_10: (usize, usize, usize) = (128, 16, 3);

/// The listing, each fix alone, and all of them: a table on stdout.
pub(crate) fn run(args: &RunArgs) -> Result<(), Failure> {
    let splits = args.splits()?;
    let mut rows = vec![("(the listing)", "", Fixes::NONE)];
    rows.extend(Fix::ALL.map(|fix| (fix.name(), fix.fault(), Fixes::only(fix))));
    rows.push(("all", "", Fixes::ALL));

    let output = Output::new((rows.len() * args.iterations) as u64);
    listing::pool(args.threads())?.install(|| {
        output.line(&format!(
            "{:<18} {:>8} {:>7} {:>9} {:>7}   what the listing does",
            "put right", "Test-Acc", "change", "Train-Acc", "change"
        ))?;
        let mut listing = None;
        for (name, fault, fixes) in rows {
            let (batch_size, count, size) = CHAPTER_10;
            let settings = Settings {
                seed: args.seed,
                iterations: args.iterations,
                batch_size,
                alpha: args.alpha,
                layer: Layer::Kernels {
                    count,
                    size,
                    pooling: None,
                },
                fixes,
            };
            let accuracy = Run::new(settings, &splits)?.last(&output, name)?;
            // In points: hundredths.
            let before = listing.get_or_insert((accuracy.test, accuracy.train));
            let (test, train) = (accuracy.test, accuracy.train);
            output.line(
                format!(
                    "{name:<18} {test:>8.4} {:>+7.2} {train:>9.4} {:>+7.2}   {fault}",
                    100.0 * (test - before.0),
                    100.0 * (train - before.1)
                )
                .trim_end(),
            )?;
        }
        output.finish()
    })
}
