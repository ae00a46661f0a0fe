//! Convolutions whose errors are measured.

use conv_core::init::Seeded;
use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::conv::{self, Conv};
use conv_core::ops::pool::Pool;
use conv_core::optimizer::Optimizer;
use conv_core::shape::{Padding, Window};
use conv_core::spec::{self, Layers, Spec};
use conv_core::{NumpyRandom, reference};
use mnist_data::embedded;
use ndarray::{Array4, s};

use crate::support::{nan, uniform, wide};

/// A convolution of 3 × 3 whose outputs go by F(4×4, 3×3), padded by 0 to 2.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) padding: usize,
    pub(crate) overlapping: bool,
    pub(crate) input: Array4<f32>,
    pub(crate) kernels: Array4<f32>,
    pub(crate) d_output: Array4<f32>,
}

impl Case {
    fn conv(&self) -> Conv {
        let padding = self.padding;
        Conv::new(Window::new(3, 3).padding(Padding::Explicit {
            top: padding,
            bottom: padding,
            left: padding,
            right: padding,
        }))
    }

    /// With values of `make`, which is given what they are of.
    fn new(
        (name, padding, [n, h, w, cin, cout]): (&'static str, usize, [usize; 5]),
        mut make: impl FnMut(What, [usize; 4]) -> f32,
    ) -> Self {
        let mut array = |what, shape: (usize, usize, usize, usize)| {
            Array4::from_shape_fn(shape, |(a, b, c, d)| make(what, [a, b, c, d]))
        };
        let side = 2 * padding;
        Self {
            name,
            padding,
            overlapping: padding == 0,
            input: array(What::Input, (n, h, w, cin)),
            kernels: array(What::Kernels, (3, 3, cin, cout)),
            d_output: array(What::DOutput, (n, h + side - 2, w + side - 2, cout)),
        }
    }

    pub(crate) fn check_algorithms(&self) {
        let (_, h, w, cin) = self.input.dim();
        let algorithms =
            conv::algorithms(&self.conv(), (h, w, cin), self.d_output.dim().3).unwrap();
        let name = self.name;
        assert!(
            algorithms.forward.contains("F(4×4, 3×3)"),
            "{name}: {algorithms:?}"
        );
        let overlapping = algorithms.d_input.contains("overlapping");
        assert_eq!(overlapping, self.overlapping, "{name}: {algorithms:?}");
    }

    pub(crate) fn run(&self) -> [Array4<f32>; 3] {
        let mut output = nan(self.d_output.raw_dim());
        let mut d_input = nan(self.input.raw_dim());
        let mut d_kernels = nan(self.kernels.raw_dim());
        let conv = self.conv();
        let (input, kernels, d_output) =
            (self.input.view(), self.kernels.view(), self.d_output.view());
        conv::forward(&conv, input, kernels, None, output.view_mut()).unwrap();
        conv::d_input(&conv, d_output, kernels, d_input.view_mut()).unwrap();
        conv::d_kernels(&conv, input, d_output, d_kernels.view_mut()).unwrap();
        [output, d_input, d_kernels]
    }

    /// The same by the plain loops.
    pub(crate) fn reference(&self) -> [Array4<f64>; 3] {
        let (input, kernels, d_output) =
            (wide(&self.input), wide(&self.kernels), wide(&self.d_output));
        let (input, kernels, d_output) = (input.view(), kernels.view(), d_output.view());
        let (conv, size) = (self.conv(), (self.input.dim().1, self.input.dim().2));
        [
            reference::conv(&conv, input, kernels, None),
            reference::conv_d_input(&conv, d_output, kernels, size),
            reference::conv_d_kernels(&conv, input, d_output),
        ]
    }

    /// The same in `f32`.
    pub(crate) fn plain(&self) -> [Array4<f32>; 3] {
        let (input, kernels, d_output) =
            (self.input.view(), self.kernels.view(), self.d_output.view());
        let (conv, size) = (self.conv(), (self.input.dim().1, self.input.dim().2));
        [
            reference::conv(&conv, input, kernels, None),
            reference::conv_d_input(&conv, d_output, kernels, size),
            reference::conv_d_kernels(&conv, input, d_output),
        ]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Input,
    Kernels,
    DOutput,
}

/// Same, beyond the edges, and valid, which goes back by overlapping tiles.
const SHAPES: [(usize, [usize; 5]); 3] = [
    (1, [2, 10, 9, 20, 18]),
    (2, [1, 9, 8, 16, 24]),
    (0, [9, 6, 6, 17, 33]),
];

/// What makes rounding errors large beside what comes out.
pub(crate) fn adversarial() -> Vec<Case> {
    let mut random = NumpyRandom::new(5);
    let mut uniform = move || (2.0 * random.random() - 1.0) as f32;
    let mut cases = Vec::new();
    for (padding, shape) in SHAPES {
        cases.push(Case::new(("uniform", padding, shape), |_, _| uniform()));
        // Sums of kernels that are nothing, over large values that are almost the same: nearly all cancels.
        cases.push(Case::new(
            ("cancelling", padding, shape),
            |what, [a, b, _, _]| {
                let noise = uniform();
                match what {
                    What::Input | What::DOutput => 1000.0 + noise,
                    What::Kernels if (a, b) == (1, 1) => -8.0,
                    What::Kernels => 1.0 + noise / 1000.0,
                }
            },
        ));
        // One value of each tile that all others of the tile are nothing beside.
        cases.push(Case::new(
            ("a large value", padding, shape),
            |what, [_, y, x, _]| {
                let large = what != What::Kernels && y % 4 == 1 && x % 4 == 2;
                uniform() * if large { 1e6 } else { 1.0 }
            },
        ));
        // The signs that make the transformed values of point ¾ largest.
        cases.push(Case::new(
            ("the worst signs", padding, shape),
            |what, [a, b, y, x]| {
                let sign = |negative: bool| if negative { -1.0 } else { 1.0 };
                (1.0 + uniform().abs() / 8.0)
                    * match what {
                        What::Kernels => sign((a + b + y + x) % 2 == 1),
                        What::Input | What::DOutput => {
                            sign(((b + padding) % 4 < 2) != ((y + padding) % 4 < 2))
                        }
                    }
            },
        ));
    }
    cases
}

/// The second layer of a network that has learned for two epochs, with its input, and a gradient as small as in training.
pub(crate) fn trained() -> Case {
    let conv = |kernels, size: usize| spec::Conv::new(kernels, size).without_bias();
    let layers = Layers::new()
        .then(conv(16, 5))
        .relu()
        .max_pool(2)
        .then(conv(32, 3).same())
        .relu()
        .max_pool(2)
        .flatten()
        .dense(10);
    let mut network = Network::new(&Spec::new((28, 28, 1), layers), 1).unwrap();
    let (mut workspace, mut optimizer) = (Workspace::new(), Optimizer::adamw(3e-3));
    let train = embedded::load().train;
    let mut input = None;
    let mut losses = Vec::new();
    for epoch in 0..2 {
        let batches = train.batches(50).unwrap();
        for batch in batches.shuffled(Seeded::new(1).at(epoch)) {
            let labels: Vec<usize> = batch.labels.iter().map(|&label| label.into()).collect();
            let loss = Loss::CrossEntropy { smoothing: 0.0 };
            let targets = Targets::Labels(&labels);
            let report = network
                .train_step(
                    batch.images.view(),
                    targets,
                    loss,
                    &mut optimizer,
                    &mut workspace,
                )
                .unwrap();
            losses.push(report.loss);
            input = Some(batch.images.slice(s![..4, .., .., ..]).to_owned());
        }
    }
    assert!(
        losses.last() < Some(&(losses[0] / 2.0)),
        "it has not learned: {losses:?}"
    );
    let kernels = |number: usize, shape| {
        let mut all = network
            .parameters()
            .iter()
            .filter(|p| p.name.ends_with("kernels"));
        let range = all.nth(number).unwrap().range.clone();
        Array4::from_shape_vec(shape, network.values()[range].to_vec()).unwrap()
    };
    let first = Conv::new(Window::new(5, 5));
    let images = input.unwrap();
    let found = reference::conv(
        &first,
        images.view(),
        kernels(0, (5, 5, 1, 16)).view(),
        None,
    );
    let found = found.mapv(|x| x.max(0.0));
    let input = reference::pool(Pool::Max, &Window::new(2, 2).stride((2, 2)), found.view());
    let mut random = NumpyRandom::new(6);
    Case {
        name: "trained",
        padding: 1,
        overlapping: false,
        input,
        kernels: kernels(1, (3, 3, 16, 32)),
        d_output: uniform(&mut random, (4, 12, 12, 32)) * 1e-4,
    }
}
