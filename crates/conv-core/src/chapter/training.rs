use rayon::prelude::*;
use std::ops::Range;

use super::network::argmax;
use super::window::{Any, Fixed, Window};
use super::{CLASSES, Geometry, Images, Network, exact, per_kernel, pooled};
use crate::simd::{LANES, Lanes, Op, Simd, dispatch, math};
use crate::{Bits, Error};

/// Images that one task takes forward.
const CHUNK: usize = 4;

/// How a step changes the network. The listing has five of these wrong; see `trainer errata`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// The step size of the dense layer.
    pub alpha: f64,
    /// That of the kernels: `alpha` is right, the listing has `-alpha`.
    pub kernel_alpha: f64,
    /// (label − prediction) is divided by it: the number of images of the batch is right.
    pub delta_divisor: f64,
    /// With h the tanh after dropout (0 or 2 tanh), the derivative is 1 − `slope` · h²: ¼ is right.
    pub slope: f32,
    /// What dropout made of a unit it kept: 2 is right.
    pub dropout_gradient: f64,
    /// Whether softmax subtracts the largest logit first.
    pub subtract_maximum: bool,
}

/// Which images a step takes, and where which of their sections are not blank.
#[derive(Clone, Debug)]
pub struct Batch {
    images: Range<usize>,
    /// The sections cell by cell: image and index, see [`Section`].
    sections: Vec<(u32, u32)>,
    /// Where each cell's part of `sections` begins; one more entry than cells.
    starts: Vec<usize>,
}

/// A section that is not blank.
pub(super) struct Section {
    /// Its image, counted from the first one of the batch.
    pub(super) image: usize,
    /// Its place among the sections of the batch, image by image.
    pub(super) index: usize,
}

impl Batch {
    /// The batch of these images.
    ///
    /// # Errors
    /// [`Error::Range`] if the range is empty or ends beyond the images.
    pub fn new(images: &Images, range: Range<usize>) -> Result<Self, Error> {
        if range.is_empty() || range.end > images.len() {
            let expected = format!(
                "a range that is not empty, of at most {} images",
                images.len()
            );
            return Err(Error::Range {
                what: "range",
                expected,
                found: range.end,
            });
        }
        let mut starts = vec![0; images.geometry.cells() + 1];
        for image in range.clone() {
            for &cell in images.cells(image) {
                starts[usize::from(cell) + 1] += 1;
            }
        }
        for cell in 1..starts.len() {
            starts[cell] += starts[cell - 1];
        }
        let mut next = starts.clone();
        let mut sections = vec![(0, 0); images.section_count(&range)];
        let mut index = 0;
        for image in range.clone() {
            for &cell in images.cells(image) {
                let at = &mut next[usize::from(cell)];
                sections[*at] = ((image - range.start) as u32, index);
                *at += 1;
                index += 1;
            }
        }
        Ok(Self {
            images: range,
            sections,
            starts,
        })
    }

    /// How many images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Never: a batch has at least one image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    #[inline(always)]
    pub(super) fn sections_at(&self, cell: usize) -> impl Iterator<Item = Section> {
        self.sections[self.starts[cell]..self.starts[cell + 1]]
            .iter()
            .map(|&(image, index)| Section {
                image: image as usize,
                index: index as usize,
            })
    }
}

/// The buffers of a training step; one serves every step, so that none allocates.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The batch's images as `f32` (image, pixel).
    pixels: Vec<f32>,
    /// What each section gave (section, group, 16).
    hidden: Vec<Lanes>,
    /// (label − prediction) / divisor, of each image.
    delta: Vec<Lanes>,
    /// The kernels' gradients, task by task.
    d_taps: Vec<Lanes>,
}

impl Workspace {
    /// The buffers for the steps on these batches.
    #[must_use]
    pub fn new<'a>(geometry: &Geometry, batches: impl IntoIterator<Item = &'a Batch>) -> Self {
        let (mut images, mut sections) = (0, 0);
        for batch in batches {
            images = images.max(batch.len());
            sections = sections.max(batch.sections.len());
        }
        Self {
            pixels: vec![0.0; images * geometry.pixels()],
            hidden: vec![Lanes::ZERO; sections * geometry.groups()],
            delta: vec![Lanes::ZERO; images],
            d_taps: vec![Lanes::ZERO; geometry.positions.0 * geometry.groups() * geometry.taps()],
        }
    }
}

/// The dropout masks of one image.
#[derive(Clone, Copy)]
pub(super) struct Dropout<'a> {
    masks: Option<&'a Bits>,
    first: usize,
}

impl<'a> Dropout<'a> {
    pub(super) const NONE: Self = Self {
        masks: None,
        first: 0,
    };

    /// Sixteen masks from unit `unit` on.
    #[inline(always)]
    pub(super) fn get16(self, unit: usize) -> u16 {
        self.masks.map_or(0, |masks| masks.get16(self.first + unit))
    }

