//! A run with all that a page shows of it.

use mnist_data::Dataset;
use ndarray::Axis;

use super::kernels::{Picture, Sight};
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::model::Model;
use crate::run::Contents;

/// Classes whose first image that the network reads is the one its kernels are shown at work on: of the digits
/// those with a horizontal, an upright and round strokes.
const SAMPLES: [usize; 3] = [2, 4, 8];
/// Accuracies that differ by no more than this are the same, written and read.
const SAME: f64 = 1e-9;

/// A run.
pub struct Subject {
    /// What its folder tells.
    pub(crate) folder: Contents,
    /// What its model makes of the test images, where both are there.
    pub(crate) seen: Option<Seen>,
}

/// A model and the test images.
pub(crate) struct Seen {
    pub(crate) model: Model,
    pub(crate) images: Dataset,
    pub(crate) evaluation: Evaluation,
    /// None where the network has no convolution.
    pub(crate) sight: Option<Sight>,
}

impl Subject {
    /// A run, and where they are there its model and the test images that it is shown at.
    ///
    /// # Errors
    /// If the images do not fit the model.
    pub fn new(contents: Contents, model: Option<(Model, Dataset)>) -> Result<Self, Error> {
        let seen = model.map(|(model, images)| Seen::new(model, images));
        let mut subject = Self {
            folder: contents,
            seen: seen.transpose()?,
        };
        subject.compare_with_result();
        Ok(subject)
    }

    /// Reads a run, and shows its model the test images of the folder `data`, or those that it had.
    ///
    /// # Errors
    /// As [`Contents::read`]. Without a model or images there is a note.
    #[cfg(feature = "files")]
    pub fn read(path: &std::path::Path, data: Option<&std::path::Path>) -> Result<Self, Error> {
        use crate::run::records::{BEST, Environment, MODEL};

        let mut folder = Contents::read(path)?;
        let (end, best) = (path.join(MODEL), path.join(BEST));
        let model = if end.exists() {
            end
        } else if best.exists() {
            folder.notes.push(format!(
                "There is no {MODEL}, which a run writes at its end. Kernels, mistakes and calibration are those of \
                 {BEST}."
            ));
            best
        } else {
            folder.notes.push(format!(
                "There is no {MODEL}, which a run writes at its end: nothing here shows kernels, mistakes, or \
                 calibration."
            ));
            return Self::new(folder, None);
        };
        let own = folder.data();
        let used = folder.environment.as_ref().and_then(Environment::folder);
        if let (None, None, Some(used)) = (data, &own, used) {
            folder.notes.push(format!(
                "{} is gone, whose images the run used: others of the data set are shown here.",
                used.display()
            ));
        }
        let seen = Model::read(&model).and_then(|model| {
            let folder = data.or(own.as_deref());
            let splits = crate::images::of_catalogue(&model.dataset, folder)?;
            Seen::new(model, splits.test)
        });
        let seen = match seen {
            Ok(seen) => Some(seen),
            Err(error) => {
                folder.notes.push(format!(
                    "Nothing here shows kernels, mistakes, or calibration: {error}."
                ));
                None
            }
        };
        let mut subject = Self { folder, seen };
        subject.compare_with_result();
        Ok(subject)
    }

    /// A model that is not the result's, or other images, are told.
    fn compare_with_result(&mut self) {
        let told = self
            .folder
            .result
            .as_ref()
            .map(|result| result.test_accuracy);
        let found = self.seen.as_ref().map(|seen| seen.evaluation.accuracy);
        if let (Some(told), Some(found)) = (told, found)
            && (told - found).abs() > SAME
        {
            self.folder.notes.push(format!(
                "result.json has a test accuracy of {told}, model.safetensors has {found} on these images: the \
                 model or the images are not those of the result."
            ));
        }
    }

    /// The accuracy on the test images: the result's, or else what the model has.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        let told = self
            .folder
            .result
            .as_ref()
            .map(|result| result.test_accuracy);
        told.or(self.seen.as_ref().map(|seen| seen.evaluation.accuracy))
    }

    /// The loss on the test images: the result's, or else what the model has.
    pub(crate) fn loss(&self) -> Option<f64> {
        let told = self.folder.result.as_ref().map(|result| result.test_loss);
        told.or(self.seen.as_ref().map(|seen| seen.evaluation.loss))
    }

    /// Numbers that were trained.
    pub(crate) fn parameters(&self) -> Option<u64> {
        let told = self
            .folder
            .result
            .as_ref()
            .map(|result| result.parameters as u64);
        told.or(self
            .seen
            .as_ref()
            .map(|seen| seen.model.network.values().len() as u64))
    }

    /// Epochs that were trained.
    pub(crate) fn epochs(&self) -> Option<u64> {
        let told = self.folder.result.as_ref().map(|result| result.epochs);
        told.or(self.folder.epochs.last().map(|epoch| epoch.epoch))
    }
}

impl Seen {
    fn new(model: Model, images: Dataset) -> Result<Self, Error> {
        let evaluation = Evaluation::of(&model, &images)?;
        let samples = samples(&evaluation);
        let pictures = samples.iter().map(|&index| {
            let image = images.images().index_axis_move(Axis(0), index);
            let class = usize::from(images.labels()[index]);
            Picture::of_digit(
                image,
                format!("test image {index}, {}", model.classes[class]),
            )
        });
        let pictures = pictures.collect::<Result<Vec<_>, _>>()?;
        let some = images.select(&samples)?;
        let batch = some
            .batches(some.len())?
            .normalised(model.normalisation)
            .next();
        let sight = match batch {
            Some(batch) => Sight::new(&model.network, batch.images.view(), pictures)?,
            None => None,
        };
        Ok(Self {
            model,
            images,
            evaluation,
            sight,
        })
    }
}

/// The first image that is read right of each of three classes; where there is none, of the next.
fn samples(evaluation: &Evaluation) -> Vec<usize> {
    let classes = evaluation.classes.len();
    let mut samples: Vec<usize> = Vec::new();
    for class in SAMPLES.map(|class| class % classes.max(1)) {
        let mut of_class = evaluation
            .verdicts
            .iter()
            .filter(|verdict| verdict.label == class);
        let first = of_class.clone().next();
        let right = of_class.find(|verdict| verdict.predicted == class);
        if let Some(verdict) = right.or(first)
            && !samples.contains(&verdict.index)
        {
            samples.push(verdict.index);
        }
    }
    if samples.is_empty() {
        samples.extend(evaluation.verdicts.first().map(|verdict| verdict.index));
    }
    samples
}
