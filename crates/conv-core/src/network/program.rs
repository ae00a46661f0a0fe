//! The steps of a network with their tables, in the order in which they are computed.

use std::ops::Range;

use super::fusion::Value;
use super::layout::{FirstValues, LayerInfo, Layout, Norm};
use super::placement::Placement;
use super::program_step::{ProgramStep, Source};
use super::steps::batch_norm::BatchNorm;
use crate::Error;
use crate::parameter::Parameter;
use crate::spec::Spec;

/// The steps of a network. Value 0 is the input, and step i makes value i + 1.
#[derive(Debug)]
pub(crate) struct Program {
    pub(super) steps: Vec<ProgramStep>,
    pub(super) values: Vec<Value>,
    /// The value that is the output.
    pub(super) output: usize,
    pub(super) parameters: Vec<Parameter>,
    /// How each parameter begins.
    pub(super) first_values: Vec<FirstValues>,
    /// Values of all parameters.
    pub(super) parameters_len: usize,
    /// The parts of the gradient of the parameters that steps only add to.
    pub(super) added: Vec<Range<usize>>,
    /// Where values and gradients lie, in inference and in training.
    placements: [Placement; 2],
    /// Runs of steps between which the shards of a batch are reduced: each begins with a normalisation, but for the first.
    pub(super) runs: Vec<Range<usize>>,
    pub(super) layers: Vec<LayerInfo>,
    pub(crate) norms: Vec<Norm>,
    /// Multiply-adds of a forward pass, an image.
    pub(super) work: u64,
    /// Length of all values, an image, before convolutions and poolings are fused.
    pub(super) values_len: u64,
}

impl Program {
    pub(crate) fn new(spec: &Spec) -> Result<Self, Error> {
        let layout = Layout::new(spec)?;
        let (work, parameters_len) = (layout.work(), layout.parameters_len());
        let graph = layout.graph.with_rectified_norms()?;
        let values_len = graph.values.iter().map(|value| value.len as u64).sum();
        let graph = graph.with_max_pooled_convolutions()?;
        let mut steps = Vec::with_capacity(graph.nodes.len());
        for node in graph.nodes {
            let source = |value| Source {
                value,
                accumulate: false,
            };
            steps.push(ProgramStep {
                step: node.op.build()?,
                input: source(node.input),
                other: node.other.map(source),
                layer: node.layer,
            });
        }
        find_accumulations(&mut steps);
        Ok(Self {
            added: added(&steps, parameters_len),
            placements: [false, true]
                .map(|training| Placement::new(&steps, &graph.values, graph.output, training)),
            runs: runs(&steps),
            steps,
            values: graph.values,
            output: graph.output,
            parameters: layout.parameters,
            first_values: layout.first_values,
            parameters_len,
            layers: layout.layers,
            norms: layout.norms,
            work,
            values_len,
        })
    }

    /// Names, shapes and ranges of the parameters.
    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Where values and gradients lie.
    pub(super) fn placement(&self, training: bool) -> &Placement {
        &self.placements[usize::from(training)]
    }

    /// Length of an output.
    pub(super) fn output_len(&self) -> usize {
        self.values[self.output].len
    }

    /// Lanes that its steps need of each thread.
    pub(super) fn scratch_len(&self) -> usize {
        let lens = self.steps.iter().map(|step| step.step.scratch_len());
        lens.max().unwrap_or(0)
    }

    /// The batch normalisations, each with the index of its step.
    pub(super) fn batch_norms(&self) -> impl Iterator<Item = (usize, &BatchNorm)> {
        let steps = self.steps.iter().enumerate();
        steps.filter_map(|(at, step)| Some((at, step.step.batch_norm()?)))
    }
}

/// Backward, the first step that reaches a value writes its gradient, and every other one adds to it.
fn find_accumulations(steps: &mut [ProgramStep]) {
    let mut written = vec![false; steps.len() + 1];
    for step in steps.iter_mut().rev() {
        for source in std::iter::once(&mut step.input).chain(&mut step.other) {
            source.accumulate = std::mem::replace(&mut written[source.value], true);
        }
    }
}

/// What lies between the parts that steps write.
fn added(steps: &[ProgramStep], parameters_len: usize) -> Vec<Range<usize>> {
    let mut written: Vec<Range<usize>> = steps.iter().map(|step| step.step.written()).collect();
    written.sort_by_key(|range| range.start);
    written.push(parameters_len..parameters_len);
    let mut end = 0;
    let mut added = Vec::new();
    for range in written {
        added.push(end..range.start.max(end));
        end = end.max(range.end);
    }
    added.retain(|range| !range.is_empty());
    added
}

fn runs(steps: &[ProgramStep]) -> Vec<Range<usize>> {
    let norms = steps.iter().enumerate();
    let norms = norms.filter(|(_, step)| step.step.batch_norm().is_some());
    let mut starts: Vec<usize> = norms.map(|(at, _)| at).collect();
    starts.insert(0, 0);
    let ends = starts.iter().copied().skip(1).chain([steps.len()]);
    let runs = starts.iter().zip(ends);
    runs.map(|(&start, end)| start..end).collect()
}
