//! What training minimises: the loss over a batch's outputs and targets.

use ndarray::ArrayView2;

use crate::Error;
use crate::ops::argmax::argmax;
use crate::ops::check::{expect_shape, slice};
use crate::ops::loss;

/// What training minimises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Softmax and cross-entropy, see [`loss::cross_entropy`] and [`loss::cross_entropy_of_labels`].
    CrossEntropy {
        /// Label smoothing, 0 to 1; for [`Targets::Labels`] alone.
        smoothing: f32,
    },
    /// The mean of the squared errors, see [`loss::mean_squared_error`]; a label counts as one-hot.
    MeanSquaredError,
}

/// What the outputs for a batch should be.
///
/// ```
/// use conv_core::network::{Loss, Network, Targets, Workspace};
/// use conv_core::spec::{Layers, Spec};
/// use ndarray::{Array4, array};
///
/// let network = Network::new(&Spec::new((1, 1, 2), Layers::new().dense(3)), 1)?;
/// let (images, mut workspace) = (Array4::ones((2, 1, 1, 2)), Workspace::new());
/// // A label is as good as a row that is 1 at that class, and 0 elsewhere.
/// let one_hot = array![[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// let loss = Loss::CrossEntropy { smoothing: 0.0 };
/// let mut of = |targets| network.gradient(images.view(), targets, loss, 0, &mut workspace);
/// let of_labels = of(Targets::Labels(&[1, 2]))?;
/// let of_values = of(Targets::Values(one_hot.view()))?;
/// assert!((of_labels.loss - of_values.loss).abs() < 1e-6);
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// The class of each image.
    Labels(&'a [usize]),
    /// All the outputs of each image (N, outputs); for the cross-entropy each row sums to 1.
    Values(ArrayView2<'a, f32>),
}

/// Loss and correct predictions of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// The loss, the mean over the images.
    pub loss: f64,
    /// Of how many images the argmax of the output is the label, or the argmax of the target.
    pub correct: usize,
}

/// A loss and the targets of a batch, checked.
#[derive(Clone, Copy)]
pub(super) struct Objective<'a> {
    loss: Loss,
    targets: Checked<'a>,
    /// Images of the batch.
    images: usize,
}

#[derive(Clone, Copy)]
enum Checked<'a> {
    Labels(&'a [usize]),
    Values(&'a [f32]),
}

impl<'a> Objective<'a> {
    /// For a batch of so many images and outputs of an image.
    pub(super) fn new(
        loss: Loss,
        targets: &'a Targets<'_>,
        images: usize,
        outputs: usize,
    ) -> Result<Self, Error> {
        if let Loss::CrossEntropy { smoothing } = loss {
            loss::check_smoothing(smoothing)?;
        }
        let targets = match targets {
            Targets::Labels(labels) => {
                expect_shape("labels", &[images], &[labels.len()])?;
                loss::check_labels(labels, outputs)?;
                Checked::Labels(labels)
            }
            Targets::Values(values) => {
                expect_shape("targets", &[images, outputs], values.shape())?;
                Checked::Values(slice("targets", values)?)
            }
        };
        Ok(Self {
            loss,
            targets,
            images,
        })
    }

    /// Adds the losses of some images from number `first` of the batch on, and writes the gradient of their outputs.
    pub(super) fn add(
        &self,
        first: usize,
        values: &[f32],
        d_values: &mut [f32],
        outputs: usize,
        report: &mut Report,
    ) {
        let rows = values.chunks_exact(outputs);
        let rows = rows.zip(d_values.chunks_exact_mut(outputs));
        for (image, (row, d)) in (first..).zip(rows) {
            let n = self.images;
            let (own, label) = match self.targets {
                Checked::Labels(labels) => {
                    let label = labels[image];
                    let own = match self.loss {
                        Loss::CrossEntropy { smoothing } => {
                            loss::row(row, loss::smoothed(label, smoothing, outputs), n, d)
                        }
                        Loss::MeanSquaredError => {
                            let target = |class| f64::from(u8::from(class == label));
                            loss::squares(row, target, n * outputs, d) / outputs as f64
                        }
                    };
                    (own, label)
                }
                Checked::Values(all) => {
                    let own_target = &all[image * outputs..][..outputs];
                    let target = |class| f64::from(own_target[class]);
                    let own = match self.loss {
                        Loss::CrossEntropy { .. } => loss::row(row, target, n, d),
                        Loss::MeanSquaredError => {
                            loss::squares(row, target, n * outputs, d) / outputs as f64
                        }
                    };
                    (own, argmax(own_target))
                }
            };
            report.loss += own;
            report.correct += usize::from(argmax(row) == label);
        }
    }
}
