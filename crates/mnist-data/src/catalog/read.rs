//! A data set of the catalogue, read from its folder.

use std::io::Read;
use std::path::Path;

use ndarray::{Array1, Array3, Axis, Ix2, Ix3};

use super::{Entry, Part};
use crate::idx::{ElementType, Limits, Reader};
use crate::zip::Zip;
use crate::{Dataset, Error, ErrorKind, Splits, locate};

impl Entry {
    /// Reads the data set from the folder of its files, which stay as they were fetched.
    ///
    /// Images come upright and labels from 0, whatever the files do. Of an IDX file that is there
    /// both plain and as `.gz`, the plain one is read, and other programs' names are accepted as
    /// [`read_dir`](crate::read_dir) accepts them. EMNIST is read from its archive or, where there is
    /// none, from the files that were unpacked from it. Nothing is fetched, and neither digests nor
    /// [the number of images](Part::count) are checked, so that a part of a data set can be read,
    /// too: `fetch::Fetcher::load` fetches and verifies, `local::verify` verifies alone.
    ///
    /// # Errors
    ///
    /// If a file is missing or broken, several files could be the same one, or images and labels do
    /// not match. The error names the path.
    ///
    /// ```no_run
    /// let splits = mnist_data::catalog::QMNIST.read("data/qmnist")?;
    /// assert_eq!(splits.test.len(), 60_000);
    /// # Ok::<(), mnist_data::Error>(())
    /// ```
    pub fn read(&self, folder: impl AsRef<Path>) -> Result<Splits, Error> {
        let folder = folder.as_ref();
        let mut files = self.files.iter();
        let archive = files.find(|file| file.name.ends_with(".zip"));
        if let Some(path) = archive.map(|archive| folder.join(archive.name))
            && path.exists()
        {
            return Ok(Splits {
                train: self.read_archive(&path, &self.train)?,
                test: self.read_archive(&path, &self.test)?,
            });
        }
        let (train, test) = (&self.train, &self.test);
        let names = [train.images, train.labels, test.images, test.labels];
        let instead = archive.map(|archive| archive.name);
        let [train_images, train_labels, test_images, test_labels] =
            locate::files(folder, names, instead)?;
        Ok(Splits {
            train: self.read_files(&train_images, &train_labels)?,
            test: self.read_files(&test_images, &test_labels)?,
        })
    }

    fn read_files(&self, images: &Path, labels: &Path) -> Result<Dataset, Error> {
        let in_images = |error: Error| error.in_file(images);
        let in_labels = |error: Error| error.in_file(labels);
        let pixels = Reader::open(images, Limits::default())
            .and_then(|reader| self.images(reader))
            .map_err(in_images)?;
        let classes = Reader::open(labels, Limits::default())
            .and_then(|reader| self.labels(reader))
            .map_err(in_labels)?;
        Dataset::with_classes(pixels, classes, self.classes.len()).map_err(in_labels)
    }

    fn read_archive(&self, path: &Path, part: &Part) -> Result<Dataset, Error> {
        let read = || {
            let mut zip = Zip::open(path)?;
            let member = |name: &str| format!("gzip/{name}.gz");
            let images = self.images(Reader::new(zip.member(&member(part.images))?)?)?;
            let labels = self.labels(Reader::new(zip.member(&member(part.labels))?)?)?;
            Dataset::with_classes(images, labels, self.classes.len())
        };
        read().map_err(|error| error.in_file(path))
    }

    fn images<R: Read>(&self, reader: Reader<R>) -> Result<Array3<u8>, Error> {
        let mut images = reader.into_ranked::<u8, Ix3>()?;
        if self.transposed {
            images.swap_axes(1, 2);
        }
        let (_, height, width) = images.dim();
        if (height, width) == self.image_size {
            return Ok(images);
        }
        let text = |(height, width): (usize, usize)| format!("{height}×{width}");
        let (expected, found) = (text(self.image_size), text((height, width)));
        Err(Error::new(ErrorKind::Shape { expected, found }).at(8))
    }

    fn labels<R: Read>(&self, reader: Reader<R>) -> Result<Array1<u8>, Error> {
        if reader.header().element_type() == ElementType::U8 {
            let labels = reader.into_ranked::<u8, ndarray::Ix1>()?;
            return self.count_from_zero(labels.into_iter().map(i64::from));
        }
        let columns = reader.into_ranked::<i32, Ix2>()?;
        if columns.ncols() == 0 {
            let kind = ErrorKind::Count {
                what: "columns of labels",
                expected: 1,
                found: 0,
            };
            return Err(Error::new(kind).at(8));
        }
        self.count_from_zero(
            columns
                .index_axis(Axis(1), 0)
                .iter()
                .copied()
                .map(i64::from),
        )
    }

    fn count_from_zero(&self, labels: impl Iterator<Item = i64>) -> Result<Array1<u8>, Error> {
        let first = i64::from(self.first_label);
        let number = |(index, label): (usize, i64)| {
            u8::try_from(label - first).map_err(|_| {
                let (lowest, classes) = (self.first_label, self.classes.len());
                Error::new(ErrorKind::Label {
                    index,
                    found: label,
                    lowest,
                    classes,
                })
            })
        };
        labels.enumerate().map(number).collect()
    }
}
