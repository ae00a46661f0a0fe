//! Tables that take a run a row.

use std::time::Instant;

use crate::cli::args::RunArgs;
use crate::failure::{Failure, say};
use crate::terminal::output::Output;

/// Prints `header` and then what `line` makes of each row; Ctrl-C tells on stderr how far it came.
pub(crate) fn print<R: Send>(
    args: &RunArgs,
    header: &str,
    rows: Vec<R>,
    mut line: impl FnMut(R, &Output) -> Result<String, Failure> + Send,
) -> Result<(), Failure> {
    let count = rows.len();
    let output = Output::new((count * args.iterations) as u64);
    args.threads.install(|| {
        let start = Instant::now();
        output.line(header)?;
        for (done, row) in rows.into_iter().enumerate() {
            let printed = line(row, &output).and_then(|line| output.line(line.trim_end()));
            if let Err(Failure::Interrupted) = printed {
                let seconds = start.elapsed().as_secs_f64();
                say(&format!("{done} of {count} rows in {seconds:.3} s"));
            }
            printed?;
        }
        output.finish()
    })
}
