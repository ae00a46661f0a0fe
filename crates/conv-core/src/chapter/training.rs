use std::ops::Range;

use super::batch::Dropout;
use super::head::{per_kernel, pooled};
use super::logits::argmax;
use super::step::Backward;
use super::window::{Any, ThreeByThree, Window};
use super::{Batch, CLASSES, Images, Network, Workspace, exact};
use crate::simd::{LANES, Lanes, Op, Simd, dispatch, math};
use crate::tuning::CHAPTER_IMAGES_PER_TASK;
use crate::{Bits, Error, parallel};

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

impl Network {
    /// One step on one batch; returns how many of its images were classified correctly in the forward pass.
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
        masks: &Bits,
        first_mask: usize,
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
        let needed = first_mask.checked_add(count * geometry.hidden());
        let needed = needed.ok_or(Error::Overflow { what: "masks" })?;
        fits("masks", needed, masks.len())?;
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
        parallel::parts_of_three_mut(
            (&mut self.dense, vectors),
            (&mut self.master_dense, vectors),
            (d_taps, taps),
            |task, dense, master, d_taps| {
                dispatch(BackwardTask {
                    step: &backward,
                    task,
                    dense,
                    master,
                    d_taps,
                });
            },
        );

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

/// The forward pass of a batch.
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
    /// The forward pass of a range of images, which it halves for other threads. The buffers are those of the range. Returns how
    /// many images were classified correctly.
    fn images(
        self,
        range: Range<usize>,
        pixels: &mut [f32],
        hidden: &mut [Lanes],
        delta: &mut [Lanes],
    ) -> usize {
        if range.len() <= CHAPTER_IMAGES_PER_TASK {
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
        let (a, b) = parallel::both(
            || self.images(left, pixels.0, hidden.0, delta.0),
            || self.images(right, pixels.1, hidden.1, delta.1),
        );
        a + b
    }

    /// (label − prediction) / divisor from an image's logits, and whether it was classified correctly.
    ///
    /// Not compiled into a caller, as [`exact::is_close`].
    #[inline(never)]
    fn delta(&self, image: usize, logits: &[f64; CLASSES]) -> (Lanes, bool) {
        let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shift = if self.rules.subtract_maximum {
            max
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
            ((3, 3), 28) if S::UNROLLED => self.through::<S, ThreeByThree<S::F32, 28>>(s),
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
            let (image_delta, is_correct) = self.forward.delta(image, &logits);
            *delta = image_delta;
            correct += usize::from(is_correct);
        }
        correct
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
        // The two windows add up a gradient in different orders, and so this one is chosen by the sizes alone.
        match (self.step.geometry.kernel, self.step.geometry.image.1) {
            ((3, 3), 28) => self.through::<S, ThreeByThree<S::F32, 28>>(s),
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
