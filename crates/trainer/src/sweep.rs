//! A sweep: every combination of some values of a recipe's keys with some seeds, as ordinary runs in one folder.
//!
//! ```
//! use trainer::sweep::{Axis, grid, seeds};
//!
//! let axes = [Axis::parse("optimizer.rate=0.1,0.3")?, Axis::parse("batch=50")?];
//! let jobs = grid(&axes, &seeds("1..3")?)?;
//! assert_eq!(jobs.len(), 6);
//! assert_eq!(jobs[0].name, "optimizer.rate=0.1_batch=50_seed=1");
//! # Ok::<(), trainer::Error>(())
//! ```

pub(crate) mod summary;

use std::collections::HashSet;

use crate::error::Error;
use crate::recipe::Changes;
pub use summary::{Row, Spread, Summary};

/// Runs of a sweep, at most.
const MOST: usize = 10_000;
/// Bytes of a run's name, at most: file systems take 255, and files beside it need some.
const LONGEST: usize = 200;

/// A key of the recipe, and the values that it takes in turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key, as `optimizer.rate`.
    pub key: String,
    /// Its values, as they stand in a recipe; at least one.
    pub values: Vec<String>,
}

impl Axis {
    /// The axis of `KEY=VALUE,VALUE…`. A comma within brackets, braces or quotes divides nothing.
    ///
    /// # Errors
    /// If there is no `=`, or a value is empty or there twice.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |what: &str| {
            Error::Argument(format!(
                "{text:?}: {what}; expected KEY=VALUE,VALUE..., as optimizer.rate=0.1,0.3"
            ))
        };
        let (key, values) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
        let key = key.trim();
        if key.is_empty() {
            return Err(wrong("there is no key"));
        }
        let values = divided(values).map_err(|what| wrong(&what))?;
        let key = key.to_owned();
        Ok(Self { key, values })
    }
}

/// The parts between the commas, without spaces around them.
fn divided(text: &str) -> Result<Vec<String>, String> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) => quote = Some(open).filter(|&open| open != character),
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    let parts: Vec<String> = parts.iter().map(|part| part.trim().to_owned()).collect();
    if parts.iter().any(String::is_empty) {
        return Err("a value is empty".to_owned());
    }
    let mut known = HashSet::new();
    match parts.iter().find(|part| !known.insert(*part)) {
        Some(part) => Err(format!("{part} is there twice")),
        None => Ok(parts),
    }
}

/// Seeds: a number, a range as `1..5` with both of its ends, or several of them with commas between.
///
/// # Errors
/// If the text says something else, or a seed is there twice.
pub fn seeds(text: &str) -> Result<Vec<u64>, Error> {
    let wrong = |what: &str| {
        Error::Argument(format!(
            "seeds {text:?}: {what}; expected whole numbers up to {}, as 1..5 for the five from 1 to 5, or 1,7,9",
            i64::MAX
        ))
    };
    let number = |text: &str| {
        let number = text.trim().parse::<u64>().ok();
        let number = number.filter(|&seed| seed <= i64::MAX as u64);
        number.ok_or_else(|| wrong(&format!("{text:?} is not a seed")))
    };
    if text.trim().is_empty() {
        return Err(wrong("there are none"));
    }
    let mut all = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if first > last {
            return Err(wrong(&format!(
                "{part} runs backwards; {last}..{first} would have them"
            )));
        }
        if last - first >= MOST as u64 {
            return Err(wrong(&format!("{part} has more than {MOST} seeds")));
        }
        all.extend(first..=last);
    }
    let mut known = HashSet::new();
    match all.iter().find(|seed| !known.insert(**seed)) {
        Some(seed) => Err(wrong(&format!("{seed} is there twice"))),
        None => Ok(all),
    }
}

/// A run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The name of its folder, which says what it is: the same in every sweep with this combination.
    pub name: String,
    /// The keys and their values.
    pub setting: Vec<(String, String)>,
    /// The seed.
    pub seed: u64,
}

