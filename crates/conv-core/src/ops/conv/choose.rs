//! The one place that picks the algorithm of a convolution: forward and for the gradient of the kernels ([`choose`]), for
//! the gradient of the input ([`choose_d_input`]), and where max pooling is all that reads the output
//! ([`choose_max_pool`]). Each choice says the memory that it takes, and the first two their reason.
//!
//! Which algorithm runs decides about last bits, so the choice follows from the shapes alone.

use super::col2im::{Col2im, Kind};
use super::direct::{Direct, pair_count};
use super::geometry::Problem;
use super::max_pooled::extent::{COUNTED, SIDES, extent, table_len};
use super::winograd::{self, Tiling};
use crate::Error;
use crate::ops::pool::Pool;
use crate::shape::Window;
use crate::simd::{LANES, groups};
use crate::tuning::{
    COL2IM_CHANNELS, PAIRED_KERNELS, PAIRS_PAY, POOLED_OUTPUTS, POSITIONS_PER_LINE as LINE,
    SINGLE_CHANNEL_KERNELS, SOMETIMES_PAIRED_KERNELS, VALUES_IN_FIRST_CACHE, WINOGRAD_3X3_CHANNELS,
    WINOGRAD_5X5_CHANNELS, WINOGRAD_CHANNELS, WINOGRAD_PAYS,
};

/// How outputs and the gradient of the kernels are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// The sum over the taps, a vector being kernels: [`direct`](super::direct).
    Direct,
    /// The same with the taps two by two.
    DirectPairs,
    /// A vector being pixels of a row: [`single_channel`](super::single_channel). The gradient of the kernels is direct.
    SingleChannel,
    /// Transformed tiles: [`winograd`](super::winograd).
    Winograd(Tiling),
}

/// How the gradient of the input is computed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DInputAlgorithm {
    /// As the outputs of the transposed problem.
    Transposed(Choice),
    /// Sections, added up: [`col2im`](super::col2im).
    Col2im { kind: Kind },
    /// The tiles of the outputs' gradient, each adding to an overlapping tile of the input's:
    /// [`winograd`](super::winograd).
    OverlappingTiles(Tiling),
    /// The same with channels in a vector instead of tiles.
    OverlappingTilesByChannels(Tiling),
}

/// What an algorithm takes, in values of four bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Packed kernels.
    pub(crate) kernels: usize,
    /// Tables of offsets.
    pub(crate) tables: usize,
    /// Padded images and the like, for each image that goes through it at the same time.
    pub(crate) image: usize,
}

/// An algorithm for a problem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) algorithm: Algorithm,
    /// The problem with images padded as the algorithm reads them.
    pub(crate) problem: Problem,
    /// Why this one.
    pub(crate) reason: &'static str,
    pub(crate) memory: Memory,
}

/// An algorithm for the gradient of a problem's input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DInputChoice {
    pub(crate) algorithm: DInputAlgorithm,
    /// The problem with images padded as the algorithm writes their gradient.
    pub(crate) problem: Problem,
    /// Why this one.
    pub(crate) reason: &'static str,
    pub(crate) memory: Memory,
}

/// A convolution and its max pooling as one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxPoolChoice {
    /// Rows and columns of the pooling's tiles, where outputs that are not the maximum are never written.
    pub(crate) phases: Option<usize>,
    /// Besides that of the convolution alone and of the pooling alone.
    pub(crate) memory: Memory,
}

/// The algorithm for the outputs, and for the gradient of the kernels.
pub(crate) fn choose(problem: &Problem) -> Choice {
    let (algorithm, reason) = if let Some(tiling) = winograd_tiling(problem) {
        let reason = match tiling {
            Tiling::F2x3 => {
                "Winograd: F(2×2, 3×3) takes 16 multiplications for 4 outputs instead of 36"
            }
            Tiling::F4x3 => {
                "Winograd: F(4×4, 3×3) takes 36 multiplications for 16 outputs instead of 144"
            }
            Tiling::F4x5 => {
                "Winograd: F(4×4, 5×5) takes 64 multiplications for 16 outputs instead of 400"
            }
        };
        (Algorithm::Winograd(tiling), reason)
    } else if suits_single_channel(problem) {
        let reason = "by pixels: a few kernels over one channel fill no vector; pixels of a row do";
        (Algorithm::SingleChannel, reason)
    } else if suits_pairs(problem) {
        let reason = "by pairs of taps: a few kernels fill half a vector; two taps of each fill it";
        (Algorithm::DirectPairs, reason)
    } else {
        (Algorithm::Direct, "direct: the kernels fill vectors")
    };
    let mut problem = *problem;
    let (kernels, tables) = match algorithm {
        Algorithm::Winograd(tiling) => {
            problem.padded = winograd::padded(tiling, &problem);
            let cin = problem.input().channels;
            let packed = winograd::packed_len(tiling, cin, problem.output.channels);
            (packed.saturating_mul(LANES), 0)
        }
        _ => {
            let by_pairs = algorithm == Algorithm::DirectPairs;
            let packed = Direct::packed_len(&problem, by_pairs).saturating_mul(LANES);
            (packed, Direct::table_len(&problem, by_pairs))
        }
    };
    Choice {
        algorithm,
        memory: Memory {
            kernels,
            tables,
            image: padded_len(&problem),
        },
        problem,
        reason,
    }
}

