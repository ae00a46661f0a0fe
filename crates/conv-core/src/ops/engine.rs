//! What convolutions and dense layers share: tables that find every product's factors in memory, and the
//! loops over tiles of outputs.
//!
//! Nothing is unrolled (no im2col). An output is Σₖ input[pixel + tap k] · kernel[k]: `pixels` says where the
//! window of each output pixel begins, `taps` where the k-th number under it lies from there. The same two
//! tables, swapped, give the gradient of the kernels: Σ over pixels of input[tap + pixel] · `d_output`[pixel].

use super::conv::Conv;
use crate::Error;
use crate::shape::product as checked;
use crate::simd::{LANES, Lanes, Offsets, Op, Simd, dispatch, groups, product};

/// Rows of a tile of a kernel gradient, and what tasks on it are multiples of.
pub(crate) const TAPS: usize = 12;
/// Pixels over which a kernel gradient is summed before it is added to the others: few enough that their
/// `d_output` stays in the first cache, and that a sum's rounding errors stay small.
const BLOCK: usize = 256;

/// How an image is brought into the form in which no window leaves it.
#[derive(Clone, Copy, Debug)]
struct Placement {
    /// The image: rows, columns, channels.
    image: (usize, usize, usize),
    /// Rows and columns of what it is placed in.
    padded: (usize, usize),
    /// Where its first pixel comes to lie; it may be outside.
    at: (isize, isize),
    /// From one of its pixels to the next; holes are zeros.
    step: (usize, usize),
}

/// The tables of one convolution over images of one size.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    groups: usize,
    /// Input channels, and output channels, of a group.
    per_group: (usize, usize),
    placement: Placement,
    /// Where the window of each output pixel begins in the placed image.
    pixels: Vec<u32>,
    /// Where each tap (row, column, input channel of the group) lies from there.
    taps: Vec<u32>,
}

impl Plan {
    /// Forward, and for the gradient of the kernels. Input (H, W, Cin) → output channels.
    pub(crate) fn new(
        conv: &Conv,
        (h, w, cin): (usize, usize, usize),
        cout: usize,
    ) -> Result<Self, Error> {
        conv.check_channels(cin, cout)?;
        let (rows, cols) = conv.window.axes(h, w)?;
        let placement = Placement {
            image: (h, w, cin),
            padded: (rows.padded, cols.padded),
            at: (rows.before as isize, cols.before as isize),
            step: (1, 1),
        };
        let (down, right) = conv.window.stride;
        Self::of(
            conv,
            placement,
            (rows.output, cols.output),
            (down, right),
            (cin, cout),
        )
    }

    /// For the gradient of the input: a convolution over `d_output`, its pixels as far apart as the windows
    /// were, by the kernels turned round and with their channels swapped.
    pub(crate) fn transposed(
        conv: &Conv,
        (h, w, cin): (usize, usize, usize),
        cout: usize,
    ) -> Result<Self, Error> {
        conv.check_channels(cin, cout)?;
        let (rows, cols) = conv.window.axes(h, w)?;
        let ((kh, kw), (dy, dx)) = (conv.window.size, conv.window.dilation);
        let (reach_y, reach_x) = ((kh - 1) * dy, (kw - 1) * dx);
        let placement = Placement {
            image: (rows.output, cols.output, cout),
            padded: (h + reach_y, w + reach_x),
            at: (
                reach_y as isize - rows.before as isize,
                reach_x as isize - cols.before as isize,
            ),
            step: conv.window.stride,
        };
        Self::of(conv, placement, (h, w), (1, 1), (cout, cin))
    }

    fn of(
        conv: &Conv,
        placement: Placement,
        (rows, cols): (usize, usize),
        stride: (usize, usize),
        (cin, cout): (usize, usize),
    ) -> Result<Self, Error> {
        let per_group = (cin / conv.groups, cout / conv.groups);
        let width = placement.padded.1;
        checked("the padded input", &[placement.padded.0, width, cin])?;
        checked("output", &[rows, cols, cout])?;
        let ((kh, kw), (dy, dx)) = (conv.window.size, conv.window.dilation);
        let count = checked("kernels", &[kh, kw, per_group.0])?;
        checked("kernels", &[count, groups(per_group.1), LANES, conv.groups])?;
        let mut pixels = Vec::with_capacity(rows * cols);
        for y in 0..rows {
            for x in 0..cols {
                pixels.push(((y * stride.0 * width + x * stride.1) * cin) as u32);
            }
        }
        let mut taps = Vec::with_capacity(count);
        for ky in 0..kh {
            for kx in 0..kw {
                for channel in 0..per_group.0 {
                    taps.push(((ky * dy * width + kx * dx) * cin + channel) as u32);
                }
            }
        }
        Ok(Self {
            groups: conv.groups,
            per_group,
            placement,
            pixels,
            taps,
        })
    }