impl Job {
    /// What it changes in the recipe.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let set = self.setting.iter();
        Changes {
            seed: Some(self.seed),
            set: set.map(|(key, value)| format!("{key}={value}")).collect(),
            ..Changes::default()
        }
    }
}

/// All combinations, the seeds changing fastest and the first key slowest.
///
/// # Errors
/// If a key is there twice, there are more than 10,000 of them, or two would have the same name.
pub fn grid(axes: &[Axis], seeds: &[u64]) -> Result<Vec<Job>, Error> {
    let mut keys = HashSet::new();
    for axis in axes {
        if !keys.insert(&axis.key) || axis.key == "seed" {
            let key = &axis.key;
            return Err(Error::Argument(match key.as_str() {
                "seed" => "the seeds of a sweep are given by --seeds, not by --set seed".to_owned(),
                _ => format!(
                    "{key} is set twice; give all of its values at once, with commas between"
                ),
            }));
        }
    }
    let counts = axes.iter().map(|axis| axis.values.len());
    let count = counts.fold(seeds.len(), usize::saturating_mul);
    if count > MOST {
        return Err(Error::Argument(format!(
            "the sweep would have {count} runs, expected at most {MOST}"
        )));
    }
    let mut settings = vec![Vec::new()];
    for axis in axes {
        settings = settings
            .iter()
            .flat_map(|setting| {
                axis.values.iter().map(|value| {
                    let mut setting: Vec<(String, String)> = setting.clone();
                    setting.push((axis.key.clone(), value.clone()));
                    setting
                })
            })
            .collect();
    }
    let mut jobs = Vec::with_capacity(count);
    let mut names = HashSet::new();
    for setting in settings {
        for &seed in seeds {
            let name = name(&setting, seed);
            if name.len() > LONGEST {
                return Err(Error::Argument(format!(
                    "the folder of a run would be called {name}, which is too long; write what is the same in all \
                     runs into the recipe instead"
                )));
            }
            if !names.insert(name.clone()) {
                return Err(Error::Argument(format!(
                    "two runs would have the folder {name}; give the values in another form"
                )));
            }
            let setting = setting.clone();
            jobs.push(Job {
                name,
                setting,
                seed,
            });
        }
    }
    Ok(jobs)
}

