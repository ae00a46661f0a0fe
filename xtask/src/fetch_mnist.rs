//! `cargo xtask fetch-mnist`: thin, over `mnist_data::fetch`.

use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mnist_data::catalog::{self, Entry};
use mnist_data::fetch::{Event, Fetcher};
use mnist_data::{ErrorKind, local};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which data set, or `all`
    #[arg(long, value_name = "NAME", default_value = "mnist", value_parser = names())]
    dataset: String,

    /// Folder in which each data set gets its own folder [default: `$MNIST_DATA_DIR`, else the
    /// platform's folder for caches]
    #[arg(long)]
    dir: Option<PathBuf>,

    /// Address of a folder with the files, in place of the known mirrors; several are tried in order
    #[arg(long = "mirror", value_name = "URL")]
    mirrors: Vec<String>,

    /// Do not touch the network; fail if anything is missing
    #[arg(long)]
    offline: bool,

    /// Only verify what is there, and change nothing
    #[arg(long)]
    verify: bool,
}

fn names() -> clap::builder::PossibleValuesParser {
    catalog::ALL
        .iter()
        .map(|entry| entry.name)
        .chain(["all"])
        .into()
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut folders: Vec<&str> = Vec::new();
    let mut failed = Vec::new();
    for entry in catalog::ALL {
        // EMNIST's six splits come in one file.
        let wanted = args.dataset == entry.name || args.dataset == "all";
        if !wanted || folders.contains(&entry.folder) {
            continue;
        }
        folders.push(entry.folder);
        match one(args, entry) {
            // The folder is the result, so that `--data $(cargo xtask fetch-mnist)` works.
            Ok(folder) => println!("{}", folder.display()),
            Err(error) if args.dataset != "all" => return Err(error),
            // One that fails does not keep the others away.
            Err(error) => {
                eprintln!("{}: {error:#}", entry.title);
                failed.push(entry.folder);
            }
        }
    }
    anyhow::ensure!(failed.is_empty(), "not there: {}", failed.join(", "));
    Ok(())
}

fn one(args: &Args, entry: &'static Entry) -> anyhow::Result<PathBuf> {
    let mut fetcher = Fetcher::new(entry).offline(args.offline);
    if let Some(dir) = &args.dir {
        fetcher = fetcher.root(dir);
    }
    if !args.mirrors.is_empty() {
        fetcher = fetcher.mirrors(&args.mirrors);
    }
    if args.verify {
        let folder = fetcher.folder()?;
        local::verify(entry, &folder).map_err(|error| {
            let name = entry.name;
            error.with_advice(format!(
                "`cargo xtask fetch-mnist --dataset {name}` downloads what is missing or wrong"
            ))
        })?;
        return Ok(folder);
    }
    // Without a terminal, indicatif draws nothing.
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(
        "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
    )?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let shown = bar.clone();
    let folder = fetcher.observer(move |event| show(&shown, event)).fetch();
    bar.finish_and_clear();
    Ok(folder.map_err(|error| match error.kind() {
        ErrorKind::Fetch { .. } => error.with_advice(
            "check the connection and the proxy's settings, or name another mirror with --mirror",
        ),
        _ => error,
    })?)
}

fn show(bar: &ProgressBar, event: &Event<'_>) {
    match event {
        Event::Verifying { file } => bar.set_message(format!("verifying {file}")),
        Event::Waiting => bar.set_message("waiting for another process that fetches"),
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
        Event::Failed { url, cause } => bar.suspend(|| eprintln!("{url}: {cause}")),
        Event::Pausing { pause } => {
            bar.set_message(format!("trying again in {:.1} s", pause.as_secs_f64()));
        }
        _ => {}
    }
}
