//! How a convolution over a batch is divided into tasks for the threads.

use super::plan::{DInputPlan, Plan};
use super::winograd::Winograd;
use crate::parallel::scratch::with_kernels;
use crate::shape::product;
use crate::simd::{Lanes, groups};
use crate::tuning::{
    ENOUGH_TASKS, KERNELS_PER_PANEL, PIXELS_PER_TASK, SUMS_PER_BATCH, TAPS_PER_TILE, TASKS,
    WINOGRAD_TASKS,
};
use crate::{Error, parallel};

/// The images padded: themselves where nothing is around them, else in `buffer`.
fn pad_all<'a>(
    plan: &Plan,
    images: &'a [f32],
    buffer: &'a mut Vec<f32>,
) -> Result<&'a [f32], Error> {
    let padded = plan.padded();
    if padded.is_image() {
        return Ok(images);
    }
    let count = images.len() / plan.input_len();
    product("the padded input", &[count, padded.len()])?;
    // A new buffer, all zeros.
    buffer.clear();
    buffer.resize(count * padded.len(), 0.0);
    parallel::parts_mut(buffer, padded.len(), |image, to| {
        padded.pad(&images[image * plan.input_len()..][..plan.input_len()], to);
    });
    Ok(buffer)
}

/// The outputs of a batch.
pub(super) fn forward(
    plan: &Plan,
    input: &[f32],
    packed: &[Lanes],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<(), Error> {
    let (images, channels) = (output.len() / plan.output_len(), plan.kernels());
    let winograd = plan.winograd();
    // Images that a task takes at once, and the least that are worth a task.
    let (per_block, least) = match winograd {
        Some(winograd) => (
            (winograd.tiles_per_block() / winograd.tiles()).max(1),
            winograd.tiles_per_task().div_ceil(winograd.tiles()),
        ),
        None => {
            let images = PIXELS_PER_TASK.div_ceil(plan.pixels());
            (images, images)
        }
    };
    let per_task = images.div_ceil(TASKS).max(least);
    let enough = images.div_ceil(per_task) >= ENOUGH_TASKS;
    let by_images = match winograd {
        Some(winograd) => enough || winograd.tiles() <= winograd.tiles_per_block(),
        None => enough && !plan.padded().is_image(),
    };
    if by_images {
        // Some images a task, which pads them a few at a time, so that they are in its cache.
        parallel::parts_mut(output, per_task * plan.output_len(), |task, output| {
            let mut buffer = vec![0.0; plan.padded().buffer_len(per_block.min(per_task))];
            let input = &input[task * per_task * plan.input_len()..];
            let blocks = input.chunks(per_block * plan.input_len());
            for (output, input) in output.chunks_mut(per_block * plan.output_len()).zip(blocks) {
                let input = &input[..output.len() / plan.output_len() * plan.input_len()];
                let padded = plan.padded().pad_all(input, &mut buffer);
                plan.forward(padded, 0, packed, bias, output);
            }
        });
        return Ok(());
    }
    let mut buffer = Vec::new();
    let padded = pad_all(plan, input, &mut buffer)?;
    // With tiles some rows of an image a task, else some pixels of all images.
    let (whole, pixels) = match winograd {
        Some(winograd) => (plan.output_len(), winograd.band()),
        None => {
            let pixels = output.len() / channels / TASKS;
            (
                output.len(),
                pixels.max(1).next_multiple_of(PIXELS_PER_TASK),
            )
        }
    };
    for (number, output) in output.chunks_exact_mut(whole).enumerate() {
        let first = number * whole / channels;
        parallel::parts_mut(output, pixels * channels, |task, output| {
            plan.forward(padded, first + task * pixels, packed, bias, output);
        });
    }
    Ok(())
}

/// The gradient of a batch's input.
pub(super) fn d_input(
    plan: &DInputPlan,
    d_output: &[f32],
    packed: &[Lanes],
    d_input: &mut [f32],
) -> Result<(), Error> {
    if let Some(transposed) = plan.transposed() {
        return forward(transposed, d_output, packed, None, d_input);
    }
    let (input_len, output_len) = plan.lens();
    // Overlapping tiles are added up from the first image of a task on.
    let per_task = (d_input.len() / input_len).div_ceil(SUMS_PER_BATCH);
    let per_task = per_task.max(plan.images_per_task());
    parallel::parts_mut(d_input, per_task * input_len, |task, d_input| {
        let count = d_input.len() / input_len;
        let d_output = &d_output[task * per_task * output_len..][..count * output_len];
        let mut buffer = vec![0.0; plan.buffer_len(count)];
        plan.d_input(d_output, packed, &mut buffer, d_input);
    });
    Ok(())
}

/// The gradient of the kernels, whatever is in `total`.
pub(super) fn d_kernels(
    plan: &Plan,
    input: &[f32],
    d_output: &[f32],
    total: &mut [f32],
) -> Result<(), Error> {
    if let Some(winograd) = plan.winograd() {
        return winograd_d_kernels((plan, winograd), input, d_output, total);
    }
    total.fill(0.0);
    let n = d_output.len() / plan.output_len();
    let image = (plan.padded().len() + plan.output_len()) as u64;
    if total.len() as u64 * SUMS_PER_BATCH as u64 > n as u64 * image {
        // Kernels that are large beside the batch: each task has its own taps, and sums over all images.
        let mut buffer = Vec::new();
        let input = pad_all(plan, input, &mut buffer)?;
        let taps = plan.problem().taps().div_ceil(TASKS);
        let taps = taps.next_multiple_of(TAPS_PER_TILE);
        parallel::parts_mut(total, taps * plan.kernels(), |task, d_kernels| {
            plan.add_d_kernels(input, d_output, task * taps, d_kernels);
        });
        return Ok(());
    }
    // Else each task has its own images, which then stay in its cache, and the tasks' sums are added in their order.
    let images = n.div_ceil(SUMS_PER_BATCH);
    let mut sums = vec![0.0; n.div_ceil(images) * total.len()];
    parallel::parts_mut(&mut sums, total.len(), |task, sum| {
        let own = |values: &'_ [f32], len: usize| {
            let start = task * images * len;
            start..values.len().min(start + images * len)
        };
        let input = &input[own(input, plan.input_len())];
        let d_output = &d_output[own(d_output, plan.output_len())];
        let count = d_output.len() / plan.output_len();
        let mut buffer = vec![0.0; plan.padded().buffer_len(count)];
        let input = plan.padded().pad_all(input, &mut buffer);
        plan.add_d_kernels(input, d_output, 0, sum);
    });
    for sum in sums.chunks_exact(total.len()) {
        for (total, sum) in total.iter_mut().zip(sum) {
            *total += sum;
        }
    }
    Ok(())
}