    /// What dropout multiplies a unit by: 0 or 2.
    #[inline(always)]
    pub(super) fn scale(self, unit: usize) -> f32 {
        if self.get16(unit) & 1 == 1 { 2.0 } else { 0.0 }
    }

    fn of_image(masks: &'a Bits, first: usize, geometry: &Geometry, image: usize) -> Self {
        Self {
            masks: Some(masks),
            first: first + image * geometry.hidden(),
        }
    }
}

impl Network {
    /// One step on one batch; returns how many of its images were classified rightly on the way forward.
    ///
    /// The hidden units of image `i` of the batch are kept where the bits of `masks` from
    /// `first_mask + i * hidden` on are set. The result does not depend on the number of threads: what is
    /// summed in which order follows from the batch alone.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images or the workspace were made for another network or smaller batches, or
    /// if there are too few masks.
    pub fn train(
        &mut self,
        images: &Images,
        batch: &Batch,
        (masks, first_mask): (&Bits, usize),
        rules: &Rules,
        workspace: &mut Workspace,
    ) -> Result<usize, Error> {
        let geometry = self.geometry;
        self.check(images)?;
        let count = batch.len();
        let fits = |what, needed: usize, found: usize| {
            if found >= needed {
                Ok(())
            } else {
                Err(Error::Shape {
                    what,
                    expected: vec![needed],
                    found: vec![found],
                })
            }
        };
        fits("masks", first_mask + count * geometry.hidden(), masks.len())?;
        fits(
            "workspace",
            count * geometry.pixels(),
            workspace.pixels.len(),
        )?;
        fits(
            "workspace",
            batch.sections.len() * geometry.groups(),
            workspace.hidden.len(),
        )?;
        let tasks = geometry.positions.0 * geometry.groups();
        fits("workspace", tasks * geometry.taps(), workspace.d_taps.len())?;
        fits("images", batch.images.end, images.len())?;
        let (expected, found) = (batch.sections.len(), images.section_count(&batch.images));
        if expected != found {
            return Err(Error::Shape {
                what: "sections of the batch's images",
                expected: vec![expected],
                found: vec![found],
            });
        }

        let forward = Forward {
            net: self,
            images,
            first: batch.images.start,
            masks,
            first_mask,
            rules,
        };
        let correct = forward.images(
            batch.images.clone(),
            &mut workspace.pixels[..count * geometry.pixels()],
            &mut workspace.hidden[..batch.sections.len() * geometry.groups()],
            &mut workspace.delta[..count],
        );

        let backward = Backward {
            geometry: &geometry,
            batch,
            pixels: &workspace.pixels,
            hidden: &workspace.hidden,
            delta: &workspace.delta,
            masks,
            first_mask,
            alpha: rules.alpha,
            slope: rules.slope,
        };
        // A task has a row of positions, of one group of kernels or, with pooling, of all.
        let (vectors, groups) = match geometry.pooling {
            None => (geometry.image.1 * CLASSES, 1),
            Some(_) => (geometry.image.1, geometry.groups()),
        };
        let taps = groups * geometry.taps();
        let d_taps = &mut workspace.d_taps[..tasks * geometry.taps()];
        (
            self.dense.par_chunks_mut(vectors),
            self.master_dense.par_chunks_mut(vectors),
            d_taps.par_chunks_mut(taps),
        )
            .into_par_iter()
            .enumerate()
            .for_each(|(task, (dense, master, d_taps))| {
                dispatch(BackwardTask {
                    step: &backward,
                    task,
                    dense,
                    master,
                    d_taps,
                });
            });

        // The kernels' gradients, summed in the order of the tasks.
        let scale = rules.kernel_alpha * rules.dropout_gradient / 255.0;
        for (task, d_taps) in d_taps.chunks_exact(taps).enumerate() {
            let group = if geometry.pooling.is_some() {
                0
            } else {
                task / geometry.positions.0
            };
            for (master, d) in self.master_taps[group * geometry.taps()..]
                .iter_mut()
                .zip(d_taps)
            {
                for (tap, d) in master.iter_mut().zip(d.0) {
                    *tap += scale * f64::from(d);
                }
            }
        }
        self.round_taps();
        Ok(correct)
    }
}

/// The way forward through a batch.
#[derive(Clone, Copy)]
struct Forward<'a> {
    net: &'a Network,
    images: &'a Images,
    /// The batch's first image.
    first: usize,
    masks: &'a Bits,
    first_mask: usize,
    rules: &'a Rules,
}

