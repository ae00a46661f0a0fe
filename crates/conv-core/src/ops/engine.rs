//! What convolutions and dense layers share: tables that find every product's factors in memory, and the
//! loops over tiles of outputs.
//!
//! Nothing is unrolled (no im2col). An output is Σₖ input[pixel + tap k] · kernel[k]: `pixels` says where the
//! window of each output pixel begins, `taps` where the k-th number under it lies from there. The same two
//! tables, swapped, give the gradient of the kernels: Σ over pixels of input[tap + pixel] · `d_output`[pixel].
//!
//! Kernels of 3 × 3 and 5 × 5 between many channels go another way, with fewer multiplications: see `winograd`.

mod d_kernels;
mod forward;
mod lines;
mod maxima;
mod pack;
mod peaks;
mod placement;
mod winograd;

use super::conv::Conv;
use crate::Error;
use crate::parallel::scratch;
pub(crate) use crate::parallel::scratch::{reserve, with_kernels};
use crate::shape::product as checked;
use crate::simd::{LANES, Lanes, TURNED, dispatch, dispatch_for, groups};
use d_kernels::DKernels;
use forward::Forward;
use lines::Lines;
pub(crate) use maxima::{Entries, Maxima};
pub(crate) use peaks::Peaks;
use placement::Placement;
use winograd::Winograd;
pub(crate) use winograd::{PANEL, TILES};

/// Rows of a tile of a kernel gradient, and what tasks on it are multiples of.
pub(crate) const TAPS: usize = 12;
/// Pixels over which a kernel gradient is summed before it is added to the others: few enough that their
/// `d_output` stays in the first cache, and that a sum's rounding errors stay small.
pub(crate) const BLOCK: usize = 256;

/// Numbers that a kernel is packed into for each of its input channels.
pub(crate) fn packed_window(
    conv: &Conv,
    output: (usize, usize),
    channels: (usize, usize),
) -> usize {
    if let Some(side) = winograd::suits(conv, output, channels) {
        return side.numbers();
    }
    let (kh, kw) = conv.window.size;
    kh.saturating_mul(kw)
}

/// The same in the kernels for the gradient of the input, where this [goes by tiles](Plan::has_d_input).
pub(crate) fn packed_window_back(
    conv: &Conv,
    output: (usize, usize),
    channels: (usize, usize),
) -> Option<usize> {
    let side = winograd::suits(conv, output, channels)?;
    winograd::is_back(side).then_some(side.numbers())
}

