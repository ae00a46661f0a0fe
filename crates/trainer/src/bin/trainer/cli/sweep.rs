//! `trainer sweep`: a recipe with several values and seeds, each combination an ordinary run.

mod folder;
mod jobs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use trainer::images::Images;
use trainer::recipe::{Changes, Recipe};
use trainer::report;
use trainer::run::Contents;
use trainer::run::records::{Environment, REPORT, RESULT};
use trainer::sweep::{Axis, Job, Summary, grid, seeds};
use trainer::whole_file;

use super::args::{cores, names, path, positive};
use crate::failure::{Failure, say};
use crate::terminal::output::print;
use jobs::{Run, State};

#[derive(Args)]
#[command(
    arg_required_else_help = true,
    allow_negative_numbers = true,
    after_help = "\
Each combination of values and seeds is a run of `trainer train`, in a folder
of its own. The same command goes on where a sweep was stopped, and trains only
what is new. At the end there is a table on stdout, and a page, report.html.

Examples:
  trainer sweep stacked --set optimizer.rate=0.002,0.004 --seeds 1..5
  trainer sweep stacked --set data.validation=200 --set batch=25,50 --jobs 2
  trainer sweep best --seeds 1..10 --print-jobs | parallel --jobs 4
  trainer sweep best --seeds 1..10      the table, when all runs are finished

Exit codes: 0 done, 1 a run failed, 2 a wrong command line, 130 Ctrl-C."
)]
pub(crate) struct SweepArgs {
    /// Name of a built-in recipe, or a file NAME.toml
    #[arg(value_name = "RECIPE")]
    recipe: String,
    /// Values of a key of the recipe, as optimizer.rate=0.1,0.3; may be given
    /// several times, for all combinations
    #[arg(long, value_name = "KEY=VALUES")]
    set: Vec<String>,
    /// Seeds: 1..5 for the five from 1 to 5, or 1,7,9 [default: the recipe's]
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,
    /// Passes over the training images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    epochs: Option<u64>,
    /// Folder with the data set's files [default: built-in images, or where
    /// they were downloaded to]
    #[arg(long, value_name = "DIR", value_parser = path())]
    data: Option<PathBuf>,
    /// Name of the data set
    #[arg(long, value_name = "NAME", value_parser = names())]
    dataset: Option<String>,
    /// Runs at the same time
    #[arg(long, value_name = "N", default_value = "1", value_parser = positive)]
    jobs: usize,
    /// Threads of each run [default: the cores, divided by the jobs]
    #[arg(long, value_name = "N", value_parser = super::args::threads)]
    threads: Option<usize>,
    /// Folder for the runs of this recipe and the page [default: sweeps/RECIPE]
    #[arg(long, value_name = "DIR", value_parser = path())]
    folder: Option<PathBuf>,
    /// Print the command of each run that is not finished, and train none: for
    /// job arrays of a cluster, GNU parallel or xargs
    #[arg(long)]
    print_jobs: bool,
}

