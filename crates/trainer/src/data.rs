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
    let (count, tests) = (splits.train.len(), splits.test.len());
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
    if let (Some(folder), 0) = (folder, tests) {
        let folder = folder.display();
        return Err(Failure::Error(format!(
            "{folder}: no test images; at least 1 is needed"
        )));
    }
    Ok(Splits {
        train: splits.train.first(train_images)?,
        test: splits.test,
    })
}
