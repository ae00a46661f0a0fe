//! Trains a built-in recipe from a program of one's own: `cargo run -p trainer --example train`.
#![forbid(unsafe_code)]

use std::path::Path;

use trainer::images::Images;
use trainer::recipe::{Changes, Recipe};
use trainer::run::RunFolder;
use trainer::run::records::{Environment, Epoch};
use trainer::session::{Observer, Session};

/// Prints a line an epoch.
struct Lines;

impl Observer for Lines {
    fn epoch(&mut self, epoch: &Epoch) {
        println!("epoch {}: loss {:.4}", epoch.epoch, epoch.loss);
    }
}

fn main() -> Result<(), trainer::Error> {
    let changes = Changes {
        epochs: Some(3),
        ..Changes::default()
    };
    let recipe = Recipe::find("stacked", &changes)?;
    let images = Images::load(&recipe, None)?;
    let mut session = Session::new(&recipe, &images)?;
    let folder = RunFolder::create_in(Path::new("runs"), "example")?;
    folder.begin(
        &Environment::here(&images, 1, ["example".to_owned()])?,
        session.recipe(),
    )?;
    session.train(&folder, None, &mut Lines)?;
    let result = session.finish(&images, &folder)?;
    println!(
        "test accuracy {:.4}, in {}",
        result.test_accuracy,
        folder.path().display()
    );
    Ok(())
}
