//! How good a model is on images whose classes are known.

use conv_core::ops::loss;
use mnist_data::Dataset;
use ndarray::{Array2, ArrayView2, Axis};
use serde::Serialize;

use crate::error::Error;
use crate::model::Model;

/// Bins of confidence, equally wide.
const BINS: usize = 15;

/// What a model makes of images, counted. Accuracies and probabilities are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// How many images there were.
    pub images: usize,
    /// The cross-entropy without smoothing, the mean over the images.
    pub loss: f64,
    /// The part of the images that were classified right.
    pub accuracy: f64,
    /// Class by class.
    pub classes: Vec<ClassFigures>,
    /// `confusion[label][predicted]`: how many images of a class were classified as which.
    pub confusion: Vec<Vec<usize>>,
    /// Whether the network is as often right as it says.
    pub calibration: Calibration,
    /// What became of each image, in their order.
    #[serde(skip)]
    pub verdicts: Vec<Verdict>,
}

/// A class as the images have it and as it was predicted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Its name.
    pub name: String,
    /// How many images are of it.
    pub images: usize,
    /// How many images were classified as it.
    pub predicted: usize,
    /// How many of those are of it; none if no image was.
    pub precision: Option<f64>,
    /// How many of its images were classified right; none if there are no images of it.
    pub recall: Option<f64>,
}

/// C. Guo et al., On calibration of modern neural networks, ICML (2017).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// The expected calibration error: the mean over the images of |accuracy − confidence| of their bin.
    pub error: f64,
    /// From the least confidence to the greatest.
    pub bins: Vec<Bin>,
}

/// The images whose most probable class has a probability above `from` up to `to`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// The greatest probability below the bin.
    pub from: f64,
    /// The greatest probability in the bin.
    pub to: f64,
    /// How many.
    pub images: usize,
    /// The mean probability of their most probable class; none without images.
    pub confidence: Option<f64>,
    /// The part of them that were classified right; none without images.
    pub accuracy: Option<f64>,
}

/// What became of one image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Where it stands in the data set.
    pub index: usize,
    /// Its class.
    pub label: usize,
    /// The most probable class, the first of equals.
    pub predicted: usize,
    /// The probability of `predicted`.
    pub probability: f64,
    /// −ln of the probability of `label`.
    pub loss: f64,
}

impl Evaluation {
    /// Of a model on the images of a data set.
    ///
    /// # Errors
    /// If there are no images, they have another size than the model's, or the data set has other classes.
    pub fn of(model: &Model, dataset: &Dataset) -> Result<Self, Error> {
        let logits = model.logits(dataset.images())?;
        Self::new(logits.view(), dataset.labels(), &model.classes)
    }

    /// From logits (N, classes), finite, and labels (N). It takes the logits and not their probabilities, since of a
    /// confident mistake the probability is 0 in f32, and the loss could not be told.
    ///
    /// # Errors
    /// If there are no images, not as many labels as rows, not as many names as columns, or a label is no class.
    pub fn new(
        logits: ArrayView2<'_, f32>,
        labels: &[u8],
        names: &[String],
    ) -> Result<Self, Error> {
        let (images, count) = logits.dim();
        if images == 0 {
            let message = "there are 0 images to evaluate on, expected at least 1";
            return Err(Error::Failed(message.to_owned()));
        }
        if labels.len() != images || names.len() != count {
            return Err(Error::Failed(format!(
                "{images} images have {} labels, {count} outputs {} names",
                labels.len(),
                names.len()
            )));
        }
        let mut verdicts = Vec::with_capacity(images);
        let mut confusion = vec![vec![0; count]; count];
        let logits = logits.as_standard_layout();
        let mut probabilities = Array2::zeros((1, count));
        let mut unused = Array2::zeros((1, count));
        for (index, (row, &label)) in logits.axis_chunks_iter(Axis(0), 1).zip(labels).enumerate() {
            let label = usize::from(label);
            if label >= count {
                return Err(Error::Failed(format!(
                    "image {index} has label {label}, expected 0 to {}, the model's classes; is it another \
                     data set than the model's?",
                    count - 1
                )));
            }
            let loss = loss::cross_entropy_of_labels(row, &[label], 0.0, unused.view_mut())?;
            loss::softmax(row, probabilities.view_mut())?;
            let predicted = largest(row);
            confusion[label][predicted] += 1;
            let probability = f64::from(probabilities[[0, predicted]]);
            verdicts.push(Verdict {
                index,
                label,
                predicted,
                probability,
                loss,
            });
        }
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let classes = names.iter().enumerate().map(|(class, name)| {
            let images = confusion[class].iter().sum();
            let predicted = confusion.iter().map(|row| row[class]).sum();
            let right = confusion[class][class];
            ClassFigures {
                name: name.clone(),
                images,
                predicted,
                precision: share(right, predicted),
                recall: share(right, images),
            }
        });
        let right = (0..count)
            .map(|class| confusion[class][class])
            .sum::<usize>();
        Ok(Self {
            images,
            loss: verdicts.iter().map(|verdict| verdict.loss).sum::<f64>() / images as f64,
            accuracy: right as f64 / images as f64,
            classes: classes.collect(),
            confusion,
            calibration: Calibration::of(&verdicts),
            verdicts,
        })
    }

    /// How many images were taken for what they are not.
    pub fn mistakes(&self) -> usize {
        let mistakes = self
            .verdicts
            .iter()
            .filter(|one| one.predicted != one.label);
        mistakes.count()
    }

