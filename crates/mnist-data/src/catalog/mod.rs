//! Which data sets there are: their files, the digests that decide, what the labels mean, and
//! where to get them.
//!
//! ```
//! use mnist_data::catalog;
//!
//! let entry = catalog::find("fashion-mnist").unwrap();
//! assert_eq!(entry.classes[9], "ankle boot");
//! assert_eq!(entry.image_size, (28, 28));
//! ```

mod entries;
mod read;

pub use entries::{
    EMNIST_BALANCED, EMNIST_BYCLASS, EMNIST_BYMERGE, EMNIST_DIGITS, EMNIST_LETTERS, EMNIST_MNIST,
    FASHION_MNIST, KMNIST, MNIST, QMNIST,
};

/// Every data set that is known.
pub static ALL: [&Entry; 10] = [
    &MNIST,
    &FASHION_MNIST,
    &KMNIST,
    &QMNIST,
    &EMNIST_BYCLASS,
    &EMNIST_BYMERGE,
    &EMNIST_BALANCED,
    &EMNIST_LETTERS,
    &EMNIST_DIGITS,
    &EMNIST_MNIST,
];

/// The data set of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.into_iter().find(|entry| entry.name == name)
}

/// A data set: what it is, and what it is made of.
///
/// A program may describe data sets of its own in this way and fetch them, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name on the command line.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// Its own folder, so that files of the same name never mix; EMNIST's six splits share one.
    pub folder: &'static str,
    /// The files, in the order in which they are fetched.
    pub files: &'static [File],
    /// Addresses of folders that hold the files, best first.
    pub mirrors: &'static [&'static str],
    /// The IDX files of the training split.
    pub train: Part,
    /// The IDX files of the test split.
    pub test: Part,
    /// Height and width of the images in pixels.
    pub image_size: (usize, usize),
    /// Whether the files hold rows as columns; [`Entry::read`] puts the images upright.
    pub transposed: bool,
    /// The label of the first class in the files; [`Entry::read`] counts from 0.
    pub first_label: u8,
    /// What the labels mean, from 0.
    pub classes: &'static [&'static str],
    /// The licence of the data.
    pub licence: &'static str,
    /// Whom to cite.
    pub citation: &'static str,
}

/// The images and labels of one split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Name of the IDX file of the images, without `.gz`.
    pub images: &'static str,
    /// Name of the IDX file of the labels, without `.gz`: u8 of rank 1, or i32 of rank 2, of
    /// which the first column counts.
    pub labels: &'static str,
    /// How many images the whole split has. It follows from the digests; [`Entry::read`] does not
    /// check it.
    pub count: usize,
}

/// A file as a mirror has it: gzipped IDX (`.gz`), or a zip of such files (`.zip`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// The name on the mirror.
    pub name: &'static str,
    /// The digest that decides.
    pub digest: Digest,
}

/// What a file is recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// The decompressed content is known. Mirrors may pack it differently.
    Content {
        /// Bytes of the content.
        bytes: u64,
        /// Its SHA-256, in hexadecimal.
        sha256: &'static str,
    },
    /// Only the file as the mirror has it is known.
    Packed {
        /// Bytes at most.
        at_most: u64,
        /// Its SHA-256, in hexadecimal.
        sha256: &'static str,
    },
}

impl File {
    /// The name of the decompressed file, where there is one.
    #[must_use]
    pub fn plain_name(&self) -> Option<&'static str> {
        self.name.strip_suffix(".gz")
    }

    /// No right file is longer than this.
    #[cfg(feature = "fetch")]
    pub(crate) fn most_bytes(&self) -> u64 {
        match self.digest {
            // Gzip makes nothing longer by more than five bytes in 16 KiB.
            Digest::Content { bytes, .. } => bytes + bytes / 1000 + 1024,
            Digest::Packed { at_most, .. } => at_most,
        }
    }
}
