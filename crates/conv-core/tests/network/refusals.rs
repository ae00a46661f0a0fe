//! What is refused, and how it is said.

use conv_core::network::{Loss, Network, Targets, Workspace};
use conv_core::ops::pool::Pool;
use conv_core::shape::{Padding, Window};
use conv_core::spec::{Conv, Layer, Layers, Spec};
use ndarray::{Array2, Array4};

#[test]
fn refuses_what_does_not_fit() {
    let refuse = |input, layers: Layers| Spec::new(input, layers).check().unwrap_err().to_string();
    let new = Layers::new;
    assert_eq!(
        refuse((4, 4, 2), new().relu().conv(3, (5, 5))),
        "layer 1 (conv): window height is 5, expected 1 to 4 (the padded image's)"
    );
    assert_eq!(
        refuse((4, 4, 2), new().then(Conv::new(3, (3, 3)).groups(2))),
        "layer 0 (conv): groups is 2, expected a divisor of the 3 output channels"
    );
    assert_eq!(
        refuse((4, 4, 2), new().dense(3)),
        "layer 0 (dense): input has shape [4, 4, 2], expected [1, 1, 32]; put a flatten layer before it"
    );
    assert_eq!(
        refuse(
            (4, 4, 2),
            new().tanh().residual(|block| block.relu().conv(2, (3, 3)))
        ),
        "layer 1 (residual): the body's output has shape [2, 2, 2], expected [4, 4, 2]"
    );
    assert_eq!(
        refuse((4, 4, 2), new().residual(|block| block.relu().dropout(1.0))),
        "layer 0.body.1 (dropout): probability is 1, expected 0 to below 1"
    );
    assert_eq!(
        refuse((4, 0, 2), new()),
        "columns of the input is 0, expected at least 1"
    );
    assert_eq!(
        refuse((4, 4, 2), new().flatten().dense(0)),
        "layer 1 (dense): outputs is 0, expected at least 1"
    );
    assert!(refuse((usize::MAX, 4, 2), new()).contains("too many values"));
    assert!(refuse((4, 4, 2), new().flatten().dense(usize::MAX)).contains("layer 1 (dense)"));
    // Known from the shapes alone, before any table is made.
    let beyond = Padding::Explicit {
        top: 3,
        bottom: 0,
        left: 0,
        right: 0,
    };
    let pool = Layer::Pool {
        pool: Pool::Max,
        window: Window::new(2, 2).padding(beyond),
    };
    assert!(refuse((4, 4, 2), new().then(pool)).contains("nothing but padding under the window"));
    let mut deep = new().tanh();
    for _ in 0..40 {
        deep = new().residual(|_| deep);
    }
    assert!(
        refuse((4, 4, 2), deep)
            .contains("the depth of blocks in blocks is 33, expected at most 32")
    );

    let spec = Spec::new((4, 4, 1), new().flatten().dense(3));
    let mut network = Network::new(&spec, 1).unwrap();
    let mut workspace = Workspace::new();
    let mut forward = |shape: (usize, usize, usize, usize)| {
        let input = Array4::zeros(shape);
        network
            .forward(input.view(), &mut workspace)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(forward((0, 4, 4, 1)), "images is 0, expected at least 1");
    assert_eq!(
        forward((2, 4, 5, 1)),
        "input has shape [2, 4, 5, 1], expected [2, 4, 4, 1]"
    );
    let input = Array4::zeros((2, 4, 4, 1));
    let refuse = |targets| {
        let (loss, mut workspace) = (Loss::CrossEntropy { smoothing: 0.0 }, Workspace::new());
        let gradient = network.gradient(input.view(), targets, loss, 0, &mut workspace);
        gradient.unwrap_err().to_string()
    };
    assert_eq!(
        refuse(Targets::Labels(&[0, 3])),
        "a label is 3, expected 0 to 2 (label 1 of 2)"
    );
    assert_eq!(
        refuse(Targets::Labels(&[0])),
        "labels has shape [1], expected [2]"
    );
    let narrow = Array2::zeros((2, 2));
    assert_eq!(
        refuse(Targets::Values(narrow.view())),
        "targets has shape [2, 2], expected [2, 3]"
    );
    assert_eq!(
        network
            .set_parameter("1.kernels", &[])
            .unwrap_err()
            .to_string(),
        "no parameter \"1.kernels\"; there are: 1.weights, 1.bias"
    );
    assert_eq!(
        network
            .set_parameter("1.bias", &[0.0])
            .unwrap_err()
            .to_string(),
        "the parameter has shape [1], expected [3]"
    );
    let plain = Network::new(&Spec::new((4, 4, 1), new().tanh()), 1).unwrap();
    let loss = Loss::MeanSquaredError;
    let gradient = plain.gradient(
        input.view(),
        Targets::Labels(&[0, 1]),
        loss,
        0,
        &mut workspace,
    );
    assert_eq!(
        gradient.unwrap_err().to_string(),
        "parameters is 0, expected at least 1"
    );
}
