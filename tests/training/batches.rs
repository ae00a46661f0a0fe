//! Batches that are too small for batch normalisation.

use tests::{run, stderr, succeeds};

use crate::{fails, json};

/// A dense layer with a batch normalisation behind it, by a recipe with a batch of one.
const RECIPE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/training/batch_norm.toml"
);

/// The arguments with those that change this recipe.
fn with<'a>(settings: &'a [&'a str], further: &[&'a str]) -> Vec<&'a str> {
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    let mut arguments = vec!["train", RECIPE];
    arguments.extend(settings);
    arguments.extend(further);
    arguments
}

/// Every normalised value would be 0, and the test accuracy that of guessing.
#[test]
fn a_batch_of_one_value_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    for further in [&["--run", path.to_str().unwrap()][..], &["--dry-run"]] {
        let said = fails(&run(&with(&[], further)), 1);
        assert!(
            said.contains(
                "batch_norm.toml:4:1: layer 2 (batch norm) has a single value of each channel"
            ),
            "{said}"
        );
        assert!(
            said.contains("expected a batch of at least 2 images"),
            "{said}"
        );
    }
    assert!(!path.exists());
    // An image of several pixels has several values.
    let convolution =
        r#"network.layers=[{type="conv",kernels=2,window=3},{type="batch_norm"},{type="flatten"},
        {type="dense",outputs=10}]"#
            .replace('\n', " ");
    assert_eq!(stderr(&run(&with(&[&convolution], &["--dry-run"]))), "");
}

/// 502 images by 50: two are left.
#[test]
fn a_small_last_batch_is_warned_of_or_avoided() {
    let keep = ["batch=50", "data.train_images=502", "last_batch=keep"];
    let words = "the last batch of each epoch has 2 images, in which layer 2 (batch norm) has 2 values of each channel";
    let told = succeeds(&run(&with(&keep, &["--dry-run"])));
    assert!(
        told.contains("11 steps of 50 images, the last of 2: "),
        "{told}"
    );
    assert!(told.contains(&format!("warning: {words}")), "{told}");
    assert!(
        told.contains("last_batch = \"spread\" or \"drop\""),
        "{told}"
    );

    let folder = tempfile::tempdir().unwrap();
    let trained = |name: &str, settings: &[&str]| {
        let path = folder.path().join(name);
        let further = ["--epochs", "10", "--run", path.to_str().unwrap()];
        let output = run(&with(settings, &further));
        let _ = succeeds(&output);
        let result = json(&path.join("result.json"));
        let accuracy = result["test_accuracy"].as_f64().unwrap();
        (accuracy, result["steps"].as_u64().unwrap(), stderr(&output))
    };
    let (kept, steps, said) = trained("keep", &keep);
    assert_eq!(steps, 110);
    assert!(said.contains(&format!("warning: {words}")), "{said}");
    for (name, setting) in [("drop", &["last_batch=drop"][..]), ("spread", &[])] {
        let settings = [&keep[..2], setting].concat();
        let (accuracy, steps, said) = trained(name, &settings);
        assert_eq!(steps, 100, "{name}");
        assert!(!said.contains("warning"), "{said}");
        // 0.8 against 0.77 and, with other seeds, less.
        assert!(accuracy > kept + 0.01, "{name}: {accuracy}, {kept}");
    }
    // What a run did is in its recipe.
    let recipe = std::fs::read_to_string(folder.path().join("spread/recipe.toml")).unwrap();
    assert!(recipe.contains("last_batch = \"spread\"\n"), "{recipe}");
    // A whole batch can be too small, too.
    let told = succeeds(&run(&with(&["batch=4"], &["--dry-run"])));
    assert!(
        told.contains("warning: a batch has 4 images, in which layer 2 (batch norm) has 4 values"),
        "{told}"
    );
}
