//! Every size that was chosen rather than given, once, with its reason.
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
/// Kernels of a block over a line of pixels: with three vectors of pixels they are twelve sums, which leaves four registers
/// of sixteen. So many are the fewest for which a convolution of one channel goes line by line.
pub(crate) const KERNEL_BLOCK: usize = 4;
/// Vectors that are transposed at once: as many as the narrower vectors have lanes. So many are the most kernels for which a
/// convolution of one channel goes line by line.
pub(crate) const TRANSPOSED: usize = 8;

/// Pixels over which the gradient of a kernel is summed before the sum is added to the others: few enough that their
/// `d_output` stays in the first cache, and that a sum's rounding errors stay small.
pub(crate) const PIXELS_PER_SUM: usize = 256;

/// Most shards of a batch, where there is little to do and where there is much. Each has a gradient of all parameters,
/// and these are added in their order.
pub(crate) const FEWEST_SHARDS: u64 = 8;
/// See [`FEWEST_SHARDS`].
pub(crate) const MOST_SHARDS: u64 = 16;
/// Multiply-adds of the forward pass that are worth a shard of their own.
pub(crate) const WORK_PER_SHARD: u64 = 1 << 22;
/// Values and gradients of the images that go through a network together: they stay in a core's second cache. Sums over
/// the pixels of small images go over the images of a block.
pub(crate) const VALUES_PER_BLOCK: u64 = 1 << 17;
/// Images that go through a network together, at most.
pub(crate) const IMAGES_PER_BLOCK: u64 = 32;

/// Tasks of an operation on a batch whose sums are added in their order.
pub(crate) const SUMS_PER_BATCH: usize = 16;
/// Sums over the channels of a pixel in layer normalisation, by turns: lanes of a vector of `f64`.
pub(crate) const SUMS_PER_PIXEL: usize = 8;
/// Values of a gradient of a bias that are worth a task.
pub(crate) const VALUES_PER_BIAS_TASK: usize = 1 << 15;
/// Tasks of a gradient of kernels by tiles: where images are fewer, the kernels are divided too.
pub(crate) const WINOGRAD_TASKS: usize = 8;

/// Tiles of 4 × 4 values that are multiplied together in a Winograd convolution; tiles of 8 × 8 count as four, or eight where
/// there are [many channels](WINOGRAD_WIDE_CHANNELS). The gradient of the kernels is summed over so many.
pub(crate) const WINOGRAD_TILES_PER_BLOCK: usize = 128;
/// Input channels of a Winograd convolution, at most: for more a thread would need much memory.
pub(crate) const WINOGRAD_CHANNELS: usize = 512;
/// Channels from which on a Winograd convolution takes fewer tiles at once, to need no more memory than a thread keeps.
pub(crate) const WINOGRAD_WIDE_CHANNELS: usize = 256;
/// Channels that a 3 × 3 convolution must have for its transforms to take less time than they save.
pub(crate) const WINOGRAD_3X3_CHANNELS: usize = LANES;
/// The same of 5 × 5, which save more.
pub(crate) const WINOGRAD_5X5_CHANNELS: usize = LANES / 2;
/// Input channels from which on a vector of them is full enough for the gradient of the input pixel by pixel, without col2im.
pub(crate) const COL2IM_CHANNELS: usize = LANES;
/// Kernels of a group that leave half of a vector empty, which their taps then fill two by two.
pub(crate) const PAIRED_KERNELS: usize = 8;
/// Pairs of taps are taken where they are at most so many of so many taps: half of them, but for a few counted twice.
pub(crate) const PAIRS_PAY: (u64, u64) = (9, 16);
/// Winograd's tiles are taken where they have at most so many times the multiplications of so many plain ones: the transforms
/// take about a third of the time.
pub(crate) const WINOGRAD_PAYS: (u64, u64) = (2, 3);
/// A convolution and its max pooling are one step where at most one in so many outputs is a maximum.
pub(crate) const POOLED_OUTPUTS: u64 = 2;
/// Kernels of a group whose taps are taken two by two only if few of them are counted twice.
pub(crate) const SOMETIMES_PAIRED_KERNELS: usize = 16;

// ---- Sizes that fix only speed ----

// The tiles of sums that an instruction set keeps in its registers are its own: see simd/tiles.rs.

/// Times that a thread looks for work in vain before it lets others have its core.
pub(crate) const SPINS_BEFORE_YIELD: u32 = 64;
/// Images of a task of the chapter's forward pass in training.
pub(crate) const CHAPTER_IMAGES_PER_TASK: usize = 4;
/// Images of a task of the chapter's predictions, which keep no predictions of kernels.
pub(crate) const CHAPTER_IMAGES_PER_PREDICTION: usize = 50;
/// Sections whose sums the chapter's kernels compute at once, so that none waits for the additions of another.
pub(crate) const SECTIONS_PER_BLOCK: usize = 8;
/// The same for what is left of an image's sections, before they go one by one.
pub(crate) const SECTIONS_PER_SMALL_BLOCK: usize = 4;

/// Kernels that are computed together: two vectors of sixteen.
pub(crate) const KERNELS_PER_PANEL: usize = PANEL_LANES * LANES;
/// Vectors of sixteen in a panel of kernels.
pub(crate) const PANEL_LANES: usize = 2;
/// Rows of a tile of a kernel gradient, and what tasks on it are multiples of.
pub(crate) const TAPS_PER_TILE: usize = 12;
/// Pixels that are whole tiles of 12, 14 and 6 for the loops over them, and whole halves of tiles of 8: what tasks on
/// pixels are multiples of.
pub(crate) const PIXELS_PER_TASK: usize = 84;
/// Tasks into which a batch is divided, at most: enough for many cores, few enough that each is worth waking a thread.
pub(crate) const TASKS: usize = 16;
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
