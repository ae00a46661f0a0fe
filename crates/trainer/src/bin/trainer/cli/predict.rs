//! `trainer predict`: what a model sees in pictures.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use mnist_data::{Splits, catalog, embedded};
use ndarray::{Array2, Axis};
use serde::Serialize;
use trainer::images;
use trainer::model::Model;
use trainer::picture::{Area, Picture, Prepared, Warning};

use super::args::{DataArgs, ThreadArgs, path};
use crate::failure::{Failure, say};
use crate::terminal::output::print;

/// Classes that are told, the most probable first.
const TOP: usize = 3;
/// Probability of the first class of a picture below which there is a warning: of the pictures of `tests/pictures` it warns of
/// nine in ten that are read wrongly, and of at most one in five of the others.
const CERTAIN: f32 = 0.87;

#[derive(Args)]
#[command(after_help = "\
IMAGE is a PNG or JPEG file, or test:17 or train:3 for an image of the run's
data set, counted from 0. The format is told by the content, up to 134 million
pixels, and Exif orientation is applied.

How a picture becomes an image is stored in the model, as its data set was
made. For digits, ink is what is darker or lighter than the background around
it, in any colour; frames, dust, a page around a canvas and a desk around a
card are left out. The largest figure is scaled to 20×20 pixels and centred in
28×28 by its mass, as in MNIST. --show prints what is left out, and what the
network gets. Where there is doubt, a warning says why, on stderr and in
\"warnings\" of --json.

Examples:
  trainer predict runs/stacked four.png           classify a picture
  trainer predict runs/stacked test:17 train:3    classify images of MNIST
  trainer predict runs/stacked *.jpg --json       print a JSON line for each
  trainer predict runs/stacked 42.png --split     classify each of its digits")]
