//! Which buffer has the gradient of which value.
//!
//! A gradient is needed from the first step of the backward pass that reads its value to the step that makes it. So a few
//! buffers serve all values by turns, and stay in a cache.

use super::fusion::Value;
use super::program::{ProgramStep, Source};

/// The buffers of the values' gradients.
#[derive(Debug)]
pub(super) struct Gradients {
    /// For each value, its buffer. One without a gradient has the number 0, which says nothing.
    pub(super) buffers: Vec<usize>,
    /// The length of each buffer, an image.
    pub(super) lens: Vec<usize>,
}

impl Gradients {
    pub(super) fn new(steps: &[ProgramStep], values: &[Value], output: usize) -> Self {
        let owners = owners(steps, output);
        // The first value of those that share a gradient: the step that makes it is the last one to read that.
        let mut firsts: Vec<usize> = (0..values.len()).collect();
        for (value, &owner) in owners.iter().enumerate().rev() {
            firsts[owner] = value;
        }
        let mut buffers = vec![None; values.len()];
        let (mut lens, mut free) = (vec![values[output].len], Vec::new());
        buffers[owners[output]] = Some(0);
        for (at, step) in steps.iter().enumerate().rev() {
            if !values[at + 1].needs_gradient {
                continue;
            }
            for Source { value, .. } in sources(step) {
                let buffer = &mut buffers[owners[value]];
                if !values[value].needs_gradient || buffer.is_some() {
                    continue;
                }
                // The one that was read last is in a cache.
                let number = free.pop().unwrap_or(lens.len());
                lens.resize(lens.len().max(number + 1), 0);
                lens[number] = lens[number].max(values[value].len);
                *buffer = Some(number);
            }
            let owner = owners[at + 1];
            if firsts[owner] == at + 1 {
                free.extend(buffers[owner]);
            }
        }
        let buffers = owners.iter().map(|&owner| buffers[owner].unwrap_or(0));
        Self {
            buffers: buffers.collect(),
            lens,
        }
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
