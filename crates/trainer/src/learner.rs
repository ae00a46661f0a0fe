//! A network that learns: what one training step needs besides a batch.

use conv_core::Error;
use conv_core::network::{Loss, Network, Report, Targets, Workspace};
use conv_core::optimizer::Optimizer;
use mnist_data::Batch;

use crate::recipe::Recipe;

/// A network with its loss and its optimizer.
pub(crate) struct Learner {
    pub(crate) network: Network,
    pub(crate) optimizer: Optimizer,
    pub(crate) workspace: Workspace,
    loss: Loss,
    labels: Vec<usize>,
}

impl Learner {
    /// The network before its first step of a recipe whose epochs have so many.
    pub(crate) fn new(recipe: &Recipe, network: Network, steps_per_epoch: u64) -> Self {
        Self {
            network,
            optimizer: recipe.fresh_optimizer(steps_per_epoch),
            workspace: Workspace::new(),
            loss: recipe.network_loss(),
            labels: Vec::new(),
        }
    }

    /// A training step.
    pub(crate) fn step(&mut self, batch: &Batch) -> Result<Report, Error> {
        self.labels.clear();
        let labels = batch.labels.iter().map(|&label| usize::from(label));
        self.labels.extend(labels);
        self.network.train_step(
            batch.images.view(),
            Targets::Labels(&self.labels),
            self.loss,
            &mut self.optimizer,
            &mut self.workspace,
        )
    }

    /// The network as the model is to have it: with the averages, where the recipe averages.
    pub(crate) fn averaged(&self) -> Result<Network, Error> {
        self.network.averaged(&self.optimizer)
    }
}