/// The setting as a name that every file system takes.
fn name(setting: &[(String, String)], seed: u64) -> String {
    let mut name = String::new();
    for (key, value) in setting {
        name += &format!("{key}={value}_");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+=".contains(c);
    let name = name.replace('"', "");
    let name = name.chars().map(|c| if plain(c) { c } else { '-' });
    name.chain(format!("seed={seed}").chars()).collect()
}

/// Whether a folder has the name of a sweep's run.
#[must_use]
pub fn is_run(name: &str) -> bool {
    let seed = name.rsplit('_').next();
    let seed = seed.and_then(|part| part.strip_prefix("seed="));
    seed.is_some_and(|seed| seed.parse::<u64>().is_ok())
}

/// Whether the name of a run may say that its sweep sets this key of the recipe, or one below it. A name does not tell where a
/// value ends, so `last_batch=keep` may set `batch` too.
#[must_use]
pub fn may_set(name: &str, key: &str) -> bool {
    let mut parts = name
        .match_indices(key)
        .map(|(at, _)| (&name[..at], &name[at + key.len()..]));
    parts.any(|(before, after)| {
        (before.is_empty() || before.ends_with('_')) && after.starts_with(['=', '.'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
        match result.unwrap_err() {
            Error::Argument(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_divided_at_commas_outside_of_brackets_and_quotes() {
        let axis = Axis::parse("a.b = [1, 2],{ c = 1, d = 2 }, \"x,y\",'z,'").unwrap();
        assert_eq!(axis.key, "a.b");
        assert_eq!(
            axis.values,
            ["[1, 2]", "{ c = 1, d = 2 }", "\"x,y\"", "'z,'"]
        );
        for (text, words) in [
            ("optimizer.rate", "there is no ="),
            ("=1,2", "there is no key"),
            ("a=1,,2", "a value is empty"),
            ("a=", "a value is empty"),
            ("a=1,2, 1", "1 is there twice"),
        ] {
            assert!(refusal(Axis::parse(text)).contains(words), "{text}");
        }
    }

    #[test]
    fn a_range_of_seeds_has_both_of_its_ends() {
        assert_eq!(seeds("1..5").unwrap(), [1, 2, 3, 4, 5]);
        assert_eq!(seeds("7").unwrap(), [7]);
        assert_eq!(seeds("3..3, 9,1").unwrap(), [3, 9, 1]);
        for (text, words) in [
            ("", "seeds \"\": there are none; expected"),
            ("1,,2", "\"\" is not a seed"),
            ("1..", "is not a seed"),
            ("1-5", "\"1-5\" is not a seed"),
            ("-1", "is not a seed"),
            ("9223372036854775808", "is not a seed"),
            (
                "5..1",
                "5..1 runs backwards; 1..5 would have them; expected",
            ),
            ("0..10000", "more than 10000"),
            ("1,1..3", "1 is there twice"),
        ] {
            assert!(refusal(seeds(text)).contains(words), "{text}");
        }
    }

    #[test]
    fn every_combination_is_a_run_of_its_own() {
        let axes = ["a=1,2", "b=\"x y\",[1]"].map(|text| Axis::parse(text).unwrap());
        let jobs = grid(&axes, &[1, 2]).unwrap();
        let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "a=1_b=x-y_seed=1",
                "a=1_b=x-y_seed=2",
                "a=1_b=-1-_seed=1",
                "a=1_b=-1-_seed=2",
                "a=2_b=x-y_seed=1",
                "a=2_b=x-y_seed=2",
                "a=2_b=-1-_seed=1",
                "a=2_b=-1-_seed=2",
            ]
        );
        let changes = jobs[6].changes();
        assert_eq!(
            (changes.seed, &changes.set[..]),
            (Some(1), &["a=2".to_owned(), "b=[1]".to_owned()][..])
        );
        let alone = grid(&[], &[3]).unwrap();
        assert_eq!(alone[0].name, "seed=3");
    }

    #[test]
    fn the_name_of_a_run_says_what_it_may_set() {
        let name = "optimizer.rate=0.1_data.train_images=50_seed=7";
        for key in [
            "optimizer",
            "optimizer.rate",
            "data",
            "data.train_images",
            "seed",
        ] {
            assert!(may_set(name, key), "{key}");
        }
        for key in ["rate", "train", "batch", "opti", "network"] {
            assert!(!may_set(name, key), "{key}");
        }
        assert!(is_run(name) && is_run("seed=1"));
        for other in [
            "stacked",
            "seed=",
            "seed=x",
            "a=1",
            "seed=1_a=1",
            "seed=1.html",
        ] {
            assert!(!is_run(other), "{other}");
        }
    }

    #[test]
    fn what_would_be_one_folder_or_too_many_is_refused() {
        let axes = |texts: &[&str]| -> Vec<Axis> {
            texts
                .iter()
                .map(|text| Axis::parse(text).unwrap())
                .collect()
        };
        let long = format!("a={}", "1".repeat(200));
        let values: Vec<String> = (0..101).map(|value| value.to_string()).collect();
        let many = format!("a={}", values.join(","));
        for (axes, words) in [
            (axes(&["a=1", "a=2"]), "a is set twice"),
            (axes(&["seed=1,2"]), "--seeds"),
            (axes(&["a='x y','x-y'"]), "two runs would have the folder"),
            (axes(&[&long]), "too long"),
            (
                axes(&[&many, "b=1,2"]),
                "20200 runs, expected at most 10000",
            ),
        ] {
            let seeds: Vec<u64> = (1..=100).collect();
            assert!(refusal(grid(&axes, &seeds)).contains(words), "{words}");
        }
    }
}
