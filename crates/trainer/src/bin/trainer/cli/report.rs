//! `trainer report`: a run, or two runs side by side, as one HTML file.

use std::path::PathBuf;

use clap::Args;
use trainer::report::{self, Subject};

use super::args::{ThreadArgs, path};
use crate::failure::Failure;
use crate::terminal::output::deliver;

#[derive(Args)]
#[command(after_help = "Examples:
  trainer report runs/stacked               write runs/stacked/report.html
  trainer report runs/stacked runs/lenet    compare two runs, in that file
  trainer report runs/stacked --output stacked.html")]
pub(crate) struct ReportArgs {
    /// Folder of a run
    #[arg(value_parser = path())]
    run: PathBuf,
    /// Folder of another run to compare it with
    #[arg(value_parser = path())]
    other: Option<PathBuf>,
    /// File to write, - for stdout [default: RUN/report.html]
    #[arg(long, short, value_name = "FILE", value_parser = path())]
    output: Option<PathBuf>,
    /// Folder with the data set's files [default: what the run used, or if
    /// that is gone the built-in images or where they were downloaded to]
    #[arg(long, value_name = "DIR", value_parser = path())]
    data: Option<PathBuf>,
    #[command(flatten)]
    threads: ThreadArgs,
}

impl ReportArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        self.threads.install(|| self.write())
    }

    /// Writes the page.
    fn write(&self) -> Result<(), Failure> {
        let data = self.data.as_deref();
        let run = Subject::read(&self.run, data)?;
        let page = match &self.other {
            None => report::single(&run)?,
            Some(other) => report::pair(&[run, Subject::read(other, data)?])?,
        };
        let output = self
            .output
            .clone()
            .unwrap_or_else(|| self.run.join("report.html"));
        deliver(&output, page.as_bytes())
    }
}