/// The algorithm for the gradient of the input.
///
/// # Errors
/// [`Error::Overflow`] if the gradient's tables would be too large.
pub(crate) fn choose_d_input(problem: &Problem) -> Result<DInputChoice, Error> {
    let forward = choose(problem);
    if let Algorithm::Winograd(tiling @ Tiling::F4x5) = forward.algorithm {
        let cin = problem.input().channels;
        let packed = [tiling.values(), cin, groups(problem.output.channels), LANES];
        return Ok(DInputChoice {
            algorithm: DInputAlgorithm::OverlappingTiles(tiling),
            problem: forward.problem,
            reason: "overlapping Winograd tiles: around large kernels there are more tiles of the input than of the output",
            memory: Memory {
                kernels: saturating_product(&packed),
                ..forward.memory
            },
        });
    }
    if problem.groups == 1 && problem.input().channels < COL2IM_CHANNELS {
        let sections = Col2im::sections(problem)?;
        let (kind, reason) = if suits_rows(problem) {
            let reason = "col2im by rows: a section of 3 × 3 over one channel is one vector";
            (Kind::Rows, reason)
        } else if suits_pairs(&sections) {
            let reason =
                "col2im by pairs: few input channels fill no vector; two taps at a time do";
            (Kind::RunsOfPairs, reason)
        } else {
            let reason = "col2im: few input channels fill no vector; the taps of a section do";
            (Kind::Runs, reason)
        };
        let [kernels, tables, image] = Col2im::memory(problem, &sections, kind);
        return Ok(DInputChoice {
            algorithm: DInputAlgorithm::Col2im { kind },
            problem: *problem,
            reason,
            memory: Memory {
                kernels,
                tables,
                image,
            },
        });
    }
    let transposed = transposed(
        problem,
        "transposed convolution: the input channels fill vectors",
    )?;
    if let Algorithm::Winograd(tiling) = forward.algorithm
        && overlapping_pays(problem, tiling, &transposed)
    {
        let (cin, cout) = (problem.input().channels, problem.output.channels);
        let packed = winograd::packed_len(tiling, cout, cin);
        return Ok(DInputChoice {
            algorithm: DInputAlgorithm::OverlappingTilesByChannels(tiling),
            problem: forward.problem,
            reason: "overlapping Winograd tiles: there are more tiles of the input than of the output",
            memory: Memory {
                kernels: packed.saturating_mul(LANES),
                ..forward.memory
            },
        });
    }
    Ok(transposed)
}

/// Whether the gradient of a problem's input takes so much fewer multiplications by tiles of the output than as a convolution.
fn overlapping_pays(problem: &Problem, tiling: Tiling, transposed: &DInputChoice) -> bool {
    let DInputAlgorithm::Transposed(choice) = transposed.algorithm else {
        return false;
    };
    // As for the outputs: for more channels a thread would need much memory.
    if problem.output.channels > WINOGRAD_CHANNELS {
        return false;
    }
    let transposed = match choice.algorithm {
        Algorithm::Winograd(tiling) => multiplications(&choice.problem, tiling),
        _ => saturating_product(&[choice.problem.output.pixels(), tiling.taps()]) as u64,
    };
    let (fewer, more) = WINOGRAD_PAYS;
    multiplications(problem, tiling).saturating_mul(more) <= transposed.saturating_mul(fewer)
}

/// Multiplications of a convolution by tiles, for each pair of channels.
fn multiplications(problem: &Problem, tiling: Tiling) -> u64 {
    let tiles = tiling.tiles(problem.output.rows, problem.output.cols);
    saturating_product(&[tiles.0, tiles.1, tiling.values()]) as u64
}

/// The algorithm for the gradient of a dense layer's input.
///
/// # Errors
/// As [`choose_d_input`].
pub(crate) fn choose_dense_d_input(problem: &Problem) -> Result<DInputChoice, Error> {
    transposed(
        problem,
        "transposed convolution: sections of a single pixel would be the input itself",
    )
}

fn transposed(problem: &Problem, reason: &'static str) -> Result<DInputChoice, Error> {
    let transposed = choose(&problem.transposed()?);
    Ok(DInputChoice {
        algorithm: DInputAlgorithm::Transposed(transposed),
        problem: *problem,
        reason,
        memory: transposed.memory,
    })
}

