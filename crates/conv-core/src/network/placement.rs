//! Which buffer holds which value and which gradient.
//!
//! What the backward pass reads has a buffer of its own. Every other value is needed until the last step that reads it, and a
//! gradient from the first step of the backward pass that reads its value to the one that makes it. So a few buffers serve all
//! of these by turns, and stay in a cache.

use super::fusion::Value;
use super::program_step::{ProgramStep, Source};

/// The buffers of a shard.
#[derive(Debug)]
pub(super) struct Placement {
    /// For each value its buffer. That of the input, which has none, is 0 and says nothing.
    pub(super) values: Vec<usize>,
    /// For each value the buffer of its gradient; 0 where it has none.
    pub(super) gradients: Vec<usize>,
    /// The length of each buffer, an image.
    pub(super) lens: Vec<usize>,
}

impl Placement {
    /// For the forward pass, and in training for the backward pass too.
    pub(super) fn new(
        steps: &[ProgramStep],
        values: &[Value],
        output: usize,
        training: bool,
    ) -> Self {
        let mut pool = Pool::default();
        Self {
            values: pool.place_values(steps, values, output, training),
            gradients: if training {
                pool.place_gradients(steps, values, output)
            } else {
                Vec::new()
            },
            lens: pool.lens,
        }
    }
}

/// All buffers, and those that are free: that which was read last, and so is in a cache, at the end.
#[derive(Default)]
struct Pool {
    lens: Vec<usize>,
    free: Vec<usize>,
}

impl Pool {
    fn make(&mut self, len: usize) -> usize {
        self.lens.push(len);
        self.lens.len() - 1
    }

    fn take(&mut self, len: usize) -> usize {
        let Some(buffer) = self.free.pop() else {
            return self.make(len);
        };
        self.lens[buffer] = self.lens[buffer].max(len);
        buffer
    }

    fn place_values(
        &mut self,
        steps: &[ProgramStep],
        values: &[Value],
        output: usize,
        training: bool,
    ) -> Vec<usize> {
        // The input has no buffer, and the output is read after all steps.
        let mut kept = vec![false; values.len()];
        (kept[0], kept[output]) = (true, true);
        let mut last_reader = vec![None; values.len()];
        for (at, step) in steps.iter().enumerate() {
            for Source { value, .. } in sources(step) {
                last_reader[value] = Some(at);
                kept[value] |= training && step.step.reads_input();
            }
            kept[at + 1] |= training && step.step.reads_output();
        }
        let mut buffers = vec![0; values.len()];
        for (at, step) in steps.iter().enumerate() {
            let len = values[at + 1].len;
            buffers[at + 1] = if kept[at + 1] {
                self.make(len)
            } else {
                self.take(len)
            };
            for Source { value, .. } in sources(step) {
                // A step may read one value twice.
                if !kept[value] && last_reader[value].take_if(|last| *last == at).is_some() {
                    self.free.push(buffers[value]);
                }
            }
        }
        buffers
    }

    fn place_gradients(
        &mut self,
        steps: &[ProgramStep],
        values: &[Value],
        output: usize,
    ) -> Vec<usize> {
        let owners = owners(steps, output);
        // The first value of those that share a gradient: the step that makes it is the last one to read that.
        let mut first: Vec<usize> = (0..values.len()).collect();
        for (value, &owner) in owners.iter().enumerate().rev() {
            first[owner] = value;
        }
        let mut buffers = vec![None; values.len()];
        buffers[owners[output]] = Some(self.take(values[output].len));
        for (at, step) in steps.iter().enumerate().rev() {
            if !values[at + 1].needs_gradient {
                continue;
            }
            for Source { value, .. } in sources(step) {
                let buffer = &mut buffers[owners[value]];
                if values[value].needs_gradient && buffer.is_none() {
                    *buffer = Some(self.take(values[value].len));
                }
            }
            let owner = owners[at + 1];
            if first[owner] == at + 1 {
                self.free.extend(buffers[owner]);
            }
        }
        let buffers = owners.iter().map(|&owner| buffers[owner].unwrap_or(0));
        buffers.collect()
    }
}

fn sources(step: &ProgramStep) -> impl Iterator<Item = Source> {
    std::iter::once(step.input).chain(step.other)
}

/// For each value, the one whose gradient is its own too: itself, or the sum that it goes into and nowhere else.
fn owners(steps: &[ProgramStep], output: usize) -> Vec<usize> {
    let mut readers = vec![0_usize; steps.len() + 1];
    readers[output] += 1;
    for source in steps.iter().flat_map(sources) {
        readers[source.value] += 1;
    }
    let mut owners: Vec<usize> = (0..=steps.len()).collect();
    for (at, step) in steps.iter().enumerate().rev() {
        if step.step.passes_gradient_on() {
            for source in sources(step).filter(|source| readers[source.value] == 1) {
                owners[source.value] = owners[at + 1];
            }
        }
    }
    owners
}
