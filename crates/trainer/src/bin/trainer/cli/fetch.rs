//! `trainer fetch`: downloads a data set, verified.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use mnist_data::catalog::{self, Entry};
use mnist_data::fetch::{Event, Fetcher};
use mnist_data::{ErrorKind, local};

use super::args::{names, path};
use crate::failure::{Failure, say};
use crate::terminal::output::print;

#[derive(Args)]
#[command(after_help = "\
The folder of the data set is printed. It is where `trainer train` looks for
it, unless --dir says otherwise.

Examples:
  trainer fetch                     download MNIST, all 70,000 images
  trainer fetch fashion-mnist       download another data set
  trainer fetch mnist --verify      check the files that are there")]
pub(crate) struct FetchArgs {
    /// Name of the data set
    #[arg(default_value = "mnist", value_name = "NAME", value_parser = names())]
    dataset: String,
    /// Folder in which each data set gets its own folder [default:
    /// `$MNIST_DATA_DIR`, or the platform's folder for caches]
    #[arg(long, value_parser = path())]
    dir: Option<PathBuf>,
    /// Address of a folder with the files, instead of the known mirrors;
    /// may be given several times
    #[arg(long = "mirror", value_name = "URL")]
    mirrors: Vec<String>,
    /// Verify the files that are there, downloading nothing
    #[arg(long)]
    verify: bool,
}

impl FetchArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let Some(entry) = catalog::find(&self.dataset) else {
            return Err(Failure::Usage(format!("no data set {:?}", self.dataset)));
        };
        let failed = |error: mnist_data::Error| Failure::Error(error.to_string());
        let folder = match self.verify {
            true => self.verified(entry),
            false => self.fetched(entry),
        };
        print(&format!("{}\n", folder.map_err(failed)?.display()))
    }

    fn fetcher(&self, entry: &'static Entry) -> Fetcher {
        let mut fetcher = Fetcher::new(entry);
        if let Some(dir) = &self.dir {
            fetcher = fetcher.root(dir);
        }
        if !self.mirrors.is_empty() {
            fetcher = fetcher.mirrors(&self.mirrors);
        }
        fetcher
    }

    fn verified(&self, entry: &'static Entry) -> Result<PathBuf, mnist_data::Error> {
        let folder = self.fetcher(entry).folder()?;
        let verified = local::verify(entry, &folder);
        verified.map_err(|error| {
            let name = entry.name;
            error.with_advice(format!(
                "`trainer fetch {name}` downloads what is missing or wrong"
            ))
        })?;
        Ok(folder)
    }

    fn fetched(&self, entry: &'static Entry) -> Result<PathBuf, mnist_data::Error> {
        // Without a terminal, indicatif draws nothing.
        let style = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        let style = ProgressStyle::with_template(style);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::no_length().with_style(style);
        let shown = bar.clone();
        let mut fetcher = self
            .fetcher(entry)
            .observer(move |event| show(&shown, event));
        let folder = fetcher.fetch();
        bar.finish_and_clear();
        folder.map_err(|error| match error.kind() {
            ErrorKind::Fetch { .. } => error.with_advice(
                "check the connection and the proxy's settings, or name another mirror with --mirror",
            ),
            _ => error,
        })
    }
}

fn show(bar: &ProgressBar, event: &Event<'_>) {
    match event {
        Event::Verifying { file } => bar.set_message(format!("verifying {file}")),
        Event::Waiting => bar.set_message("waiting for another process that downloads"),
        Event::Progress {
            file,
            url,
            bytes,
            total,
        } => {
            let host = url.split('/').nth(2).unwrap_or(url);
            bar.set_message(format!("{file} from {host}"));
            bar.set_position(*bytes);
            if let Some(total) = total {
                bar.set_length(*total);
            }
        }
        Event::Failed { url, cause } => bar.suspend(|| say(&format!("{url}: {cause}"))),
        Event::Pausing { pause } => {
            bar.set_message(format!("trying again in {:.1} s", pause.as_secs_f64()));
        }
        _ => {}
    }
}