/// [`d_kernels`] by Winograd's algorithm. The images are divided into shards, and where these are fewer than threads, the kernels
/// into ranges of panels, which divides no sum. A task is a shard and a range: it transforms all tiles of its shard, so that more
/// ranges are more work. The sums of the shards are added in their order.
fn winograd_d_kernels(
    (plan, winograd): (&Plan, &Winograd),
    input: &[f32],
    d_output: &[f32],
    total: &mut [f32],
) -> Result<(), Error> {
    let n = d_output.len() / plan.output_len();
    let blocks = n as u64 * winograd.tiles() as u64 / winograd.tiles_per_block() as u64;
    let images = n.div_ceil(blocks.clamp(1, SUMS_PER_BATCH as u64) as usize);
    let shards = n.div_ceil(images);
    let cout = plan.kernels();
    let panels = cout.div_ceil(KERNELS_PER_PANEL);
    let tasks = parallel::threads().min(WINOGRAD_TASKS);
    let each = panels.div_ceil(tasks.div_ceil(shards));
    let (ranges, width) = (panels.div_ceil(each), cout.min(each * KERNELS_PER_PANEL));
    let rows = plan.problem().taps();
    let len = product("the sums", &[rows, width])?;
    let all = product("the sums", &[shards, ranges, len])?;
    with_kernels(groups(all), |sums| {
        let sums = &mut Lanes::flat_mut(sums)[..all];
        parallel::parts_mut(sums, len, |task, sum| {
            let (shard, range) = (task / ranges, task % ranges);
            let own = |len: usize| shard * images * len..((shard + 1) * images).min(n) * len;
            let input = &input[own(plan.input_len())];
            let d_output = &d_output[own(plan.output_len())];
            let mut buffer = vec![0.0; plan.padded().buffer_len(images)];
            let input = plan.padded().pad_all(input, &mut buffer);
            let panels = range * each..panels.min((range + 1) * each);
            plan.d_kernels_of_panels(panels, (input, d_output), (sum, width));
        });
        let rows_per_task = rows.div_ceil(TASKS);
        parallel::parts_mut(total, rows_per_task * cout, |task, total| {
            for (row, total) in (task * rows_per_task..).zip(total.chunks_exact_mut(cout)) {
                for (shard, sum) in sums.chunks_exact(ranges * len).enumerate() {
                    let ranges = sum.chunks_exact(len);
                    for (total, range) in total.chunks_mut(width).zip(ranges) {
                        for (total, sum) in total.iter_mut().zip(&range[row * width..]) {
                            // Never a negative zero: 0 + −0 is 0.
                            *total = if shard == 0 { 0.0 } else { *total } + sum;
                        }
                    }
                }
            }
        });
    });
    Ok(())
}
