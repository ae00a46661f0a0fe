//! The page of `trainer report`.
#![forbid(unsafe_code)]

mod run;

use conv_core::spec::{Conv, Layers};
use run::Run;
use tests::{run as trainer, succeeds};

#[test]
fn tmp_make() {
    let dir = std::path::Path::new("/tmp/runs5");
    Run {
        description: "Two convolutions, as the chapter invites to: <b>stacked</b> & small",
        layers: Layers::new()
            .conv(8, (5, 5))
            .max_pool(2, 2)
            .relu()
            .conv(16, (5, 5))
            .max_pool(2, 2)
            .relu()
            .flatten()
            .dropout(0.5)
            .dense(10),
        epochs: 12,
        rate: 4e-3,
        seed: 1,
    }
    .make(&dir.join("stacked"));
    Run {
        description: "Another one",
        layers: Layers::new()
            .then(Conv::new(16, (3, 3)).same())
            .relu()
            .max_pool(2, 2)
            .flatten()
            .dense(10),
        epochs: 20,
        rate: 2e-3,
        seed: 1,
    }
    .make(&dir.join("one-convolution"));
    let out = trainer(&[
        "report",
        "/tmp/runs5/stacked",
        "/tmp/runs5/one-convolution",
        "--output",
        "/tmp/runs5/two.html",
    ]);
    println!("{}", succeeds(&out));
    let out = trainer(&["report", "/tmp/runs5/stacked"]);
    println!("{}", succeeds(&out));
}