    /// The `count` mistakes with the greatest loss, the worst first; fewer if there are no more.
    pub fn worst(&self, count: usize) -> Vec<Verdict> {
        let mistakes = self
            .verdicts
            .iter()
            .filter(|one| one.predicted != one.label);
        let mut mistakes: Vec<Verdict> = mistakes.copied().collect();
        // A stable sort: of equals the first one stays first.
        mistakes.sort_by(|a, b| b.loss.total_cmp(&a.loss));
        mistakes.truncate(count);
        mistakes
    }
}

impl Calibration {
    fn of(verdicts: &[Verdict]) -> Self {
        let mut sums = [(0_usize, 0.0_f64, 0_usize); BINS];
        for verdict in verdicts {
            let bin = (verdict.probability * BINS as f64).ceil() as usize;
            let (images, confidence, right) = &mut sums[bin.clamp(1, BINS) - 1];
            *images += 1;
            *confidence += verdict.probability;
            *right += usize::from(verdict.predicted == verdict.label);
        }
        let mut error = 0.0;
        let mut bins = Vec::new();
        for (number, (images, confidence, right)) in sums.into_iter().enumerate() {
            error += (right as f64 - confidence).abs();
            let mean = |sum: f64| (images > 0).then(|| sum / images as f64);
            bins.push(Bin {
                from: number as f64 / BINS as f64,
                to: (number + 1) as f64 / BINS as f64,
                images,
                confidence: mean(confidence),
                accuracy: mean(right as f64),
            });
        }
        error /= verdicts.len().max(1) as f64;
        Self { error, bins }
    }
}

/// The place of the largest number, the first of equals.
fn largest(numbers: ArrayView2<'_, f32>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (at, &number) in numbers.iter().enumerate() {
        if number > best.1 {
            best = (at, number);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    /// Everything by hand: logits are logarithms of the probabilities.
    #[test]
    fn counts_what_was_found() {
        let logits = array![
            [0.5_f32, 0.25, 0.25], // 0 as 0
            [0.1, 0.7, 0.2],       // 0 as 1
            [0.1, 0.8, 0.1],       // 1 as 1
            [0.2, 0.2, 0.6],       // 1 as 2
        ]
        .mapv(f32::ln);
        let found = Evaluation::new(logits.view(), &[0, 0, 1, 1], &names(3)).unwrap();
        assert_eq!(found.accuracy, 0.5);
        let losses = [0.5_f64, 0.1, 0.8, 0.2].map(|p| -p.ln());
        assert!((found.loss - losses.iter().sum::<f64>() / 4.0).abs() < 1e-6);
        assert_eq!(found.confusion, [[1, 1, 0], [0, 1, 1], [0, 0, 0]]);
        let figures = |class: usize| {
            let one = &found.classes[class];
            (one.images, one.predicted, one.precision, one.recall)
        };
        assert_eq!(figures(0), (2, 1, Some(1.0), Some(0.5)));
        assert_eq!(figures(1), (2, 2, Some(0.5), Some(0.5)));
        assert_eq!(figures(2), (0, 1, Some(0.0), None));

        let worst = found.worst(10);
        let places: Vec<_> = worst
            .iter()
            .map(|one| (one.index, one.label, one.predicted))
            .collect();
        assert_eq!(places, [(1, 0, 1), (3, 1, 2)]);
        assert!((worst[0].loss - losses[1]).abs() < 1e-6);
        assert!((worst[0].probability - 0.7).abs() < 1e-6);
        assert_eq!(found.worst(1).len(), 1);

        // Confidences 0.5, 0.7, 0.8, 0.6, each in a bin of its own.
        let error = ((1.0 - 0.5) + 0.7 + (1.0 - 0.8) + 0.6) / 4.0;
        assert!((found.calibration.error - error).abs() < 1e-6);
        let counts: Vec<_> = found
            .calibration
            .bins
            .iter()
            .map(|bin| bin.images)
            .collect();
        assert_eq!(counts.iter().sum::<usize>(), 4);
        for bin in found.calibration.bins.iter().filter(|bin| bin.images > 0) {
            let confidence = bin.confidence.unwrap();
            assert!(bin.from < confidence && confidence <= bin.to, "{bin:?}");
        }
    }

    #[test]
    fn a_confident_mistake_has_a_finite_loss() {
        let logits = array![[1000.0, 0.0], [0.0, 0.0]];
        let found = Evaluation::new(logits.view(), &[1, 0], &names(2)).unwrap();
        assert_eq!(found.verdicts[0].loss, 1000.0);
        // Of equals the first one is found.
        assert_eq!(found.verdicts[1].predicted, 0);
        assert_eq!(found.calibration.bins[14].images, 1);
        assert_eq!(found.calibration.bins[14].accuracy, Some(0.0));
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["accuracy"], 0.5);
        assert_eq!(
            json["calibration"]["bins"][0]["confidence"],
            serde_json::Value::Null
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let refused = |logits: &Array2<f32>, labels: &[u8], classes: usize| match Evaluation::new(
            logits.view(),
            labels,
            &names(classes),
        ) {
            Err(Error::Failed(message)) => message,
            _ => panic!("it was counted"),
        };
        let two = array![[1.0, 0.0], [0.0, 1.0]];
        assert!(refused(&two, &[0, 2], 2).starts_with("image 1 has label 2, expected 0 to 1"));
        assert!(refused(&two, &[0], 2).contains("1 labels"));
        assert!(refused(&two, &[0, 1], 3).contains("3 names"));
        assert!(refused(&Array2::zeros((0, 2)), &[], 2).contains("0 images"));
    }
}
