//! How a batch is divided: into shards, which may be computed at the same time and whose gradients are added in their
//! order, and each shard into blocks of images, each of which goes through the network layer by layer. Both follow from the batch and the
//! network alone, never from the number of threads.

use super::pass::Block;
use super::program::Program;
use crate::tuning::{
    FEWEST_SHARDS, IMAGES_PER_BLOCK, MOST_SHARDS, VALUES_PER_BLOCK, WORK_PER_SHARD,
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Division {
    pub(super) images: usize,
    pub(super) images_per_shard: usize,
    pub(super) images_per_block: usize,
}

impl Division {
    /// With `whole`, a shard is one block: where shards are reduced in the middle of the network.
    pub(super) fn new(program: &Program, images: usize, whole: bool) -> Self {
        let work = program.work.saturating_mul(images as u64);
        let shards = (work / WORK_PER_SHARD).clamp(FEWEST_SHARDS, MOST_SHARDS);
        let images_per_shard = images.div_ceil(shards as usize);
        // Values and their gradients.
        let image = (2 * program.values_len).max(1);
        let images_per_block = (VALUES_PER_BLOCK / image).clamp(1, IMAGES_PER_BLOCK) as usize;
        Self {
            images,
            images_per_shard,
            images_per_block: if whole {
                images_per_shard
            } else {
                images_per_block.min(images_per_shard)
            },
        }
    }

    pub(super) fn shards(&self) -> usize {
        self.images.div_ceil(self.images_per_shard)
    }

    pub(super) fn blocks(&self, shard: usize) -> impl Iterator<Item = Block> + use<> {
        let (size, start) = (self.images_per_block, shard * self.images_per_shard);
        let end = (start + self.images_per_shard).min(self.images);
        let firsts = (start..end).step_by(size);
        firsts.map(move |first| Block {
            first,
            count: size.min(end - first),
            begins: first == start,
        })
    }
}