impl SweepArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        #[cfg(feature = "mpi")]
        crate::mpi::expect_one_process(
            "a sweep starts its runs itself; `trainer sweep --print-jobs` prints commands that mpirun can start",
        )?;
        let axes = self.set.iter().map(|text| Axis::parse(text));
        let axes: Vec<Axis> = axes.collect::<Result<_, _>>()?;
        let seeds = match &self.seeds {
            Some(text) => seeds(text)?,
            None => vec![Recipe::find(&self.recipe, &Changes::default())?.recipe.seed],
        };
        let jobs = grid(&axes, &seeds)?;
        let first = Recipe::find(&self.recipe, &self.changes(&jobs[0]))?;
        let folder = self.folder.clone();
        let folder = folder.unwrap_or_else(|| PathBuf::from("sweeps").join(&first.name));
        let mut runs = Vec::with_capacity(jobs.len());
        for job in &jobs {
            // A wrong value is an error before anything is trained.
            let named = Recipe::find(&self.recipe, &self.changes(job))?;
            let path = folder.join(&job.name);
            runs.push(Run {
                state: self.state(&named, &path)?,
                name: job.name.clone(),
                path,
                set: self.changes(job).set,
                seed: job.seed,
                dataset: named.recipe.data.dataset,
            });
        }
        let others = self.others(&jobs, &folder)?;
        let open: Vec<&Run> = runs
            .iter()
            .filter(|run| run.state != State::Finished)
            .collect();
        if self.print_jobs {
            let program = std::env::args().next();
            let program = program.unwrap_or_else(|| "trainer".to_owned());
            if open.is_empty() {
                say(
                    "all runs are finished; without --print-jobs the same command prints the table",
                );
            }
            let lines = open.iter().map(|run| self.line(&program, run) + "\n");
            return print(&lines.collect::<String>());
        }
        let done = runs.len() - open.len();
        if done > 0 {
            say(&format!(
                "{done} of {} runs are finished already",
                runs.len()
            ));
        }
        self.look_at_data(&jobs, &runs)?;
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::Error(format!(
                "{}: cannot make this folder: {error}",
                folder.display()
            ))
        })?;
        if !open.is_empty() {
            say(&self.announcement(open.len(), &folder));
        }
        let trained = self.train(&open, runs.len());
        let interrupted = matches!(trained, Err(Failure::Interrupted));
        if interrupted {
            say("stopped; the same command goes on");
        }
        let mut summary = Summary::new(&first.name, &jobs, |job| {
            let path = folder.join(&job.name);
            let finished = path.join(RESULT).is_file();
            finished.then(|| Contents::read(&path).ok()).flatten()
        });
        summary.others = others;
        if summary.rows.iter().any(|row| !row.runs.is_empty()) {
            let page = folder.join(REPORT);
            whole_file::write(&page, report::sweep(&summary).as_bytes())?;
            print(&summary.table())?;
            if let Some(verdict) = summary.verdict() {
                say(&verdict);
            }
            say(&format!("page: {}", page.display()));
            if let Some(words) = summary.missing(&folder.display().to_string()) {
                say(&words);
            }
        }
        trained
    }

    /// What a job changes in the recipe, with what is the same for all.
    fn changes(&self, job: &Job) -> Changes {
        Changes {
            epochs: self.epochs,
            dataset: self.dataset.clone(),
            ..job.changes()
        }
    }

    /// An error where the images of a data set are not there or too few, before every run says so; and a warning where finished
    /// runs had other files than this command finds.
    fn look_at_data(&self, jobs: &[Job], runs: &[Run]) -> Result<(), Failure> {
        let mut datasets = BTreeMap::new();
        for (job, run) in jobs.iter().zip(runs) {
            if !datasets.contains_key(&run.dataset) {
                let named = Recipe::find(&self.recipe, &self.changes(job))?;
                let images = Images::load(&named, self.data.as_deref())?;
                datasets.insert(&run.dataset, Environment::here(&images, 1, [])?);
            }
        }
        let finished = runs.iter().filter(|run| run.state == State::Finished);
        let had_others = |run: &&Run| {
            let before = Contents::read(&run.path).ok();
            let before = before.and_then(|before| before.environment);
            let here = datasets.get(&run.dataset);
            before
                .zip(here)
                .is_some_and(|(before, here)| before.has_other_files(here))
        };
        let others: Vec<&Run> = finished.filter(had_others).collect();
        if let [first, ..] = &others[..] {
            say(&format!(
                "warning: finished runs were trained on other files of the data set than this command finds: {} of them, \
                 {} the first; the table has them beside the others",
                others.len(),
                first.name
            ));
        }
        Ok(())
    }

    /// What is about to be trained, before the first run says something, which may be an hour from now.
    fn announcement(&self, open: usize, folder: &Path) -> String {
        let at_once = self.jobs.min(open);
        let count = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        format!(
            "training {} in {}, {at_once} at a time, each on {}",
            count(open, "run"),
            folder.display(),
            count(self.threads(at_once), "thread")
        )
    }

    /// Threads of a run: as many as there are cores for each of those at the same time.
    fn threads(&self, at_once: usize) -> usize {
        let usual = || (cores() / at_once.max(1)).max(1);
        self.threads.unwrap_or_else(usual)
    }
}
