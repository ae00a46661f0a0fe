//! Reads a digit in a PNG or JPEG with a model that `trainer train` wrote:
//! `cargo run -p trainer --example read_digit runs/stacked/model.safetensors four.png`
#![forbid(unsafe_code)]

use std::{env, error::Error, fs, io::Cursor};

use conv_core::ndarray::Axis;
use trainer::{model::Model, picture::Picture};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = env::args_os().skip(1).map(fs::read);
    let (Some(model), Some(picture)) = (files.next(), files.next()) else {
        return Err("expected the files of a model and of a picture".into());
    };
    let (digit, probability) = read_digit(&model?, picture?)?;
    println!("{digit}, {:.1} %", 100.0 * probability);
    Ok(())
}

/// The likeliest digit, and its probability.
///
/// # Errors
/// If these are not the bytes of a model and of a picture.
pub fn read_digit(model: &[u8], picture: Vec<u8>) -> Result<(String, f32), Box<dyn Error>> {
    let model = Model::from_bytes(model)?;
    let picture = Picture::read(Cursor::new(picture))?;
    let prepared = model.preparation.prepare(&picture, model.image_size())?;
    let probabilities = model.probabilities(prepared.image.view().insert_axis(Axis(0)))?;
    let best = probabilities
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1));
    let (class, &probability) = best.ok_or("the model has no classes")?;
    Ok((model.classes[class].clone(), probability))
}
