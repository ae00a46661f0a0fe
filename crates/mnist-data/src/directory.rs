//! A folder of four IDX files under MNIST's names.

use std::io;
use std::path::{Path, PathBuf};

use ndarray::{Array, Dimension};

use crate::idx::{Limits, Reader};
use crate::{Dataset, Error, ErrorKind, Splits};

const FETCH: &str = "`cargo xtask fetch-mnist` downloads MNIST and prints its folder";

/// Reads a folder that holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each as it is or with `.gz` behind its
/// name.
///
/// What is read need not be MNIST: any folder of this form will do, with as many images as it has, and
/// no digest is looked at. Whoever means the real one has it verified before every use by
/// `fetch::Fetcher::load` or, in a folder of their own, by `fetch::verify` (both need the feature
/// `fetch`; the first downloads nothing if told to be `offline`):
///
/// ```no_run
/// # #[cfg(feature = "fetch")] {
/// use mnist_data::{catalog, fetch};
///
/// let folder = "data/mnist".as_ref();
/// fetch::verify(&catalog::MNIST, folder)?;
/// let splits = mnist_data::read_dir(folder)?;
/// # }
/// # Ok::<(), mnist_data::Error>(())
/// ```
///
/// Images may have any size, the same in both splits; labels are 0 to 9. Of a file that is there
/// both ways, the one that is not compressed is read.
///
/// # Errors
///
/// If the folder or a file is missing, is not IDX of the right rank, is shorter or longer than its
/// header promises, or if images and labels do not match. The error names the path.
///
/// ```no_run
/// let splits = mnist_data::read_dir("data/mnist".as_ref())?;
/// println!("{} images to learn from", splits.train.len());
/// # Ok::<(), mnist_data::Error>(())
/// ```
pub fn read_dir(dir: &Path) -> Result<Splits, Error> {
    if !dir.is_dir() {
        let expected = "a folder of MNIST's four files".to_owned();
        return Err(Error::new(ErrorKind::Missing { expected })
            .in_file(dir)
            .advise(FETCH));
    }
    let train = read_split(dir, "train")?;
    let test = read_split(dir, "t10k")?;
    if train.image_size() != test.image_size() {
        let text = |(height, width): (usize, usize)| format!("{height}×{width}, as in train");
        let kind = ErrorKind::Shape {
            expected: text(train.image_size()),
            found: format!("{}×{}", test.image_size().0, test.image_size().1),
        };
        let path = find(dir, "t10k-images-idx3-ubyte")?;
        return Err(Error::new(kind).at(8).in_file(&path).advise(FETCH));
    }
    Ok(Splits { train, test })
}

fn read_split(dir: &Path, split: &str) -> Result<Dataset, Error> {
    let images_path = find(dir, &format!("{split}-images-idx3-ubyte"))?;
    let labels_path = find(dir, &format!("{split}-labels-idx1-ubyte"))?;
    Dataset::new(read_file(&images_path)?, read_file(&labels_path)?).map_err(|error| {
        match error.kind() {
            ErrorKind::Label { index, .. } => {
                let offset = 8 + *index as u64;
                error.at(offset).in_file(&labels_path).advise(FETCH)
            }
            ErrorKind::Count { .. } => error.at(4).in_file(&labels_path).advise(format!(
                "there must be a label for every image of {}; {FETCH}",
                images_path.display()
            )),
            _ => error.at(8).in_file(&images_path),
        }
    })
}

fn find(dir: &Path, name: &str) -> Result<PathBuf, Error> {
    let (plain, gzip) = (dir.join(name), dir.join(format!("{name}.gz")));
    if let Some(path) = [&plain, &gzip].into_iter().find(|path| path.exists()) {
        return Ok(path.clone());
    }
    let inner = dir.join("mnist");
    let advice = if inner.join(name).exists() || inner.join(format!("{name}.gz")).exists() {
        format!("{} has it: give that folder", inner.display())
    } else {
        FETCH.to_owned()
    };
    let expected = format!("{name} or {name}.gz");
    Err(Error::new(ErrorKind::Missing { expected })
        .in_file(dir)
        .advise(advice))
}

fn read_file<D: Dimension>(path: &Path) -> Result<Array<u8, D>, Error> {
    // Opening a pipe would wait for somebody to write into it.
    if !path.is_file() {
        let kind = ErrorKind::Io(io::Error::other("this is not a regular file"));
        return Err(Error::new(kind).in_file(path).advise(FETCH));
    }
    Reader::open(path, Limits::default())
        .and_then(Reader::into_ranked)
        .map_err(|error| error.in_file(path).advise(FETCH))
}
