//! `trainer predict`: what a model sees in pictures.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use mnist_data::{Splits, catalog, embedded};
use ndarray::{Array2, Axis};
use serde::Serialize;
use trainer::model::Model;
use trainer::{images, picture};

use super::args::DataArgs;
use crate::failure::{Failure, say};

/// Classes that are told, the most probable first.
const TOP: usize = 3;

#[derive(Args)]
#[command(after_help = "Examples:
  trainer predict runs/stacked four.png                what the model of a run sees in a picture
  trainer predict model.safetensors test:17 train:3    ... in images of its data set
  trainer predict model.safetensors *.png --json       a line of JSON for each picture

A picture is a PNG of any size, with one digit on an even background. The background is the median of the
picture's border; darker or lighter ink are both understood. The digit is cut out, scaled to a box of 20×20 pixels
and centred by its mass in an image of 28×28, as MNIST's were; --show prints it.")]
pub(crate) struct PredictArgs {
    /// The file of a model, or the folder of a run that has one
    model: PathBuf,
    /// PNG files, or images of the data set: test:17 is its test image 17, train:3 its training image 3, from 0
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    /// Print each image as the network gets it
    #[arg(long, conflicts_with = "json")]
    show: bool,
    /// Print a line of JSON for each image
    #[arg(long)]
    json: bool,
}

/// What is told of an image.
#[derive(Serialize)]
struct Prediction<'a> {
    image: String,
    /// What it is, of an image of the data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    predictions: Vec<Class<'a>>,
}

#[derive(Serialize)]
struct Class<'a> {
    class: &'a str,
    probability: f32,
}

/// An image of the data set by its place.
struct Place {
    train: bool,
    index: usize,
}

impl Place {
    /// Of `test:17` or `train:3`; None of anything else, which names a file.
    ///
    /// # Errors
    /// If what follows the colon is no number, and no file has the name either.
    fn parse(name: &Path) -> Result<Option<Self>, Failure> {
        let Some((part, index)) = name.to_str().and_then(|name| name.split_once(':')) else {
            return Ok(None);
        };
        let train = match part {
            "train" => true,
            "test" => false,
            _ => return Ok(None),
        };
        match index.parse() {
            Ok(index) => Ok(Some(Self { train, index })),
            Err(_) if name.exists() => Ok(None),
            Err(_) => Err(Failure::Error(format!(
                "{part}:{index}: found {index:?}, expected the number of an image from 0, as in {part}:17"
            ))),
        }
    }
}

impl PredictArgs {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let model = Model::read(&self.model)?;
        // Loaded where an image of it is asked for.
        let mut splits = None;
        let mut failed = 0;
        for name in &self.images {
            match self.predict(&model, name, &mut splits) {
                Ok(text) => io::stdout().lock().write_all(text.as_bytes())?,
                Err(Failure::Error(message)) if self.images.len() > 1 => {
                    say(&format!("error: {message}"));
                    failed += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
        io::stdout().lock().flush()?;
        match failed {
            0 => Ok(()),
            _ => Err(Failure::Error(format!(
                "{failed} of {} images could not be read",
                self.images.len()
            ))),
        }
    }

    fn predict(
        &self,
        model: &Model,
        name: &Path,
        splits: &mut Option<Splits>,
    ) -> Result<String, Failure> {
        let (image, label) = match Place::parse(name)? {
            Some(place) => {
                let (image, label) = self.of_data_set(model, &place, splits)?;
                (image, model.classes.get(label).map(String::as_str))
            }
            None => {
                let digit = picture::digit(picture::read(name)?.view(), model.image_size());
                let digit = digit
                    .map_err(|problem| Failure::Error(format!("{}: {problem}", name.display())))?;
                (digit, None)
            }
        };
        let probabilities = model.probabilities(image.view().insert_axis(Axis(0)))?;
        let mut classes: Vec<Class<'_>> = model
            .classes
            .iter()
            .zip(probabilities)
            .map(|(class, probability)| Class { class, probability })
            .collect();
        classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        classes.truncate(TOP);
        let prediction = Prediction {
            image: name.display().to_string(),
            label,
            predictions: classes,
        };
        if self.json {
            let json = serde_json::to_string(&prediction);
            let json =
                json.map_err(|error| Failure::Error(format!("cannot write JSON: {error}")))?;
            return Ok(json + "\n");
        }
        let mut text = prediction.text();
        if self.show {
            text += &drawn(&image);
        }
        Ok(text)
    }

    fn of_data_set(
        &self,
        model: &Model,
        place: &Place,
        splits: &mut Option<Splits>,
    ) -> Result<(Array2<u8>, usize), Failure> {
        let dataset = self.data.dataset.as_ref().unwrap_or(&model.dataset);
        if let Some((image, label)) = self.embedded(dataset, place) {
            return Ok((image, label.into()));
        }
        let splits = match splits {
            Some(splits) => splits,
            None => {
                let loaded = images::of_catalogue(dataset, self.data.data.as_deref())?;
                splits.insert(loaded)
            }
        };
        let (part, set) = match place.train {
            true => ("train", &splits.train),
            false => ("test", &splits.test),
        };
        let index = place.index;
        if index >= set.len() {
            return Err(Failure::Error(format!(
                "{part}:{index}: {dataset} has {} such images, counted from 0",
                set.len()
            )));
        }
        let image = set.images().index_axis_move(Axis(0), index).to_owned();
        Ok((image, usize::from(set.labels()[index])))
    }

    /// An image that is embedded, where it is the only one asked for: then the others need not be decoded.
    fn embedded(&self, dataset: &str, place: &Place) -> Option<(Array2<u8>, u8)> {
        let alone = self.images.len() == 1 && self.data.data.is_none();
        match place.train {
            _ if !alone || dataset != catalog::MNIST.name => None,
            true => embedded::train_image(place.index),
            false => embedded::test_image(place.index),
        }
    }
}

impl Prediction<'_> {
    /// A line for people.
    fn text(&self) -> String {
        let classes: Vec<String> = self
            .predictions
            .iter()
            .map(|one| format!("{} {:.4}", one.class, one.probability))
            .collect();
        let label = self
            .label
            .map_or(String::new(), |label| format!("   (it is {label})"));
        format!("{}: {}{label}\n", self.image, classes.join(", "))
    }
}

/// An image as text, two characters a pixel.
fn drawn(image: &Array2<u8>) -> String {
    let mut text = String::new();
    for row in image.rows() {
        let line: String = row
            .iter()
            .map(|&level| ["  ", "░░", "▒▒", "▓▓", "██"][(usize::from(level) + 31) / 64])
            .collect();
        text += line.trim_end();
        text.push('\n');
    }
    text
}
