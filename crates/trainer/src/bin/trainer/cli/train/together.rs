//! `trainer train` as one of several ranks. Rank 0 does what a single process does; the others train beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trainer::Error;
use trainer::images::Images;
use trainer::recipe::{Changes, Recipe};
use trainer::run::RunFolder;
use trainer::run::records::{Environment, LATEST, RECIPE};
use trainer::session::{Checkpoint, Observer, Session, trial};
use trainer::whole_file;

use super::{TrainArgs, environment, print_result, restore};
use crate::failure::Failure;
use crate::mpi::Ranks;
use crate::mpi::agreement::Fact;
use crate::terminal::output::print;
use crate::terminal::pool::pool;
use crate::terminal::screen::Words;

/// Bytes of a recipe or a checkpoint.
const LARGEST: u64 = 1 << 32;

/// What rank 0 tells the others of a run that goes on.
#[derive(Serialize, Deserialize)]
struct Resumed {
    /// Nothing is left to do.
    finished: bool,
    recipe: String,
    /// The folder of the data set's files, where it is not embedded.
    data: Option<PathBuf>,
}

impl TrainArgs {
    /// Joins the other ranks, if there are some.
    pub(super) fn join(&self) -> Result<Option<Ranks>, Failure> {
        Ranks::join(Duration::from_secs_f64(self.rank_timeout))
    }

    /// Trains as one of some ranks.
    pub(super) fn run_as_rank(&self, mut ranks: Ranks) -> Result<(), Failure> {
        if !ranks.are_several() {
            return self.run_alone();
        }
        let outcome = self.run_together(&mut ranks);
        ranks.end(outcome)
    }

    fn run_together(&self, ranks: &mut Ranks) -> Result<(), Failure> {
        let commit = option_env!("TRAINER_COMMIT");
        ranks.agree(&[Fact::program(env!("CARGO_PKG_VERSION"), commit)])?;
        let threads = self.threads.or(ranks.threads());
        pool(threads)?.install(|| match (&self.resume, &self.recipe) {
            (Some(folder), _) => self.go_on_together(folder, ranks),
            (None, Some(name)) => self.start_together(name, ranks),
            // clap asks for one of them.
            (None, None) => Ok(()),
        })
    }

    fn start_together(&self, name: &str, ranks: &mut Ranks) -> Result<(), Failure> {
        let (named, images) = self.find(name)?;
        if self.dry_run {
            return match ranks.is_first() {
                true => print(&trial(&named, &images)?),
                false => Ok(()),
            };
        }
        let session = Session::new(&named, &images)?;
        let environment = Environment {
            ranks: ranks.count(),
            ..environment(&images)?
        };
        agree(ranks, &session, &images)?;
        let folder = match ranks.is_first() {
            true => Some(self.begin(&named, &environment, &session)?),
            false => None,
        };
        self.train_together(session, &images, folder, ranks)
    }