    /// Output pixels of an image.
    pub(crate) fn pixels(&self) -> usize {
        self.pixels.len()
    }

    /// Taps of a kernel, over the input channels of its group.
    pub(crate) fn taps(&self) -> usize {
        self.taps.len()
    }

    fn cout(&self) -> usize {
        self.groups * self.per_group.1
    }

    /// Numbers of an output.
    pub(crate) fn output_len(&self) -> usize {
        self.pixels() * self.cout()
    }

    /// Numbers of an input.
    pub(crate) fn input_len(&self) -> usize {
        let (h, w, c) = self.placement.image;
        h * w * c
    }

    /// Numbers of a placed image.
    pub(crate) fn placed_len(&self) -> usize {
        self.placement.padded.0 * self.placement.padded.1 * self.placement.image.2
    }

    /// Whether images are used as they are.
    pub(crate) fn in_place(&self) -> bool {
        let Placement {
            image,
            padded,
            at,
            step,
        } = self.placement;
        (image.0, image.1) == padded && at == (0, 0) && step == (1, 1)
    }

    /// Copies an image to where the windows find it. What is around must be zeros already, and stays as it is.
    pub(crate) fn place(&self, image: &[f32], placed: &mut [f32]) {
        let Placement {
            image: (_, cols, channels),
            padded,
            at,
            step,
        } = self.placement;
        let width = padded.1 * channels;
        for (y, row) in image.chunks_exact(cols * channels).enumerate() {
            let Some(to) =
                at.0.checked_add_unsigned(y * step.0)
                    .and_then(|y| usize::try_from(y).ok())
            else {
                continue;
            };
            let Some(to) = placed.chunks_exact_mut(width).nth(to) else {
                break;
            };
            if step.1 == 1 {
                // Columns that lie inside.
                let skip = at.1.min(0).unsigned_abs();
                let start = at.1.max(0).unsigned_abs();
                let count = cols
                    .saturating_sub(skip)
                    .min(padded.1.saturating_sub(start));
                let from = row
                    .get(skip * channels..(skip + count) * channels)
                    .unwrap_or_default();
                to[start * channels..][..from.len()].copy_from_slice(from);
            } else {
                for (x, pixel) in row.chunks_exact(channels).enumerate() {
                    let x =
                        at.1.checked_add_unsigned(x * step.1)
                            .and_then(|x| usize::try_from(x).ok());
                    if let Some(to) = x.and_then(|x| to.chunks_exact_mut(channels).nth(x)) {
                        to.copy_from_slice(pixel);
                    }
                }
            }
        }
    }

    /// Vectors of sixteen in the packed kernels.
    pub(crate) fn packed_len(&self) -> usize {
        self.groups * groups(self.per_group.1) * self.taps.len()
    }

    /// Packs kernels (taps, Cout) for [`forward`](Self::forward): (group, panel, tap, up to 2, 16), a panel
    /// being the kernels that one tile computes.
    pub(crate) fn pack(&self, kernels: &[f32], packed: &mut [Lanes]) {
        let cout = self.cout();
        self.pack_by(packed, |group, tap, kernel| {
            kernels[tap * cout + group * self.per_group.1 + kernel]
        });
    }

    /// For a [transposed](Self::transposed) plan, packs the kernels (taps, Cout) of the convolution, turned round.
    pub(crate) fn pack_transposed(&self, kernels: &[f32], packed: &mut [Lanes]) {
        let (per_out, per_in) = self.per_group;
        let cout = self.groups * per_out;
        let window = self.taps.len() / per_out;
        self.pack_by(packed, |group, tap, channel| {
            let (place, kernel) = (window - 1 - tap / per_out, tap % per_out);
            kernels[(place * per_in + channel) * cout + group * per_out + kernel]
        });
    }

    /// Packs the kernels of a plan without groups by what each tap of a kernel weighs.
    pub(crate) fn pack_from(&self, packed: &mut [Lanes], weight: impl Fn(usize, usize) -> f32) {
        self.pack_by(packed, |_, tap, kernel| weight(tap, kernel));
    }

    fn pack_by(&self, packed: &mut [Lanes], weight: impl Fn(usize, usize, usize) -> f32) {
        let count = self.taps.len();
        for group in 0..self.groups {
            for panel in self.panels() {
                let start = (group * groups(self.per_group.1) + panel.first) * count;
                let packed = &mut packed[start..][..panel.lanes * count];
                for (tap, packed) in packed.chunks_exact_mut(panel.lanes).enumerate() {
                    for (i, weights) in Lanes::flat_mut(packed).iter_mut().enumerate() {
                        let kernel = panel.first * LANES + i;
                        *weights = if kernel < self.per_group.1 {
                            weight(group, tap, kernel)
                        } else {
                            0.0
                        };
                    }
                }
            }
        }
    }

