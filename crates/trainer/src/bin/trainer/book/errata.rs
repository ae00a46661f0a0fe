//! What each fault of the listing costs.

use super::listing::Run;
use super::table;
use crate::cli::args::RunArgs;
use crate::failure::Failure;
use trainer::listing::{Accuracy, Layer};
use trainer::listing::{Fix, Fixes};

/// The batch size, the kernels and their size in the chapter.
pub(crate) const CHAPTER_10: (usize, usize, usize) = (128, 16, 3);

/// The listing, each fix alone, and all of them: a table on stdout.
pub(crate) fn run(args: &RunArgs) -> Result<(), Failure> {
    let splits = args.splits_for(CHAPTER_10.0)?;
    let mut rows = vec![("(the listing)", "", Fixes::NONE)];
    rows.extend(Fix::ALL.map(|fix| (fix.name(), fix.fault(), Fixes::only(fix))));
    rows.push(("all", "", Fixes::ALL));

    let header = format!(
        "{:<18} {:>8} {:>7} {:>9} {:>7}   what the listing does",
        "put right", "Test-Acc", "change", "Train-Acc", "change"
    );
    let mut listing = None;
    table::print(args, &header, rows, |(name, fault, fixes), output| {
        let (batch_size, count, size) = CHAPTER_10;
        let layer = Layer::Kernels {
            count,
            size,
            pooling: None,
        };
        let settings = args.settings(batch_size, layer, fixes);
        let Accuracy { test, train } = Run::new(settings, &splits)?.last(output, name)?;
        // In points: hundredths.
        let (test_before, train_before) = *listing.get_or_insert((test, train));
        Ok(format!(
            "{name:<18} {test:>8.4} {:>+7.2} {train:>9.4} {:>+7.2}   {fault}",
            100.0 * (test - test_before),
            100.0 * (train - train_before)
        ))
    })
}