/// The tables of one convolution over images of one size.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    groups: usize,
    /// Input channels, and output channels, of a group.
    per_group: (usize, usize),
    placement: Placement,
    /// Output pixels of an image.
    count: usize,
    /// Where the window of each output pixel begins in the placed image; then in those behind it, for as many images as a
    /// gradient of the kernels takes together.
    pixels: Vec<u32>,
    /// Whether the pixels lie evenly by fours, but not by sevens: a tile's two halves then are quicker to address.
    by_fours: bool,
    /// Where each tap (row, column, input channel of the group) lies from there.
    taps: Vec<u32>,
    /// The columns of the output where its pixels are computed line by line.
    line: Option<usize>,
    /// The taps two by two, where kernels are few.
    pairs: Option<Pairs>,
    /// The quicker way, where there is one.
    winograd: Option<Winograd>,
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
        mut placement: Placement,
        (rows, cols): (usize, usize),
        stride: (usize, usize),
        (cin, cout): (usize, usize),
    ) -> Result<Self, Error> {
        let winograd = winograd::suits(conv, (rows, cols), (cin, cout))
            .map(|side| Winograd::new(side, &mut placement, (rows, cols), (cin, cout)));
        let per_group = (cin / conv.groups, cout / conv.groups);
        let width = placement.padded.1;
        checked("the padded input", &[placement.padded.0, width, cin])?;
        checked("output", &[rows, cols, cout])?;
        let ((kh, kw), (dy, dx)) = (conv.window.size, conv.window.dilation);
        let tap_count = checked("kernels", &[kh, kw, per_group.0])?;
        checked(
            "kernels",
            &[tap_count, groups(per_group.1), LANES, conv.groups],
        )?;
        let (count, placed) = (rows * cols, placement.padded.0 * width * cin);
        let together = (BLOCK / count.max(1)).min(u32::MAX as usize / placed.max(1));
        let mut pixels = Vec::with_capacity(count * together.max(1));
        for y in 0..rows {
            for x in 0..cols {
                pixels.push(((y * stride.0 * width + x * stride.1) * cin) as u32);
            }
        }
        for number in 1..together {
            pixels.extend_from_within(..count);
            for pixel in &mut pixels[number * count..] {
                *pixel += (number * placed) as u32;
            }
        }
        let mut taps = Vec::with_capacity(tap_count);
        // Pixels that lie evenly.
        let even = if cols == 1 { rows } else { cols };
        for ky in 0..kh {
            for kx in 0..kw {
                for channel in 0..per_group.0 {
                    taps.push(((ky * dy * width + kx * dx) * cin + channel) as u32);
                }
            }
        }
        let line = lines::suits((cin, cout), cols, stride);
        Ok(Self {
            groups: conv.groups,
            per_group,
            placement,
            count,
            pixels,
            by_fours: even.is_multiple_of(4) && !even.is_multiple_of(7),
            pairs: match line {
                Some(_) => None,
                None => Pairs::new(&taps, per_group.1),
            },
            line,
            taps,
            winograd,
        })
    }

    /// Images that a gradient of the kernels takes together.
    fn together(&self) -> usize {
        self.pixels.len() / self.count
    }

    /// Output pixels of an image.
    pub(crate) fn pixels(&self) -> usize {
        self.count
    }

    /// Tiles of an image's output that are computed together with those of other images, where this is the quicker way; larger
    /// tiles count as several.
    pub(crate) fn tiles(&self) -> Option<usize> {
        self.winograd.as_ref().map(Winograd::work)
    }

    /// The same with the taps one by one, however few the kernels are: packed, they are the rows of a matrix.
    pub(crate) fn without_pairs(self) -> Self {
        Self {
            pairs: None,
            ..self
        }
    }

    /// Whether the gradient of the input has a [quicker way](Self::d_input) than a [transposed](Self::transposed) plan.
    pub(crate) fn has_d_input(&self) -> bool {
        self.winograd.as_ref().is_some_and(Winograd::is_back)
    }

    /// Vectors of sixteen in the kernels packed for [`d_input`](Self::d_input).
    pub(crate) fn packed_back_len(&self) -> usize {
        self.winograd.as_ref().map_or(0, Winograd::packed_back_len)
    }

    /// Packs kernels (taps, Cout) for [`d_input`](Self::d_input).
    pub(crate) fn pack_back(&self, kernels: &[f32], packed: &mut [Lanes]) {
        if let Some(winograd) = &self.winograd {
            winograd.pack_back(kernels, packed);
        }
    }

    /// The gradient of the input of some images, where there [is](Self::has_d_input) this way; `buffer` has room for them
    /// [placed](Self::buffer).
    ///
    /// `d_output` (images, pixels, Cout), packed kernels → `d_input` (images, H, W, Cin)
    pub(crate) fn d_input(
        &self,
        d_output: &[f32],
        packed: &[Lanes],
        buffer: &mut [f32],
        d_input: &mut [f32],
    ) {
        let Some(winograd) = &self.winograd else {
            return;
        };
        if self.in_place() {
            d_input.fill(0.0);
            return winograd.add_d_input(d_output, packed, d_input);
        }
        let images = d_input.len() / self.input_len();
        let placed = &mut buffer[..images * self.placed_len()];
        placed.fill(0.0);
        winograd.add_d_input(d_output, packed, placed);
        let placed = placed.chunks_exact(self.placed_len());
        for (placed, d_input) in placed.zip(d_input.chunks_exact_mut(self.input_len())) {
            self.unplace(placed, d_input);
        }
    }

    /// Pixels of the output that are a task of their own where tiles are computed and images are large.
    pub(crate) fn band(&self) -> Option<usize> {
        self.winograd.as_ref().map(Winograd::band)
    }

    /// Lanes that a thread [reserves](reserve) for it.
    pub(crate) fn scratch_len(&self) -> usize {
        self.winograd.as_ref().map_or(0, Winograd::scratch_len)
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

    /// Vectors of sixteen in the packed kernels.
    pub(crate) fn packed_len(&self) -> usize {
        if let Some(winograd) = &self.winograd {
            return winograd.packed_len();
        }
        let per_group = match &self.pairs {
            Some(pairs) => groups(2 * self.per_group.1) * pairs.at.len(),
            None => groups(self.per_group.1) * self.taps.len(),
        };
        self.groups * per_group
    }

    fn panels(&self) -> impl Iterator<Item = Panel> + use<> {
        let all = groups(self.per_group.1);
        (0..all).step_by(2).map(move |first| Panel {
            first,
            lanes: (all - first).min(2),
        })
    }

    /// The output at some of the pixels of all the images, counted over the images; at those of whole images or of one
    /// [band](Self::band) where tiles are computed.
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
        if let Some(winograd) = &self.winograd {
            return winograd.forward((placed, first_pixel), packed, bias, output);
        }
        if let Some(columns) = self.line {
            // Vectors of eight pixels, of which a line is more often a multiple.
            return dispatch_for(
                TURNED,
                Lines {
                    plan: self,
                    columns,
                    placed,
                    first_pixel,
                    packed,
                    bias,
                    output,
                },
            );
        }
        dispatch(Forward {
            plan: self,
            placed,
            first_pixel,
            packed,
            bias,
            output,
        });
    }

    /// Adds to the rows `first_tap..` of the kernels' gradient what some images contribute; to all of them where
    /// [tiles](Self::tiles) are computed.
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
        if let Some(winograd) = &self.winograd {
            let panels = 0..winograd.panels();
            let to = (d_kernels, self.cout());
            return winograd.add_d_kernels((placed, d_output), panels, to);
        }
        dispatch(DKernels {
            plan: self,
            placed,
            d_output,
            first_tap,
            d_kernels,
            scratch,
        });
    }

    /// [`add_d_kernels`](Self::add_d_kernels) for some panels of kernels where [tiles](Self::tiles) are computed: the first number of
    /// `d_kernels` is the first one of the first panel, and it has so many a row.
    pub(crate) fn add_d_kernels_of(
        &self,
        panels: std::ops::Range<usize>,
        images: (&[f32], &[f32]),
        d_kernels: (&mut [f32], usize),
    ) {
        if let Some(winograd) = &self.winograd {
            winograd.add_d_kernels(images, panels, d_kernels);
        }
    }
}

