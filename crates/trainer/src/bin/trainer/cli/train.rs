//! `trainer train`: a recipe, trained, in a folder that keeps everything.

#[cfg(feature = "mpi")]
mod together;

use std::path::{Path, PathBuf};

use clap::Args;
use trainer::Error;
use trainer::images::Images;
use trainer::recipe::{Changes, Named, Recipe};
use trainer::run::records::{Ending, Environment, MODEL};
use trainer::run::{RunFolder, shell};
use trainer::session::{Checkpoint, Observer, Session, trial};

use super::args::{ThreadArgs, names, path};
use crate::failure::{Failure, say};
use crate::terminal::output::print;
use crate::terminal::screen::{Screen, Words};

#[derive(Args)]
#[command(
    arg_required_else_help = true,
    allow_negative_numbers = true,
    after_help = "\
RECIPE is one of `trainer recipes`, or a TOML file. Everything goes into the
run's folder: the recipe, metrics, checkpoints, the model, the result.

Examples:
  trainer train stacked                      train, in the folder runs/stacked
  trainer train stacked --epochs 20 --set optimizer.rate=0.01
  trainer train mine.toml --dry-run          check a recipe, writing nothing
  trainer train --resume runs/stacked        continue an interrupted run

Exit codes: 0 done, 1 an error (the last checkpoint is intact), 2 a wrong
command line, 130 Ctrl-C, with a checkpoint to resume from."
)]
pub(crate) struct TrainArgs {
    /// Name of a built-in recipe, or a file NAME.toml
    #[arg(value_name = "RECIPE", required_unless_present = "resume")]
    recipe: Option<String>,
    /// Continue the run in this folder, with the same result to the bit
    #[arg(long, value_name = "RUN", value_parser = path(), conflicts_with_all = ["recipe", "run", "epochs", "seed", "set", "dataset", "dry_run"])]
    resume: Option<PathBuf>,
    /// Folder with the data set's files [default: built-in images, or where
    /// they were downloaded to]
    #[arg(long, value_name = "DIR", value_parser = path())]
    data: Option<PathBuf>,
    /// Name of the data set
    #[arg(long, value_name = "NAME", value_parser = names())]
    dataset: Option<String>,
    /// Passes over the training images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    epochs: Option<u64>,
    /// Seed of all random numbers
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Change a key of the recipe, as optimizer.rate=0.01; may be given
    /// several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    threads: ThreadArgs,
    /// New folder for the run [default: runs/RECIPE, runs/RECIPE-2, ...]
    #[arg(long, value_name = "DIR", value_parser = path())]
    run: Option<PathBuf>,
    /// Seconds between checkpoints, 0 for one after each step [default: 10,
    /// or 2 at the end of an epoch; at least 100 times what writing one takes]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    checkpoint_every: Option<f64>,
    /// Under mpirun: seconds without a word from another rank, after which the
    /// run ends on all
    #[cfg(feature = "mpi")]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "120")]
    rank_timeout: f64,
    /// Show the network and try one step, writing nothing
    #[arg(long)]
    dry_run: bool,
    /// Hide the progress bar, print only the final result
    #[arg(short, long)]
    quiet: bool,
    /// Print a JSON object per line: each epoch, then the result
    #[arg(long, conflicts_with_all = ["quiet", "dry_run"])]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds from 0 to 86400".to_owned()),
    }
}