    fn panels(&self) -> impl Iterator<Item = Panel> + use<> {
        let all = groups(self.per_group.1);
        (0..all).step_by(2).map(move |first| Panel {
            first,
            lanes: (all - first).min(2),
        })
    }

    /// The output at some of the pixels of all the images, counted over the images.
    ///
    /// placed (images, placed image), packed kernels, bias (Cout) → output (pixels, Cout)
    pub(crate) fn forward(
        &self,
        placed: &[f32],
        first_pixel: usize,
        packed: &[Lanes],
        bias: Option<&[f32]>,
        output: &mut [f32],
    ) {
        dispatch(Forward {
            plan: self,
            placed,
            first_pixel,
            packed,
            bias,
            output,
        });
    }

    /// Adds to the rows `first_tap..` of the kernels' gradient what some images contribute.
    ///
    /// placed (images, placed image), `d_output` (images, pixels, Cout) → `d_kernels` (some taps, Cout)
    pub(crate) fn add_d_kernels(
        &self,
        placed: &[f32],
        d_output: &[f32],
        first_tap: usize,
        d_kernels: &mut [f32],
        scratch: &mut Vec<Lanes>,
    ) {
        dispatch(DKernels {
            plan: self,
            placed,
            d_output,
            first_tap,
            d_kernels,
            scratch,
        });
    }
}

/// The kernels that are computed together: up to two vectors of sixteen.
#[derive(Clone, Copy)]
struct Panel {
    /// The first one, in vectors of sixteen.
    first: usize,
    lanes: usize,
}

struct Forward<'a> {
    plan: &'a Plan,
    placed: &'a [f32],
    first_pixel: usize,
    packed: &'a [Lanes],
    bias: Option<&'a [f32]>,
    output: &'a mut [f32],
}

impl Op for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let plan = self.plan;
        let (count, per_out) = (plan.taps.len(), plan.per_group.1);
        for group in 0..plan.groups {
            for panel in plan.panels() {
                let start = (group * groups(per_out) + panel.first) * count;
                let kernels = Lanes::flat(&self.packed[start..][..panel.lanes * count]);
                // Vectors that hold kernels.
                let vectors = (per_out - panel.first * LANES)
                    .min(panel.lanes * LANES)
                    .div_ceil(S::WIDTH);
                let mut vector = 0;
                while vector < vectors {
                    let at = Place {
                        group,
                        kernel: panel.first * LANES + vector * S::WIDTH,
                    };
                    let b = (&kernels[vector * S::WIDTH..], panel.lanes * LANES);
                    vector += match (vectors - vector, S::REGISTERS) {
                        (1, _) => self.tiles::<S, 12, 1>(s, at, b),
                        (_, 32) => self.tiles::<S, 14, 2>(s, at, b),
                        (_, _) => self.tiles::<S, 6, 2>(s, at, b),
                    };
                }
            }
        }
    }
}

/// The first of some kernels, within its group.
#[derive(Clone, Copy)]
struct Place {
    group: usize,
    kernel: usize,
}

impl Forward<'_> {
    /// V vectors of kernels over all pixels, P at a time.
    #[inline(always)]
    fn tiles<S: Simd, const P: usize, const V: usize>(
        &mut self,
        s: S,
        at: Place,
        b: (&[f32], usize),
    ) -> usize {
        let plan = self.plan;
        let (per_in, per_out) = plan.per_group;
        let (cout, pixels, placed) = (plan.cout(), plan.pixels(), plan.placed_len());
        let channel = at.group * per_out + at.kernel;
        let width = (per_out - at.kernel).min(V * S::WIDTH);
        let mut start = [s.splat(0.0); V];
        if let Some(bias) = self.bias {
            for (start, bias) in start
                .iter_mut()
                .zip(bias[channel..][..width].chunks(S::WIDTH))
            {
                *start = s.load_first(bias);
            }
        }
        let taps = Offsets::new(&plan.taps);
        let (mut image, mut pixel) = (self.first_pixel / pixels, self.first_pixel % pixels);
        for output in self.output.chunks_mut(P * cout) {
            let mut rows = [0; P];
            let count = output.len() / cout;
            let mut row = 0;
            for (p, to) in rows.iter_mut().enumerate() {
                // A tile at the end computes its last pixel several times.
                if p < count {
                    row = image * placed + plan.pixels[pixel] as usize + at.group * per_in;
                    pixel += 1;
                    if pixel == pixels {
                        (image, pixel) = (image + 1, 0);
                    }
                }
                *to = row;
            }
            let mut sums = [start; P];
            product::<S, P, V>(s, (self.placed, &rows, taps), b, &mut sums);
            for (sums, output) in sums.iter().zip(output.chunks_exact_mut(cout)) {
                let output = output[channel..][..width].chunks_mut(S::WIDTH);
                for (sum, output) in sums.iter().zip(output) {
                    s.store_first(*sum, output);
                }
            }
        }
        V
    }
}

