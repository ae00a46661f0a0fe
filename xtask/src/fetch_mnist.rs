//! `cargo xtask fetch-mnist`: thin, over `mnist_data::fetch`.

use std::path::PathBuf;

use mnist_data::catalog;
use mnist_data::fetch::Fetcher;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder in which the data set gets its own folder
    #[arg(long, default_value = "data")]
    dir: PathBuf,

    /// Address of a folder with the .gz files, in place of the known mirrors; several are tried in order
    #[arg(long = "mirror", value_name = "URL")]
    mirrors: Vec<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut fetcher = Fetcher::new(&catalog::MNIST, &args.dir);
    if !args.mirrors.is_empty() {
        fetcher = fetcher.mirrors(&args.mirrors);
    }
    // The folder is the result, so that `--data $(cargo xtask fetch-mnist)` works.
    println!("{}", fetcher.fetch()?.display());
    Ok(())
}
