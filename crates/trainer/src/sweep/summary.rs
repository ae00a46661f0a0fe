//! What came of the runs of a sweep, setting by setting.

use super::Job;
use crate::run::Contents;
use crate::run::records::Best;

/// The runs of one setting, which differ in their seeds.
pub struct Row {
    /// The keys and their values.
    pub setting: Vec<(String, String)>,
    /// Those that are finished, in the order of their seeds.
    pub runs: Vec<Contents>,
    /// How many there are to be.
    pub planned: usize,
}

/// Minimum, mean and maximum of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub(crate) min: f64,
    pub(crate) mean: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of those that are there; none of none.
    fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let all: Vec<f64> = numbers.collect();
        let min = all.iter().copied().reduce(f64::min)?;
        let max = all.iter().copied().reduce(f64::max)?;
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        Some(Self { min, mean, max })
    }

    /// As a percentage: `97.43 % (97.31 to 97.60 %)`.
    fn percent(self) -> String {
        let [min, mean, max] = [self.min, self.mean, self.max].map(|x| 100.0 * x);
        match min == max {
            true => format!("{mean:.2} %"),
            false => format!("{mean:.2} % ({min:.2} to {max:.2} %)"),
        }
    }
}

impl Row {
    /// The accuracies on the test images.
    #[must_use]
    pub fn test_accuracy(&self) -> Option<Spread> {
        let results = self.runs.iter().filter_map(|run| run.result.as_ref());
        Spread::of(results.map(|result| result.test_accuracy))
    }

    /// The accuracies on the validation images after the epoch whose network is the model; none where no images are kept
    /// for validation.
    #[must_use]
    pub fn validation_accuracy(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| {
            let best = Best::of(&run.epochs, run.criterion())?;
            let mut epochs = run.epochs.iter();
            let epoch = epochs.find(|epoch| epoch.epoch == best.epoch)?;
            epoch.validation_accuracy
        }))
    }

    /// The seconds of training.
    #[must_use]
    pub fn seconds(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(Contents::seconds))
    }

    /// The setting as people read it: `optimizer.rate=0.1 batch=50`, or that nothing was changed.
    #[must_use]
    pub fn name(&self) -> String {
        let parts = self.setting.iter();
        let parts: Vec<String> = parts.map(|(key, value)| format!("{key}={value}")).collect();
        match parts.is_empty() {
            true => "the recipe as it is".to_owned(),
            false => parts.join(" "),
        }
    }

    /// The finished run with the median accuracy on the test images; of an even number the lower one of the two in the middle.
    pub(crate) fn median(&self) -> Option<&Contents> {
        let accuracy = |run: &Contents| {
            run.result
                .as_ref()
                .map_or(0.0, |result| result.test_accuracy)
        };
        let mut runs: Vec<&Contents> = self.runs.iter().collect();
        runs.sort_by(|a, b| accuracy(a).total_cmp(&accuracy(b)));
        runs.get(runs.len().saturating_sub(1) / 2).copied()
    }
}

/// All settings of a sweep in their order.
pub struct Summary {
    /// The recipe's name.
    pub recipe: String,
    /// A row a setting.
    pub rows: Vec<Row>,
    /// The folders of finished runs of the recipe that are in no row: of other values or seeds.
    pub others: Vec<String>,
}