struct DKernels<'a> {
    plan: &'a Plan,
    placed: &'a [f32],
    d_output: &'a [f32],
    first_tap: usize,
    d_kernels: &'a mut [f32],
    scratch: &'a mut Vec<Lanes>,
}

impl Op for DKernels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let plan = self.plan;
        // An image that is rows of a batch may be short of some.
        let pixels = plan.pixels().min(self.d_output.len() / plan.cout());
        let per_out = plan.per_group.1;
        // Small images are taken together, large ones a part at a time.
        let images = (BLOCK / pixels).max(1);
        let blocks = self.d_output.chunks(images * pixels * plan.cout());
        for (block, d_output) in blocks.enumerate() {
            let placed = &self.placed[block * images * plan.placed_len()..];
            let from = (placed, d_output, pixels * plan.cout());
            for start in (0..pixels).step_by(BLOCK) {
                let range = start..(start + BLOCK).min(pixels);
                for group in 0..plan.groups {
                    let mut kernel = 0;
                    while kernel < per_out {
                        let at = Place { group, kernel };
                        let vectors = (per_out - kernel).div_ceil(S::WIDTH);
                        kernel += S::WIDTH
                            * match (vectors, S::REGISTERS) {
                                (1, _) => self.tiles::<S, TAPS, 1>(s, at, from, &range),
                                (_, 32) => self.tiles::<S, TAPS, 2>(s, at, from, &range),
                                (_, _) => self.tiles::<S, 6, 2>(s, at, from, &range),
                            };
                    }
                }
            }
        }
    }
}

impl DKernels<'_> {
    /// V vectors of kernels, P taps at a time, over a range of the pixels of some images.
    #[inline(always)]
    fn tiles<S: Simd, const P: usize, const V: usize>(
        &mut self,
        s: S,
        at: Place,
        (placed, d_output, output_len): (&[f32], &[f32], usize),
        range: &std::ops::Range<usize>,
    ) -> usize {
        let plan = self.plan;
        let (per_in, per_out) = plan.per_group;
        let cout = plan.cout();
        let channel = at.group * per_out + at.kernel;
        let width = (per_out - at.kernel).min(V * S::WIDTH);
        let images = d_output.len() / output_len;
        // Vectors that would reach beyond their kernels are copied first, zeros behind.
        let copied = !width.is_multiple_of(S::WIDTH);
        if copied {
            let needed = groups(V * S::WIDTH) * range.len() * images;
            self.scratch
                .resize(needed.max(self.scratch.len()), Lanes::ZERO);
            let rows = d_output.chunks_exact(output_len);
            let rows = rows
                .flat_map(|image| image[range.start * cout..range.end * cout].chunks_exact(cout));
            for (row, to) in rows.zip(self.scratch.chunks_exact_mut(groups(V * S::WIDTH))) {
                let to = Lanes::flat_mut(to).chunks_exact_mut(S::WIDTH);
                for (from, to) in row[channel..][..width].chunks(S::WIDTH).zip(to) {
                    s.store_first(s.load_first(from), to);
                }
            }
        }
        let pixels = Offsets::new(&plan.pixels[..output_len / cout]).part(range.clone());
        let taps = self.d_kernels.len() / cout;
        for (tile, d_kernels) in self.d_kernels.chunks_mut(P * cout).enumerate() {
            let mut rows = [0; P];
            for (p, row) in rows.iter_mut().enumerate() {
                let tap = self.first_tap + (tile * P + p).min(taps - 1);
                *row = plan.taps[tap] as usize + at.group * per_in;
            }
            let mut sums = [[s.splat(0.0); V]; P];
            for image in 0..images {
                let a = (&placed[image * plan.placed_len()..], &rows, pixels);
                let b = if copied {
                    let stride = groups(V * S::WIDTH);
                    let b = &self.scratch[image * range.len() * stride..];
                    (Lanes::flat(b), stride * LANES)
                } else {
                    (
                        &d_output[image * output_len + range.start * cout + channel..],
                        cout,
                    )
                };
                product::<S, P, V>(s, a, b, &mut sums);
            }
            for (sums, d_kernels) in sums.iter().zip(d_kernels.chunks_exact_mut(cout)) {
                let d_kernels = d_kernels[channel..][..width].chunks_mut(S::WIDTH);
                for (sum, d_kernels) in sums.iter().zip(d_kernels) {
                    let total = s.add(s.load_first(d_kernels), *sum);
                    s.store_first(total, d_kernels);
                }
            }
        }
        V
    }
}
