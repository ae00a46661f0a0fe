//! Every size that was chosen rather than given, once, with its reason.
//!
//! What a network, a file or a workspace may take at most is not here: such a limit changes neither bits nor speed, and
//! stands beside the check that refuses what is beyond it (`network/budget.rs`, `network/workspace.rs`, `network/layout.rs`,
//! `saved.rs`, `chapter/geometry.rs`, `shape/limit.rs`).
//!
//! # Sizes that fix bits
//!
//! They decide in which order values are added up, or by which algorithm. To change one changes the last bits of results
//! on every machine alike: the pinned digests are then recorded anew, once.
//!
//! # Sizes that fix only speed
//!
//! They may be tuned without changing a bit of a result.

// ---- Sizes that fix bits ----

/// Logical lanes of every vector, on every instruction set: sums over lanes are sixteen sums.
pub(crate) const LANES: usize = 16;
/// Kernels of a convolution of one channel whose vectors are pixels, at least and at most: fewer compute few sums from
/// the pixels that they load, and more fill vectors themselves.
pub(crate) const SINGLE_CHANNEL_KERNELS: (usize, usize) = (4, 8);

/// Pixels over which the gradient of a kernel is summed before the sum is added to the others: few enough that their
/// `d_output` stays in the first cache, and that a sum's rounding errors stay small.
pub(crate) const PIXELS_PER_SUM: usize = 256;

/// Shards that a batch of little work is divided into, at most. Each shard has a gradient of all parameters, and these are
/// added in their order.
pub(crate) const FEWEST_SHARDS: u64 = 8;
/// Shards that a batch of much work is divided into, at most.
pub(crate) const MOST_SHARDS: u64 = 16;
/// Multiply-adds of the forward pass that are worth a shard of their own.
pub(crate) const WORK_PER_SHARD: u64 = 1 << 22;
/// Values and gradients of a block of images, which goes through a network layer by layer: they stay in a core's second
/// cache. Sums over the pixels of small images go over the images of a block.
pub(crate) const VALUES_PER_BLOCK: u64 = 1 << 17;
/// Images of a block, at most.
pub(crate) const IMAGES_PER_BLOCK: u64 = 32;

/// Tasks of an operation on a batch whose sums are added in their order.
pub(crate) const SUMS_PER_BATCH: usize = 16;
/// Sums over the channels of a pixel in layer normalisation, by turns: lanes of a vector of `f64`.
pub(crate) const SUMS_PER_PIXEL: usize = 8;

/// Tiles of a block in a Winograd convolution of 3 × 3, at most: one product of matrices multiplies them all, and the
/// gradient of the kernels is summed over the blocks.
pub(crate) const WINOGRAD_TILES_PER_BLOCK: usize = 128;
/// Transformed values of the input and of a panel of kernels in a block of F(4×4, 3×3): they stay in a core's second cache.
pub(crate) const WINOGRAD_VALUES_PER_BLOCK: usize = 3 << 16;
/// Tiles of such a block, at least and at most: so few that a core reads large kernels often, so many that it gains no more.
pub(crate) const WINOGRAD_4X4_TILES_PER_BLOCK: (usize, usize) = (32, 64);
/// The same of 5 × 5, whose tiles have four times as many values.
pub(crate) const WINOGRAD_5X5_TILES_PER_BLOCK: usize = WINOGRAD_TILES_PER_BLOCK / 4;
/// The same of 5 × 5 with [many channels](WINOGRAD_WIDE_CHANNELS), so that a thread needs no more memory than it keeps.
pub(crate) const WINOGRAD_WIDE_5X5_TILES_PER_BLOCK: usize = WINOGRAD_TILES_PER_BLOCK / 8;
/// What the tiles of a block are a multiple of, except in the last block: a product of matrices takes so many rows at a time.
pub(crate) const WINOGRAD_TILES_MULTIPLE: usize = 8;
/// Input channels of a Winograd convolution, at most: for more a thread would need much memory.
pub(crate) const WINOGRAD_CHANNELS: usize = 512;
/// Channels above which a Winograd convolution of 5 × 5 takes smaller blocks of tiles.
pub(crate) const WINOGRAD_WIDE_CHANNELS: usize = 256;
/// Vectors of tiles of a block, at most, for the gradient of the input of a 5 × 5 convolution: overlapping tiles are added
/// up block by block.
pub(crate) const TILE_VECTORS: usize = 2;
/// Channels that a 3 × 3 convolution must have for its transforms to take less time than they save.
pub(crate) const WINOGRAD_3X3_CHANNELS: usize = LANES;
/// Channels that a 5 × 5 convolution must have for the same: its transforms save more.
pub(crate) const WINOGRAD_5X5_CHANNELS: usize = LANES / 2;
/// Input channels from which on the gradient of the input is a transposed convolution: fewer would not fill a vector, and
/// go by col2im.
pub(crate) const COL2IM_CHANNELS: usize = LANES;
/// Kernels of a group, at most, whose taps are always taken two by two: so few leave half of a vector empty.
pub(crate) const PAIRED_KERNELS: usize = 8;
/// Pairs of taps pay where there are at most 9 pairs to 16 taps: that is half as many, and a few taps counted twice.
pub(crate) const PAIRS_PAY: (u64, u64) = (9, 16);
/// Winograd's algorithm pays where it takes at most 2 multiplications to 3 of the plain sum: its transforms take about a
/// third of the time.
pub(crate) const WINOGRAD_PAYS: (u64, u64) = (2, 3);
/// A convolution and its max pooling are one step where at most one output in 2 is a maximum.
pub(crate) const POOLED_OUTPUTS: u64 = 2;
/// Kernels of a group, at most, whose taps are taken two by two where that [pays](PAIRS_PAY).
pub(crate) const SOMETIMES_PAIRED_KERNELS: usize = 16;