    fn go_on_together(&self, path: &Path, ranks: &mut Ranks) -> Result<(), Failure> {
        ranks.agree(&[Fact {
            what: "the run",
            value: path.display().to_string(),
            advice: "start all ranks with the same --resume",
        }])?;
        let mut folder = None;
        let (mut told, mut bytes) = (None, None);
        if ranks.is_first() {
            let own = RunFolder::open(path)?;
            let file = |name: &str| {
                let path = own.path().join(name);
                let bytes = whole_file::read(&path, LARGEST);
                bytes.map_err(|error| Failure::Error(format!("{}: {error}", path.display())))
            };
            let resumed = Resumed {
                finished: own.is_finished(),
                recipe: String::from_utf8_lossy(&file(RECIPE)?).into_owned(),
                data: match own.is_finished() {
                    true => None,
                    false => Environment::read(&own)?.folder(),
                },
            };
            told = Some(serde_json::to_vec(&resumed).map_err(|error| unread(&error))?);
            bytes = Some(match own.path().join(LATEST).exists() {
                true => file(LATEST)?,
                false => Vec::new(),
            });
            folder = Some(own);
        }
        let told = ranks.broadcast(told);
        let resumed: Resumed = serde_json::from_slice(&told).map_err(|error| unread(&error))?;
        if resumed.finished {
            return folder.as_ref().map_or(Ok(()), print_result);
        }
        let bytes = ranks.broadcast(bytes);
        let stem = path.join(RECIPE).display().to_string();
        let named = Recipe::parse("recipe", &stem, &resumed.recipe, &Changes::default())?.of_run();
        // Another host may have its data elsewhere.
        let before = resumed.data.filter(|folder| folder.is_dir());
        let data = self.data.clone().or(before);
        let images = Images::load(&named, data.as_deref())?;
        let mut session = Session::new(&named, &images)?;
        agree(ranks, &session, &images)?;
        let checkpoint = match bytes.is_empty() {
            true => None,
            false => Some(Checkpoint::from_bytes(&bytes).map_err(|problem| {
                let file = path.join(LATEST);
                Failure::Error(format!(
                    "{}: {problem}; move it away to start the run from its beginning",
                    file.display()
                ))
            })?),
        };
        match (&folder, checkpoint) {
            (Some(folder), checkpoint) => {
                restore(&mut session, checkpoint, folder.path())?;
                if self.data.is_some() {
                    environment(&images)?.write(folder)?;
                }
            }
            (None, Some(checkpoint)) => session.restore(checkpoint, path)?,
            (None, None) => {}
        }
        self.train_together(session, &images, folder, ranks)
    }

    fn train_together(
        &self,
        mut session: Session,
        images: &Images,
        folder: Option<RunFolder>,
        ranks: &mut Ranks,
    ) -> Result<(), Failure> {
        session.set_exchange(ranks.exchange(session.parameters())?);
        let ranks = &*ranks;
        ranks.introduce(rayon::current_num_threads(), self.words() != Words::Text);
        let Some(folder) = folder else {
            session.train_beside(&mut ranks.observer(&mut ()))?;
            return same_bits(ranks, &session);
        };
        let mut differ = Ok(());
        let train =
            |session: &mut Session, folder: &RunFolder, interval, observer: &mut dyn Observer| {
                session.train(folder, interval, &mut ranks.observer(observer))?;
                differ = same_bits(ranks, session);
                match differ {
                    Ok(()) => Ok(()),
                    Err(_) => Err(Error::Failed("the ranks differ".to_owned())),
                }
            };
        let trained = self.train(session, images, &folder, train);
        differ.and(trained)
    }
}

/// Compares what must be the same on all ranks, and refuses ranks that would have nothing to do.
fn agree(ranks: &Ranks, session: &Session, images: &Images) -> Result<(), Failure> {
    ranks.agree(&[
        Fact {
            what: "a recipe with the digest",
            value: session.recipe().digest()?,
            advice: "give all ranks the same recipe and the same options",
        },
        Fact {
            what: "images with the digest",
            value: images.digest.clone(),
            advice: "give all ranks the same files of the data set, by --data if they are in several places",
        },
    ])?;
    let (count, shards) = (ranks.count(), session.shards());
    if count > shards {
        return Err(Failure::Usage(format!(
            "{count} ranks, expected at most {shards}: a batch of this recipe is divided into {shards} shards, \
             and each rank computes one or more of them"
        )));
    }
    Ok(())
}

/// An error if the ranks did not come to the same parameters.
fn same_bits(ranks: &Ranks, session: &Session) -> Result<(), Failure> {
    ranks.agree(&[Fact {
        what: "parameters with the SHA-256",
        value: session.digest(),
        advice: "this is an error in trainer or in a machine: please report it; the last checkpoint is rank 0's",
    }])
}

fn unread(error: &serde_json::Error) -> Failure {
    Failure::Error(format!("cannot tell the other ranks of the run: {error}"))
}
