//! The folder of a sweep, which has the runs of one recipe.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use trainer::recipe::{Changes, Named, Recipe};
use trainer::run::RunFolder;
use trainer::run::records::{RECIPE, RESULT};
use trainer::sweep::{Job, is_run, may_set};

use super::SweepArgs;
use super::jobs::State;
use crate::failure::Failure;

impl SweepArgs {
    /// How far a run of this recipe is. Another run in its folder is an error, and so is a damaged result.
    pub(super) fn state(&self, named: &Named, path: &Path) -> Result<State, Failure> {
        let written = path.join(RECIPE);
        if !written.is_file() {
            return Ok(State::New);
        }
        let before = Recipe::read(&written, &Changes::default())?.of_run();
        let differing = named.recipe.differing_keys(&before.recipe)?;
        if !differing.is_empty() {
            return Err(self.another_recipe(path, &differing));
        }
        if !path.join(RESULT).is_file() {
            return Ok(State::Begun);
        }
        RunFolder::result_in(path)?;
        Ok(State::Finished)
    }

    /// The names of finished runs in the folder that are of none of these jobs. One of another recipe is an error: of the
    /// recipe of any job it may differ in what either of them sets.
    pub(super) fn others(&self, jobs: &[Job], folder: &Path) -> Result<Vec<String>, Failure> {
        let Some(job) = jobs.first() else {
            return Ok(Vec::new());
        };
        let named = Recipe::find(&self.recipe, &self.changes(job))?;
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let own: HashSet<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        let others = names.filter(|name| is_run(name) && !own.contains(name.as_str()));
        let mut names: Vec<String> = others.collect();
        names.sort();
        let mut finished = Vec::new();
        for name in names {
            let path = folder.join(&name);
            // Without a recipe that can be read it is a run of nothing.
            let Ok(before) = Recipe::read(&path.join(RECIPE), &Changes::default()) else {
                continue;
            };
            let mut differing = named.recipe.differing_keys(&before.of_run().recipe)?;
            differing.retain(|key| !may_set(&name, key) && !may_set(&job.name, key));
            if !differing.is_empty() {
                return Err(self.another_recipe(&path, &differing));
            }
            if path.join(RESULT).is_file() {
                finished.push(name);
            }
        }
        Ok(finished)
    }

    fn another_recipe(&self, path: &Path, differing: &[String]) -> Failure {
        Failure::Error(format!(
            "{} holds a run of another recipe than {}: they differ in {}. A folder has the runs of one recipe; choose \
             another folder with --folder",
            path.display(),
            self.recipe,
            differing.join(", ")
        ))
    }
}