// ---- Sizes that fix only speed ----

// Tiles of two vectors of sums are an instruction set's own: see simd/tiles.rs. Those below have the same shape everywhere,
// for sixteen registers.

/// Kernels of a block over a line of pixels: with [`PIXEL_VECTORS`] they are twelve sums, which leaves four registers of
/// sixteen.
pub(crate) const KERNEL_BLOCK: usize = 4;
/// Vectors of pixels of a row in a block, at most.
pub(crate) const PIXEL_VECTORS: usize = 3;
/// Vectors that are transposed at once: as many as the narrower vectors have lanes.
pub(crate) const TRANSPOSED: usize = LANES / 2;
/// Positions of a row that lie in one vector, where max pooled outputs are computed phase by phase.
pub(crate) const POSITIONS_PER_LINE: usize = LANES / 2;
/// Pixels in the halves of the two tiles from which an instruction set with 32 registers chooses: the distances of so many
/// are in registers.
pub(crate) const HALF_TILES: (usize, usize) = (4, 7);
/// Pixels of a tile of one vector of kernels: twelve sums, which leaves four registers of sixteen.
pub(crate) const PIXELS_PER_NARROW_TILE: usize = 12;
/// Pixels of the smallest tile: the last one of an image, or the only one of a dense layer, has at most so many.
pub(crate) const PIXELS_PER_SMALL_TILE: usize = 4;
/// Tiles of taps that read the same vectors of an output's gradient, from which on it pays to copy these side by side.
pub(crate) const TILES_PER_COPY: usize = 8;
/// Vectors of columns whose sums over rows are kept in registers.
pub(crate) const COLUMN_VECTORS: usize = 4;

/// Times that a thread spins before it yields its core.
pub(crate) const SPINS_BEFORE_YIELD: u32 = 64;
/// Images of a task of the chapter's forward pass in training.
pub(crate) const CHAPTER_IMAGES_PER_TASK: usize = 4;
/// Images of a task of the chapter's predictions, which keep no predictions of kernels.
pub(crate) const CHAPTER_IMAGES_PER_PREDICTION: usize = 50;
/// Sections whose sums the chapter's kernels compute at once, so that none waits for the additions of another.
pub(crate) const SECTIONS_PER_BLOCK: usize = 8;
/// The same for the rest of an image's sections; what is left after these is computed one by one.
pub(crate) const SECTIONS_PER_SMALL_BLOCK: usize = 4;

/// Kernels of a panel, which one loop over the pixels computes.
pub(crate) const KERNELS_PER_PANEL: usize = PANEL_LANES * LANES;
/// Vectors of sixteen in a panel of kernels.
pub(crate) const PANEL_LANES: usize = 2;
/// Taps of a tile of a gradient of kernels, and what the taps of a task are a multiple of.
pub(crate) const TAPS_PER_TILE: usize = 12;
/// What the pixels of a task are a multiple of: whole tiles of 6, 12 and 14 pixels, and half tiles of 8.
pub(crate) const PIXELS_PER_TASK: usize = 84;
/// Tasks of a gradient of kernels by Winograd's algorithm for which its kernels are divided, at most, where there are so many
/// threads: each transforms the same tiles again.
pub(crate) const WINOGRAD_TASKS: usize = 8;
/// Input channels whose kernels' gradients are summed and transformed back at a time, so that the sums stay in a core's second
/// cache: whole tiles of six and of eight rows.
pub(crate) const WINOGRAD_INPUTS_PER_SUM: usize = 24;
/// Values of a gradient of a bias that are worth a task.
pub(crate) const VALUES_PER_BIAS_TASK: usize = 1 << 15;
/// Tasks into which a batch is divided, at most: enough for many cores, few enough that each is worth waking a thread.
pub(crate) const TASKS: usize = 16;
/// Tasks that the tiles of a block of a Winograd convolution are worth, where its kernels stay in the second cache.
pub(crate) const WINOGRAD_TASKS_PER_BLOCK: usize = 2;
/// Tasks into which an image of a Winograd convolution is divided, at most.
pub(crate) const WINOGRAD_TASKS_PER_IMAGE: usize = 8;
/// Tasks of whole images from which on images are not divided.
pub(crate) const ENOUGH_TASKS: usize = 8;
/// Values that stay in the first cache until they are read again.
pub(crate) const VALUES_IN_FIRST_CACHE: usize = 1 << 13;
/// Packed vectors of sixteen that are worth a task of their own.
pub(crate) const LANES_PER_PACKING_TASK: usize = 1 << 12;
/// Values that are worth a task of their own where each costs little.
pub(crate) const VALUES_PER_TASK: usize = 1 << 14;
/// Positions of a pooling across kernels that are worth a task of their own.
pub(crate) const POSITIONS_PER_TASK: usize = 1 << 10;
/// Parameters of a task that adds up the shards' gradients.
pub(crate) const PARAMETERS_PER_TASK: usize = 1 << 12;
/// Vectors of sixteen that a thread keeps from one task to the next: 8 MiB.
pub(crate) const LANES_KEPT: usize = 1 << 17;