impl Summary {
    /// Of some jobs and what their folders hold, where they are finished; without others.
    #[must_use]
    pub fn new(
        recipe: &str,
        jobs: &[Job],
        mut contents: impl FnMut(&Job) -> Option<Contents>,
    ) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for job in jobs {
            if rows.last().is_none_or(|row| row.setting != job.setting) {
                rows.push(Row {
                    setting: job.setting.clone(),
                    runs: Vec::new(),
                    planned: 0,
                });
            }
            if let Some(row) = rows.last_mut() {
                row.planned += 1;
                row.runs.extend(contents(job));
            }
        }
        let recipe = recipe.to_owned();
        let others = Vec::new();
        Self {
            recipe,
            rows,
            others,
        }
    }

    /// The setting with the greatest mean accuracy on the validation images, where there are several settings and all kept
    /// such images. The test images choose nothing.
    #[must_use]
    pub fn best(&self) -> Option<&Row> {
        if self.rows.len() < 2 {
            return None;
        }
        let means = self
            .rows
            .iter()
            .map(|row| Some((row, row.validation_accuracy()?.mean)));
        let means: Option<Vec<(&Row, f64)>> = means.collect();
        // The first of equals.
        let best = means?
            .into_iter()
            .reduce(|best, other| match other.1 > best.1 {
                true => other,
                false => best,
            });
        best.map(|(row, _)| row)
    }

    /// What may be said of the best setting, or why nothing is.
    #[must_use]
    pub fn verdict(&self) -> Option<String> {
        if self.rows.len() < 2 {
            return None;
        }
        Some(match self.best() {
            Some(row) => format!("best by the mean validation accuracy: {}", row.name()),
            None if self.rows.iter().any(|row| row.runs.is_empty()) => {
                "no setting is called the best before each has a finished run".to_owned()
            }
            None => "no setting is called the best: no images are kept for validation, and the test images only judge. \
                     --set data.validation=N keeps N of the training images for that"
                .to_owned(),
        })
    }

    /// That there are finished runs that the table has not, in a folder of this name.
    #[must_use]
    pub fn missing(&self, folder: &str) -> Option<String> {
        let first = self.others.first()?;
        Some(match self.others.len() {
            1 => format!("1 other finished run in {folder}, {first}, is not in the table"),
            count => format!(
                "{count} other finished runs in {folder}, {first} the first, are not in the table"
            ),
        })
    }

    /// The heads of the columns of [`cells`](Self::cells).
    pub(crate) fn heads(&self) -> Vec<String> {
        let mut heads: Vec<String> = match self.rows.first() {
            Some(row) => row.setting.iter().map(|(key, _)| key.clone()).collect(),
            None => Vec::new(),
        };
        heads.push("runs".to_owned());
        if self.validates() {
            heads.push("validation accuracy".to_owned());
        }
        heads.extend(["test accuracy".to_owned(), "seconds".to_owned()]);
        heads
    }

    /// The cells of a row.
    pub(crate) fn cells(&self, row: &Row) -> Vec<String> {
        let none = || "-".to_owned();
        let percent = |spread: Option<Spread>| spread.map_or_else(none, Spread::percent);
        let mut cells: Vec<String> = row.setting.iter().map(|(_, value)| value.clone()).collect();
        cells.push(match row.runs.len() == row.planned {
            true => row.planned.to_string(),
            false => format!("{} of {}", row.runs.len(), row.planned),
        });
        if self.validates() {
            cells.push(percent(row.validation_accuracy()));
        }
        cells.push(percent(row.test_accuracy()));
        let seconds = row.seconds();
        cells.push(seconds.map_or_else(none, |spread| format!("{:.1}", spread.mean)));
        cells
    }

    fn validates(&self) -> bool {
        self.rows
            .iter()
            .any(|row| row.validation_accuracy().is_some())
    }

    /// The table as a text: a line a setting; accuracies are the means over the seeds, with the minimum and the
    /// maximum where they differ, and seconds the mean.
    #[must_use]
    pub fn table(&self) -> String {
        let mut lines = vec![self.heads()];
        lines.extend(self.rows.iter().map(|row| self.cells(row)));
        let columns = lines[0].len();
        let width = |column: usize| {
            let cells = lines.iter().map(|line| line[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for line in &lines {
            let cells = line
                .iter()
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:<width$}"));
            let cells: Vec<String> = cells.collect();
            text += cells.join("  ").trim_end();
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::run::records::Epoch;
    use crate::sweep::{Axis, grid};

    /// A finished run with these accuracies.
    pub(crate) fn run(test: f64, validation: Option<f64>) -> Contents {
        let result = format!(
            r#"{{"test_loss":1,"test_accuracy":{test},"epochs":1,"steps":3,"seconds":2.5,"parameters":1,"digest":"",
            "stopped":"finished"}}"#
        );
        Contents {
            path: "runs/one".into(),
            name: "one".into(),
            recipe: None,
            keys: toml::Table::new(),
            environment: None,
            epochs: vec![Epoch {
                epoch: 1,
                validation_loss: validation.map(|accuracy| 1.0 - accuracy),
                validation_accuracy: validation,
                ..Epoch::default()
            }],
            result: serde_json::from_str(&result).ok(),
            notes: Vec::new(),
        }
    }

    /// Two rates with two seeds each; the second rate is better in validation, the first one on the test images.
    pub(crate) fn summary(validates: bool, finished: usize) -> Summary {
        let jobs = grid(&[Axis::parse("optimizer.rate=0.1,0.3").unwrap()], &[1, 2]).unwrap();
        let figures = [(0.97, 0.95), (0.98, 0.96), (0.93, 0.97), (0.95, 0.98)];
        let mut figures = figures.into_iter().take(finished);
        Summary::new("stacked", &jobs, |_| {
            let (test, validation) = figures.next()?;
            Some(run(test, validates.then_some(validation)))
        })
    }

    #[test]
    fn the_table_has_means_and_ends() {
        assert_eq!(
            summary(true, 4).table(),
            "\
optimizer.rate  runs  validation accuracy         test accuracy               seconds
0.1             2     95.50 % (95.00 to 96.00 %)  97.50 % (97.00 to 98.00 %)  2.5
0.3             2     97.50 % (97.00 to 98.00 %)  94.00 % (93.00 to 95.00 %)  2.5
"
        );
        assert_eq!(
            summary(false, 3).table(),
            "\
optimizer.rate  runs    test accuracy               seconds
0.1             2       97.50 % (97.00 to 98.00 %)  2.5
0.3             1 of 2  93.00 %                     2.5
"
        );
    }

    #[test]
    fn the_validation_images_choose_and_the_test_images_never() {
        let verdict = |validates, finished| summary(validates, finished).verdict().unwrap();
        assert_eq!(
            verdict(true, 4),
            "best by the mean validation accuracy: optimizer.rate=0.3"
        );
        assert!(verdict(false, 4).contains("no images are kept for validation"));
        assert!(verdict(true, 2).contains("before each has a finished run"));
        let jobs = grid(&[], &[1, 2]).unwrap();
        let alone = Summary::new("stacked", &jobs, |_| Some(run(0.9, Some(0.9))));
        assert_eq!(alone.verdict(), None);
        assert_eq!(alone.rows[0].name(), "the recipe as it is");
    }
}
