//! The chapter's run, iteration by iteration.

use trainer::listing::{Accuracy, Fix, Fixes, Listing, Settings};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::digits::Digits;
use crate::words;

/// The listing of chapter 10 under way.
#[wasm_bindgen]
pub struct Run {
    listing: Listing,
    accuracy: Accuracy,
}

#[wasm_bindgen]
impl Run {
    /// The network before its first iteration. `fixes` names the faults that are put right, with commas between them.
    ///
    /// # Errors
    /// If no fault has one of the names.
    #[wasm_bindgen(constructor)]
    pub fn new(digits: &Digits, fixes: &str) -> Result<Self, String> {
        let names = fixes.split(',').filter(|name| !name.is_empty());
        let fixes = names
            .map(|name| Fix::find(name).ok_or_else(|| format!("no fault {name:?}")))
            .collect::<Result<Vec<_>, _>>()?;
        let settings = Settings::chapter_10(Fixes::of(&fixes));
        Ok(Self {
            listing: Listing::new(settings, &digits.splits).map_err(words)?,
            accuracy: Accuracy::default(),
        })
    }

    /// One iteration; gives the line that the listing prints.
    ///
    /// # Errors
    /// If all iterations are done.
    pub fn iterate(&mut self) -> Result<String, String> {
        let (number, all) = (self.listing.done(), self.iterations());
        if number >= all {
            return Err(format!("all {all} iterations are done"));
        }
        let (train, test) = self.listing.iterate(true, || false).map_err(words)?;
        self.accuracy = Accuracy {
            train,
            test: test.unwrap_or_default(),
        };
        Ok(self.accuracy.line(number))
    }

    /// All iterations.
    #[must_use]
    pub fn iterations(&self) -> usize {
        self.listing.settings().iterations
    }

    /// The test accuracy of the last iteration, 0 to 1.
    #[must_use]
    pub fn test_accuracy(&self) -> f64 {
        self.accuracy.test
    }

    /// The training accuracy of the last iteration, 0 to 1.
    #[must_use]
    pub fn train_accuracy(&self) -> f64 {
        self.accuracy.train
    }

    /// The weights of the sixteen kernels, nine of one after the other.
    #[must_use]
    pub fn kernels(&self) -> Vec<f64> {
        self.listing
            .network()
            .kernels()
            .t()
            .iter()
            .copied()
            .collect()
    }

    /// SHA-256 of the parameters, as `trainer book` prints it.
    #[must_use]
    pub fn digest(&self) -> String {
        self.listing.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digits::tests::digits;

    #[test]
    fn prints_the_page_and_has_the_digest_of_the_program() {
        let mut run = Run::new(&digits(), "").unwrap();
        let page = include_str!("../../../tests/golden/chapter-10-conv.txt");
        for line in page.lines().take(3) {
            assert_eq!(run.iterate().unwrap(), line);
        }
        let pinned = include_str!("../../conv-core/tests/golden/digests.txt");
        let line = format!("book-3-iterations {}", run.digest());
        assert!(pinned.lines().any(|known| known == line), "{line}");
        assert_eq!(run.kernels().len(), 16 * 9);
        assert_eq!(run.kernels()[1], run.listing.network().kernels()[[1, 0]]);
    }

    #[test]
    fn takes_faults_by_their_names() {
        let digits = digits();
        let mut fixed = Run::new(&digits, "kernel-sign,last-position").unwrap();
        let page = include_str!("../../../tests/golden/chapter-10-conv.txt");
        assert_ne!(fixed.iterate().ok().as_deref(), page.lines().next());
        let unknown = Run::new(&digits, "kernel-size").err().unwrap();
        assert_eq!(unknown, "no fault \"kernel-size\"");
    }
}
