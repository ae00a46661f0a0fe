//! A folder of four IDX files under MNIST's names.

use std::path::Path;

use ndarray::{Array, Dimension};

use crate::idx::{Limits, Reader};
use crate::{Dataset, Error, ErrorKind, Splits, locate};

/// MNIST's names: training images and labels, test images and labels.
const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// Reads a folder that holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each as it is or with `.gz` behind its
/// name. If a file is there in both forms, the one that is not compressed is read.
///
/// Other programs' names are read, too, where only one file fits: `train-images.idx3-ubyte`,
/// `test-images-idx3-ubyte` and `test-images.idx3-ubyte`, also with `.gz`; a file in a folder of its
/// own name; and all four files in a subfolder `raw` or `gzip`.
///
/// What is read need not be MNIST: any folder of this form will do, with any number of images, and
/// the content's digest is not checked. To be sure of the content, let `fetch::Fetcher::load` (feature
/// `fetch`) check the files before every use, which downloads nothing if told to be `offline`; or
/// check a folder of your own with `local::verify` (feature `verify`):
///
/// ```no_run
/// # #[cfg(feature = "verify")] {
/// use mnist_data::{catalog, local};
///
/// local::verify(&catalog::MNIST, "data/mnist")?;
/// let splits = mnist_data::read_dir("data/mnist")?;
/// # }
/// # Ok::<(), mnist_data::Error>(())
/// ```
///
/// Images may have any size, the same in both splits; labels are 0 to 9.
///
/// # Errors
///
/// If the folder or a file is missing, several files could be the same one, a file is not IDX of the
/// right rank, or is shorter or longer than its header promises, or if images and labels do not
/// match. The error names the path.
///
/// ```no_run
/// let splits = mnist_data::read_dir("data/mnist")?;
/// println!("{} training images", splits.train.len());
/// # Ok::<(), mnist_data::Error>(())
/// ```
pub fn read_dir(dir: impl AsRef<Path>) -> Result<Splits, Error> {
    let dir = dir.as_ref();
    if !dir.is_dir() {
        return Err(Error::missing("a folder of MNIST's four files", Vec::new()).in_file(dir));
    }
    let [train_images, train_labels, test_images, test_labels] = locate::files(dir, NAMES, None)?;
    let train = read_split(&train_images, &train_labels)?;
    let test = read_split(&test_images, &test_labels)?;
    if train.image_size() != test.image_size() {
        let text = |(height, width): (usize, usize)| format!("{height}×{width}");
        let kind = ErrorKind::Shape {
            expected: format!("{}, as in train", text(train.image_size())),
            found: text(test.image_size()),
        };
        return Err(Error::new(kind).at(8).in_file(&test_images));
    }
    Ok(Splits { train, test })
}

fn read_split(images: &Path, labels: &Path) -> Result<Dataset, Error> {
    Dataset::new(read_file(images)?, read_file(labels)?).map_err(|error| match error.kind() {
        ErrorKind::Label { index, .. } => {
            let offset = 8 + *index as u64;
            error.at(offset).in_file(labels)
        }
        ErrorKind::Count { .. } => error.at(4).in_file(labels).with_advice(format!(
            "there must be a label for every image of {}",
            images.display()
        )),
        _ => error.at(8).in_file(images),
    })
}

fn read_file<D: Dimension>(path: &Path) -> Result<Array<u8, D>, Error> {
    Reader::open(path, Limits::default())
        .and_then(Reader::into_ranked)
        .map_err(|error| error.in_file(path))
}