impl Forward<'_> {
    /// Takes a range of images forward, halving it for other threads; the buffers are those of the range.
    fn images(
        self,
        range: Range<usize>,
        pixels: &mut [f32],
        hidden: &mut [Lanes],
        delta: &mut [Lanes],
    ) -> usize {
        if range.len() <= CHUNK {
            return dispatch(ForwardTask {
                forward: self,
                range,
                pixels,
                hidden,
                delta,
            });
        }
        let geometry = &self.net.geometry;
        let half = range.len() / 2;
        let (left, right) = (
            range.start..range.start + half,
            range.start + half..range.end,
        );
        let pixels = pixels.split_at_mut(half * geometry.pixels());
        let hidden = hidden.split_at_mut(self.images.section_count(&left) * geometry.groups());
        let delta = delta.split_at_mut(half);
        let (a, b) = rayon::join(
            || self.images(left, pixels.0, hidden.0, delta.0),
            || self.images(right, pixels.1, hidden.1, delta.1),
        );
        a + b
    }

    /// (label − prediction) / divisor from an image's logits, and whether it was classified rightly.
    fn delta(&self, image: usize, logits: &[f64; CLASSES]) -> (Lanes, bool) {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shift = if self.rules.subtract_maximum {
            largest
        } else {
            0.0
        };
        let powers = logits.map(|logit| math::exp(logit - shift));
        let sum: f64 = powers.iter().sum();
        let prediction = powers.map(|power| power / sum);
        let label = self.images.label(image);
        let mut delta = Lanes::ZERO;
        for (class, probability) in prediction.iter().enumerate() {
            let right = f64::from(u8::from(class == label));
            delta.0[class] = ((right - probability) / self.rules.delta_divisor) as f32;
        }
        (delta, argmax(&prediction) == label)
    }
}

struct ForwardTask<'a> {
    forward: Forward<'a>,
    range: Range<usize>,
    pixels: &'a mut [f32],
    hidden: &'a mut [Lanes],
    delta: &'a mut [Lanes],
}

impl Op for ForwardTask<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        match (
            self.forward.net.geometry.kernel,
            self.forward.net.geometry.image.1,
        ) {
            ((3, 3), 28) => self.through::<S, Fixed<S::F32, 3, 28>>(s),
            _ => self.through::<S, Any>(s),
        }
    }
}

impl ForwardTask<'_> {
    #[inline(always)]
    fn through<S: Simd, W: Window<S>>(self, s: S) -> usize {
        let Forward {
            net,
            images,
            first,
            masks,
            first_mask,
            ..
        } = self.forward;
        let geometry = &net.geometry;
        let (mut hidden, mut correct) = (self.hidden, 0);
        let buffers = self
            .pixels
            .chunks_exact_mut(geometry.pixels())
            .zip(self.delta);
        for (image, (pixels, delta)) in self.range.zip(buffers) {
            images.pixels_to(image, pixels);
            let cells = images.cells(image);
            let (own, rest) = hidden.split_at_mut(cells.len() * geometry.groups());
            hidden = rest;
            let dropout = Dropout::of_image(masks, first_mask, geometry, image - first);
            let mut logits = match geometry.pooling {
                None => per_kernel::forward::<S, W, true>(s, net, pixels, cells, dropout, own),
                Some(pooling) => {
                    pooled::forward::<S, W, true>(s, net, pooling, pixels, cells, dropout, own)
                }
            };
            if exact::is_close(&logits) {
                logits = exact::logits(net, pixels, cells, Some(dropout));
            }
            let (found, right) = self.forward.delta(image, &logits);
            *delta = found;
            correct += usize::from(right);
        }
        correct
    }
}

/// The way back through a batch.
pub(super) struct Backward<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) batch: &'a Batch,
    pixels: &'a [f32],
    pub(super) hidden: &'a [Lanes],
    pub(super) delta: &'a [Lanes],
    masks: &'a Bits,
    first_mask: usize,
    pub(super) alpha: f64,
    pub(super) slope: f32,
}

impl Backward<'_> {
    #[inline(always)]
    pub(super) fn pixels_of(&self, image: usize) -> &[f32] {
        &self.pixels[image * self.geometry.pixels()..][..self.geometry.pixels()]
    }

    #[inline(always)]
    pub(super) fn dropout_of(&self, image: usize) -> Dropout<'_> {
        Dropout::of_image(self.masks, self.first_mask, self.geometry, image)
    }
}

struct BackwardTask<'a> {
    step: &'a Backward<'a>,
    task: usize,
    dense: &'a mut [Lanes],
    master: &'a mut [[f64; LANES]],
    d_taps: &'a mut [Lanes],
}

impl Op for BackwardTask<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match (self.step.geometry.kernel, self.step.geometry.image.1) {
            ((3, 3), 28) => self.through::<S, Fixed<S::F32, 3, 28>>(s),
            _ => self.through::<S, Any>(s),
        }
    }
}

impl BackwardTask<'_> {
    #[inline(always)]
    fn through<S: Simd, W: Window<S>>(self, s: S) {
        let Self {
            step,
            task,
            dense,
            master,
            d_taps,
        } = self;
        match step.geometry.pooling {
            None => per_kernel::backward::<S, W>(s, step, task, dense, master, d_taps),
            Some(pooling) => {
                pooled::backward::<S, W>(s, step, pooling, task, dense, master, d_taps);
            }
        }
    }
}