pub(crate) struct PredictArgs {
    /// File of a model, or folder of a run
    #[arg(value_parser = path())]
    model: PathBuf,
    /// PNG or JPEG files, or images of the data set such as test:17
    #[arg(required = true, value_name = "IMAGE", value_parser = path())]
    images: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Classify each figure of a picture, from left to right
    #[arg(long)]
    split: bool,
    /// Print what was cut out of each picture, and what the network gets
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
    /// With --split, which of the picture's figures it is, from 1, from left to right.
    #[serde(skip_serializing_if = "Option::is_none")]
    figure: Option<usize>,
    /// What it is, of an image of the data set.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    predictions: Vec<Class<'a>>,
    /// What was taken of a picture, in its pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<Area>,
    warnings: Vec<String>,
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
    /// If the index after the colon is not a whole number and no file has this name.
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
        self.threads.install(|| self.predict_all())
    }

    fn predict_all(&self) -> Result<(), Failure> {
        let model = Model::read(&self.model)?;
        // Loaded where an image of it is asked for.
        let mut splits = None;
        let mut failed = 0;
        for name in &self.images {
            match self.predict(&model, name, &mut splits) {
                Ok(text) => print(&text)?,
                Err(Failure::Error(message)) if self.images.len() > 1 => {
                    say(&format!("error: {message}"));
                    failed += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
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
        if let Some(place) = Place::parse(name)? {
            let (image, label) = self.of_data_set(model, &place, splits)?;
            // Of the data set, which need not be the one that the model was trained on.
            let entry = catalog::find(self.data.dataset(model));
            let prediction = Prediction {
                image: name.display().to_string(),
                figure: None,
                label: entry.and_then(|entry| entry.classes.get(label).copied()),
                predictions: first_classes(model, &image)?,
                area: None,
                warnings: Vec::new(),
            };
            return self.told(&prediction, "", &image);
        }
        let (picture, figures) = self
            .prepared(model, name)
            .map_err(|problem| Failure::Error(format!("{}: {problem}", name.display())))?;
        let mut text = String::new();
        for (at, prepared) in figures.iter().enumerate() {
            let predictions = first_classes(model, &prepared.image)?;
            let prediction = Prediction {
                image: name.display().to_string(),
                figure: self.split.then_some(at + 1),
                label: None,
                warnings: warnings(prepared, &predictions),
                predictions,
                area: Some(prepared.area),
            };
            for warning in &prediction.warnings {
                say(&format!("warning: {}: {warning}", prediction.name()));
            }
            let cut = cut(model, &picture, prepared);
            text += &self.told(&prediction, &cut, &prepared.image)?;
        }
        Ok(text)
    }

    /// The picture of a file, and what is to be read in it.
    fn prepared(
        &self,
        model: &Model,
        name: &Path,
    ) -> Result<(Picture, Vec<Prepared>), Box<dyn std::error::Error>> {
        // A folder can be opened; even to open a pipe may take for ever.
        if !fs::metadata(name)?.is_file() {
            return Err("this is not a regular file, expected a PNG or JPEG".into());
        }
        let picture = Picture::read(BufReader::new(File::open(name)?))?;
        let size = model.image_size();
        let figures = match self.split {
            true => model.preparation.split(&picture, size)?,
            false => vec![model.preparation.prepare(&picture, size)?],
        };
        Ok((picture, figures))
    }

    /// A prediction as lines for people or as JSON.
    fn told(
        &self,
        prediction: &Prediction<'_>,
        cut: &str,
        image: &Array2<u8>,
    ) -> Result<String, Failure> {
        if self.json {
            let json = serde_json::to_string(prediction);
            let json =
                json.map_err(|error| Failure::Error(format!("cannot write JSON: {error}")))?;
            return Ok(json + "\n");
        }
        let mut text = prediction.text();
        if self.show {
            text += cut;
            text += &drawn(image);
        }
        Ok(text)
    }

    fn of_data_set(
        &self,
        model: &Model,
        place: &Place,
        splits: &mut Option<Splits>,
    ) -> Result<(Array2<u8>, usize), Failure> {
        let dataset = self.data.dataset(model);
        let splits = match splits {
            Some(splits) => splits,
            None => {
                let folder = self.data.folder(&self.model, model)?;
                if folder.is_none()
                    && let Some((image, label)) = self.embedded(dataset, place)
                {
                    return Ok((image, label.into()));
                }
                splits.insert(images::of_catalogue(dataset, folder.as_deref())?)
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
        let alone = self.images.len() == 1;
        match place.train {
            _ if !alone || dataset != catalog::MNIST.name => None,
            true => embedded::train_image(place.index),
            false => embedded::test_image(place.index),
        }
    }
}

/// The most probable classes of an image.
fn first_classes<'a>(model: &'a Model, image: &Array2<u8>) -> Result<Vec<Class<'a>>, Failure> {
    let probabilities = model.probabilities(image.view().insert_axis(Axis(0)))?;
    let mut classes: Vec<Class<'_>> = model
        .classes
        .iter()
        .zip(probabilities)
        .map(|(class, probability)| Class { class, probability })
        .collect();
    classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    classes.truncate(TOP);
    Ok(classes)
}

/// Why a prediction may be wrong.
fn warnings(prepared: &Prepared, predictions: &[Class<'_>]) -> Vec<String> {
    let mut warnings: Vec<String> = prepared
        .warnings
        .iter()
        .map(|warning| match warning {
            Warning::SeveralFigures(_) => {
                format!("{warning}; the largest is read, --split reads each of them")
            }
            warning => warning.to_string(),
        })
        .collect();
    if let [first, second, ..] = predictions
        && first.probability < CERTAIN
    {
        warnings.push(format!(
            "the model is not certain: {} {:.2} or {} {:.2}",
            first.class, first.probability, second.class, second.probability
        ));
    }
    warnings
}

/// What was cut out of a picture, and how.
fn cut(model: &Model, picture: &Picture, prepared: &Prepared) -> String {
    let (height, width) = picture.size();
    let lines = |area: &Area| {
        format!(
            "rows {} to {}, columns {} to {}",
            area.top,
            area.bottom - 1,
            area.left,
            area.right - 1
        )
    };
    let ink = match prepared.darker {
        None => return format!("  taken as it is, {height}×{width}\n"),
        Some(true) => "darker than its background",
        Some(false) => "lighter than its background",
    };
    let mut text = format!(
        "  cut out: {} of {height}×{width}, {ink}\n  prepared as {}\n",
        lines(&prepared.area),
        model.preparation
    );
    for area in prepared.left_out.iter().take(TOP) {
        text += &format!("  left out: {}\n", lines(area));
    }
    match prepared.left_out.len() {
        0..=TOP => {}
        more => text += &format!("  left out: {} smaller parts\n", more - TOP),
    }
    text
}

impl Prediction<'_> {
    /// The image's name, with the figure's number if there is one.
    fn name(&self) -> String {
        match self.figure {
            None => self.image.clone(),
            Some(figure) => format!("{} figure {figure}", self.image),
        }
    }

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
        format!("{}: {}{label}\n", self.name(), classes.join(", "))
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