/// Taps two by two, for kernels that fill half a tile at most: a vector then holds each kernel twice, once for
/// either tap of a pair, and an output is the sum of the two.
#[derive(Clone, Debug)]
struct Pairs {
    /// Where the first tap of each lies from the window's beginning; the second lies beside it.
    at: Vec<u32>,
    /// The number of the first tap, and whether an earlier pair has it already.
    taps: Vec<(usize, bool)>,
}

impl Pairs {
    fn new(taps: &[u32], kernels: usize) -> Option<Self> {
        let mut pairs = Self {
            at: Vec::new(),
            taps: Vec::new(),
        };
        let mut first = 0;
        for run in taps.chunk_by(|a, b| a + 1 == *b) {
            if run.len() < 2 {
                return None;
            }
            for i in (0..run.len()).step_by(2) {
                let skip = i + 1 == run.len();
                let i = i - usize::from(skip);
                pairs.at.push(run[i]);
                pairs.taps.push((first + i, skip));
            }
            first += run.len();
        }
        let pays = match kernels {
            0..=8 => true,
            // As many multiply-adds, but for taps that are counted twice; half as many numbers to fetch.
            9..=16 => 16 * pairs.at.len() <= 9 * taps.len(),
            _ => false,
        };
        pays.then_some(pairs)
    }
}

/// The kernels that are computed together: up to two vectors of sixteen.
#[derive(Clone, Copy)]
struct Panel {
    /// The first one, in vectors of sixteen.
    first: usize,
    lanes: usize,
}

/// The first of some kernels, within its group.
#[derive(Clone, Copy)]
struct Place {
    group: usize,
    kernel: usize,
}
