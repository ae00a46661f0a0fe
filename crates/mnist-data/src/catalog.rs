//! Which data sets there are: their files, the digests that decide, and where to get them.

/// A data set that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name on the command line, and of the data set's own folder.
    pub name: &'static str,
    /// The files, in the order in which they are fetched.
    pub files: &'static [File],
    /// Addresses of folders that hold the files, best first; each ends in a slash.
    pub mirrors: &'static [&'static str],
}

/// A file of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// The name without `.gz`.
    pub name: &'static str,
    /// Bytes of the decompressed file.
    pub bytes: u64,
    /// SHA-256 of the decompressed file: mirrors pack the same file differently.
    pub sha256: &'static str,
}

/// Handwritten digits, 60,000 to learn from and 10,000 to be judged by, 28×28.
///
/// Yann `LeCun` and Corinna Cortes, CC BY-SA 3.0.
///
/// ```
/// let images = mnist_data::catalog::MNIST.files[0];
/// assert_eq!(images.bytes, 16 + 60_000 * 28 * 28);
/// ```
pub static MNIST: Entry = Entry {
    name: "mnist",
    files: &[
        File {
            name: "train-images-idx3-ubyte",
            bytes: 47_040_016,
            sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        },
        File {
            name: "train-labels-idx1-ubyte",
            bytes: 60_008,
            sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        },
        File {
            name: "t10k-images-idx3-ubyte",
            bytes: 7_840_016,
            sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        },
        File {
            name: "t10k-labels-idx1-ubyte",
            bytes: 10_008,
            sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ],
    // yann.lecun.com answers 404 since 2025 and is left out.
    mirrors: &[
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ],
};