/// Whether a convolution and the pooling of its output are better computed as one, and how.
///
/// # Errors
/// As [`Window::output`] of the pooling.
pub(crate) fn choose_max_pool(
    problem: &Problem,
    pool: Pool,
    window: &Window,
) -> Result<Option<MaxPoolChoice>, Error> {
    let output = problem.output;
    let (rows, cols) = window.output(output.rows, output.cols)?.into();
    // Where more outputs have a gradient, to leave out the others does not pay.
    let pooled = rows as u64 * cols as u64;
    let sparse = pooled * POOLED_OUTPUTS <= output.pixels() as u64;
    if pool != Pool::Max || problem.groups != 1 || !sparse {
        return Ok(None);
    }
    let phases = tile_side(problem, window)?.filter(|&side| suits_phases(problem, side));
    let kernels = problem.taps().saturating_mul(output.channels);
    let memory = Memory {
        kernels: groups(kernels).saturating_mul(LANES),
        tables: table_len(problem, phases),
        // Where each output with a gradient lies, and the gradient.
        image: saturating_product(&[2, rows, cols, output.channels]),
    };
    Ok(Some(MaxPoolChoice { phases, memory }))
}

/// The tiling, if a problem is quicker by Winograd's algorithm.
fn winograd_tiling(problem: &Problem) -> Option<Tiling> {
    // Of fewer channels the transforms would take most of the time; of more kernels of 5 × 5 a thread would need much
    // memory for the gradient of the input.
    let (tilings, least, most): (&[_], _, _) = match problem.kernel {
        (3, 3) => (
            &[Tiling::F2x3, Tiling::F4x3],
            WINOGRAD_3X3_CHANNELS,
            usize::MAX,
        ),
        (5, 5) => (&[Tiling::F4x5], WINOGRAD_5X5_CHANNELS, WINOGRAD_CHANNELS),
        _ => return None,
    };
    let inputs = (least..=WINOGRAD_CHANNELS).contains(&problem.input().channels);
    let kernels = (LANES..=most).contains(&problem.output.channels);
    if !(problem.is_plain() && inputs && kernels) {
        return None;
    }
    // Of tiles that reach beyond the output, a part is computed for nothing. Where two tilings take as many multiplications, the
    // smaller tiles are a tenth quicker, with fewer rounding errors (docs/notes/2026-11-winograd.md).
    let fewest = |&&tiling: &&Tiling| multiplications(problem, tiling);
    let tiling = *tilings.iter().min_by_key(fewest)?;
    let plain = saturating_product(&[problem.output.pixels(), tiling.taps()]) as u64;
    let (fewer, more) = WINOGRAD_PAYS;
    let pays = multiplications(problem, tiling).saturating_mul(more) <= plain.saturating_mul(fewer);
    pays.then_some(tiling)
}

/// Whether the pixels of a row, whose windows lie beside each other, fill vectors, and the kernels do not.
fn suits_single_channel(problem: &Problem) -> bool {
    let (fewest, most) = SINGLE_CHANNEL_KERNELS;
    problem.input().channels == 1
        && (fewest..=most).contains(&problem.output.channels)
        && problem.stride.1 == 1
        && problem.output.cols >= LANES
}

/// Whether a section is 3 × 3 pixels of a single channel, one pixel from the next.
fn suits_rows(problem: &Problem) -> bool {
    problem.is_plain() && problem.kernel == (3, 3) && problem.input().channels == 1
}

fn suits_pairs(problem: &Problem) -> bool {
    let kernels = problem.group_kernels();
    if kernels > SOMETIMES_PAIRED_KERNELS {
        return false;
    }
    let pairs = pair_count(problem) as u64;
    // As many multiply-adds, but for taps that are counted twice; half as many values to fetch.
    let pays = PAIRS_PAY.1 * pairs <= PAIRS_PAY.0 * problem.taps() as u64;
    pairs > 0 && (kernels <= PAIRED_KERNELS || pays)
}

/// Rows and columns of the pooling's windows, if they are tiles of squares from the first pixel on.
fn tile_side(problem: &Problem, window: &Window) -> Result<Option<usize>, Error> {
    let (rows, cols) = (problem.output.rows, problem.output.cols);
    let side = window.size.down;
    let tiles = window.size == side.into()
        && window.stride == side.into()
        && (window.dilation == 1.into() || side == 1)
        && window.before(rows, cols)? == 0.into()
        && window.output(rows, cols)? == (rows / side, cols / side).into();
    Ok(tiles.then_some(side))
}

/// Whether max pooling over such tiles goes phase by phase.
fn suits_phases(problem: &Problem, side: usize) -> bool {
    let (rows, cols) = (problem.output.rows, problem.output.cols);
    let positions = (rows / side, cols / side);
    if choose(problem).algorithm != Algorithm::SingleChannel
        || !SIDES.contains(&side)
        || problem.stride.0 != 1
        || problem.output.pixels() >= COUNTED as usize
        || positions.0 < LANES / LINE
        || positions.1 < LINE
    {
        return false;
    }
    let (starts, lines) = extent(problem, side);
    starts * side * lines * LINE <= VALUES_IN_FIRST_CACHE
}

fn padded_len(problem: &Problem) -> usize {
    if problem.padded.is_image() {
        return 0;
    }
    let padded = &problem.padded;
    saturating_product(&[padded.rows, padded.cols, padded.image.channels])
}

fn saturating_product(sizes: &[usize]) -> usize {
    let product = |product: usize, &size: &usize| product.saturating_mul(size);
    sizes.iter().fold(1, product)
}
