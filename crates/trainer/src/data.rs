//! The images of a run: the embedded ones, or those of a folder.

use std::path::Path;

use mnist_data::{Splits, embedded};

use crate::failure::Failure;

/// The first `train_images` training images and all test images, of `folder` or embedded.
pub(crate) fn load(folder: Option<&Path>, train_images: usize) -> Result<Splits, Failure> {
    let splits = match folder {
        None => embedded::load(),
        Some(folder) => mnist_data::read_dir(folder)?,
    };
    if let Some(folder) = folder {
        for (set, name) in [(&splits.train, "training"), (&splits.test, "test")] {
            if set.is_empty() {
                let folder = folder.display();
                return Err(Failure::Error(format!(
                    "{folder}: found 0 {name} images, expected at least 1; `cargo xtask fetch-mnist` \
                     downloads MNIST and prints its folder"
                )));
            }
        }
    }
    let count = splits.train.len();
    if train_images > count {
        let more = match folder {
            None => format!(
                "1 to {count}, as many as are embedded; for more, run `cargo xtask fetch-mnist --dir DIR` \
                 and add `--data DIR`"
            ),
            Some(folder) => format!("1 to {count}, as many as {} has", folder.display()),
        };
        return Err(Failure::option("--train-images", train_images, more));
    }
    Ok(Splits {
        train: splits.train.first(train_images)?,
        test: splits.test,
    })
}