impl TrainArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        #[cfg(feature = "mpi")]
        if let Some(ranks) = self.join()? {
            return self.run_as_rank(ranks);
        }
        self.run_alone()
    }

    fn run_alone(&self) -> Result<(), Failure> {
        self.threads.install(|| match (&self.resume, &self.recipe) {
            (Some(folder), _) => self.go_on(folder),
            (None, Some(name)) => self.start(name),
            // clap asks for one of them.
            (None, None) => Ok(()),
        })
    }

    /// The recipe and its images, by the command line.
    fn find(&self, name: &str) -> Result<(Named, Images), Failure> {
        let changes = Changes {
            epochs: self.epochs,
            seed: self.seed,
            dataset: self.dataset.clone(),
            set: self.set.clone(),
        };
        let named = Recipe::find(name, &changes)?;
        let images = Images::load(&named, self.data.as_deref())?;
        Ok((named, images))
    }

    fn start(&self, name: &str) -> Result<(), Failure> {
        let (named, images) = self.find(name)?;
        if self.dry_run {
            return print(&trial(&named, &images)?);
        }
        let session = Session::new(&named, &images)?;
        // What cannot be told of the run leaves no folder behind.
        let environment = environment(&images)?;
        let folder = self.begin(&named, &environment, &session)?;
        self.train(session, &images, &folder, Session::train)
    }

    /// The folder of a new run.
    fn begin(
        &self,
        named: &Named,
        environment: &Environment,
        session: &Session,
    ) -> Result<RunFolder, Failure> {
        let folder = match &self.run {
            Some(folder) => RunFolder::create(folder)?,
            None => RunFolder::create_in(Path::new("runs"), &named.name)?,
        };
        folder.begin(environment, session.recipe())?;
        Ok(folder)
    }

    fn go_on(&self, folder: &Path) -> Result<(), Failure> {
        let folder = RunFolder::open(folder)?;
        if folder.is_finished() {
            return print_result(&folder);
        }
        let named = folder.recipe()?;
        let before = Environment::read(&folder)?;
        let data = self.data.clone().or_else(|| before.folder());
        let images = Images::load(&named, data.as_deref())?;
        let mut session = Session::new(&named, &images)?;
        restore(&mut session, folder.checkpoint()?, folder.path())?;
        if self.data.is_some() {
            environment(&images)?.write(&folder)?;
        }
        self.train(session, &images, &folder, Session::train)
    }

    /// Trains by `train`, and tells of it.
    fn train(
        &self,
        mut session: Session,
        images: &Images,
        folder: &RunFolder,
        train: impl FnOnce(
            &mut Session,
            &RunFolder,
            Option<f64>,
            &mut dyn Observer,
        ) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        let words = self.words();
        let mut screen = Screen::new(words, &session);
        let name = folder.path().display().to_string();
        if words == Words::Text {
            say(&format!("{}\nrun folder: {name}", session.headline(images)));
        }
        let trained = train(&mut session, folder, self.checkpoint_every, &mut screen);
        screen.clear();
        screen.written()?;
        if let Err(Error::Stopped) = trained {
            let place = session.place();
            say(&format!(
                "stopped at {place}; go on with `trainer train --resume {}`",
                shell::quoted(&name)
            ));
        }
        trained?;
        let result = session.finish(images, folder)?;
        screen.result(&result, images.test.len())?;
        if words == Words::Text {
            let model = folder.path().join(MODEL);
            let early = match result.stopped {
                Ending::Finished => "",
                Ending::Early => ", stopped early",
            };
            let other = match result.model_epoch {
                Some(epoch) if epoch < result.epochs => format!(
                    "\nThe digest is of the parameters after epoch {}, the last one; the model has those after epoch {epoch}.",
                    result.epochs
                ),
                _ => String::new(),
            };
            say(&format!(
                "{} epochs in {:.1} s{early}; model: {}\nSHA-256 of the parameters: {}{other}",
                result.epochs,
                result.seconds,
                model.display(),
                result.digest
            ));
        }
        Ok(())
    }

    fn words(&self) -> Words {
        match (self.quiet, self.json) {
            (true, _) => Words::Last,
            (_, true) => Words::Json,
            _ => Words::Text,
        }
    }
}

/// Goes to the checkpoint of a run, if there is one, and says where that is.
fn restore(
    session: &mut Session,
    checkpoint: Option<Checkpoint>,
    run: &Path,
) -> Result<(), Failure> {
    match checkpoint {
        Some(checkpoint) => {
            session.restore(checkpoint, run)?;
            let at = session.place();
            say(&format!("going on from the checkpoint at {at}"));
        }
        None => say("there is no checkpoint yet: starting from the beginning"),
    }
    Ok(())
}

/// The result of a run that has one.
fn print_result(folder: &RunFolder) -> Result<(), Failure> {
    let name = folder.path().display();
    say(&format!("{name} is finished; its result:"));
    print(&folder.result()?)
}

/// What this process runs on.
fn environment(images: &Images) -> Result<Environment, Error> {
    // An argument need not be UTF-8, as `std::env::args` wants it.
    let arguments = std::env::args_os();
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    Environment::here(images, rayon::current_num_threads(), arguments)
}
