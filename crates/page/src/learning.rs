//! A recipe that is trained while one watches.

use conv_core::Error;
use conv_core::network::Summary;
use conv_core::shape::ImageShape;
use conv_core::spec::{Layers, Spec};
use mnist_data::catalog;
use serde::Serialize;
use trainer::evaluation::Evaluation;
use trainer::images::Images;
use trainer::in_memory::Training;
use trainer::recipe::{self, Changes, Named, Recipe};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::digits::Digits;
use crate::reader::Reader;
use crate::{Phrase, json, words};

/// Rows and columns of an image.
const IMAGE: (usize, usize) = (28, 28);
/// What an image may show.
const CLASSES: usize = 10;
/// Parameters of a network that is trained here, at most: training keeps them several times over, and a page has less memory
/// than a program.
const MOST_PARAMETERS: usize = 4_000_000;
/// Mistakes that are shown, at most.
const SHOWN: usize = 24;

/// A recipe under way.
#[wasm_bindgen]
pub struct Learning {
    training: Training,
    images: Images,
    epochs: u64,
}

#[wasm_bindgen]
impl Learning {
    /// The network of a recipe's text before its first step.
    ///
    /// # Errors
    /// If the recipe is wrong, or wants images that the page has not: where, and why.
    #[wasm_bindgen(constructor)]
    pub fn new(digits: &Digits, text: &str) -> Result<Self, String> {
        let named = parse(text)?;
        let dataset = &named.recipe.data.dataset;
        if dataset != catalog::MNIST.name {
            return Err(format!(
                "the recipe wants the data set {dataset}, the page has mnist alone"
            ));
        }
        let splits = digits.splits.clone();
        let images = Images::new(&named, &catalog::MNIST, splits).map_err(words)?;
        Ok(Self {
            training: Training::new(&named, &images).map_err(words)?,
            images,
            epochs: named.recipe.epochs,
        })
    }

    /// So many steps, or as many as there are left. Gives where it is, as JSON: `step` of `steps`, `epoch` of `epochs`, and
    /// the means of these steps, `loss` and `accuracy`, none if there was no step left.
    ///
    /// # Errors
    /// If the numbers are no longer finite.
    pub fn advance(&mut self, count: usize) -> Result<String, Phrase> {
        let (mut loss, mut correct, mut seen, mut taken) = (0.0, 0, 0, 0);
        for _ in 0..count {
            let step = self.training.steps().0 + 1;
            let diverged = |_| Phrase::new("learn.diverged").with("step", step);
            let Some(report) = self.training.step().map_err(diverged)? else {
                break;
            };
            loss += report.loss;
            correct += report.correct;
            seen += self.training.last_batch();
            taken += 1;
        }
        #[derive(Serialize)]
        struct Progress {
            step: u64,
            steps: u64,
            epoch: u64,
            epochs: u64,
            steps_per_epoch: u64,
            loss: Option<f64>,
            accuracy: Option<f64>,
        }
        let (step, steps) = self.training.steps();
        Ok(json(&Progress {
            step,
            steps,
            epoch: step / self.training.steps_per_epoch(),
            epochs: self.epochs,
            steps_per_epoch: self.training.steps_per_epoch(),
            loss: (taken > 0).then(|| loss / f64::from(taken)),
            accuracy: (seen > 0).then(|| correct as f64 / seen as f64),
        })?)
    }

    /// How good the network is on the first `count` test images, as JSON: `accuracy`, `loss`, and the worst of its
    /// `mistakes`, each with the `index` of its image, `label`, `predicted` and `probability`.
    ///
    /// # Errors
    /// If the network's outputs are not finite.
    pub fn evaluate(&self, count: usize) -> Result<String, Phrase> {
        let test = &self.images.test;
        let some = test.first(count.clamp(1, test.len())).map_err(words)?;
        let model = self.training.model().map_err(words)?;
        let found = Evaluation::of(&model, &some).map_err(|_| Phrase::new("model.not.finite"))?;
        #[derive(Serialize)]
        struct Judgement {
            images: usize,
            accuracy: f64,
            loss: f64,
            mistakes: Vec<trainer::evaluation::Verdict>,
        }
        Ok(json(&Judgement {
            images: found.images,
            accuracy: found.accuracy,
            loss: found.loss,
            mistakes: found.worst(SHOWN),
        })?)
    }

    /// The network as it is now, as one that reads digits.
    ///
    /// # Errors
    /// It does not fail: the network is whole.
    pub fn reader(&self) -> Result<Reader, String> {
        Reader::of(self.training.model().map_err(words)?)
    }

    /// The bytes of a model file, `model.safetensors`.
    ///
    /// # Errors
    /// It does not fail: the network is whole.
    pub fn model(&self) -> Result<Vec<u8>, String> {
        let model = self.training.model().map_err(words)?;
        model.to_bytes().map_err(words)
    }

    /// SHA-256 of the parameters, as `trainer train` prints it.
    ///
    /// # Errors
    /// It does not fail: the network is whole.
    pub fn digest(&self) -> Result<String, String> {
        self.training.digest().map_err(words)
    }
}

/// The text of a built-in recipe with other epochs and other layers: as in a recipe, but JSON; the recipe's own where it is
/// empty.
///
/// # Errors
/// If there is no such recipe, or a layer is none.
#[wasm_bindgen]
pub fn built_in(name: &str, epochs: Option<u32>, layers: &str) -> Result<String, String> {
    let text = recipe::builtin(name).ok_or_else(|| {
        let names: Vec<&str> = recipe::builtin_names().collect();
        format!("no recipe {name:?}; there are: {}", names.join(", "))
    })?;
    let changes = Changes {
        epochs: epochs.map(u64::from),
        ..Changes::default()
    };
    let file = format!("recipe {name}");
    let mut recipe = Recipe::parse(name, &file, text, &changes)
        .map_err(words)?
        .recipe;
    if !layers.is_empty() {
        recipe.layers = serde_json::from_str::<Layers>(layers)
            .map_err(|error| format!("the layers: {error}"))?;
    }
    recipe.to_toml().map_err(words)
}

/// The layers of a recipe's text as JSON: the `recipe`'s own words for them, and of each its `name`, the shape of its output
/// `rows`, `cols` and `channels`, and its `parameters`. Where they do not fit, `problem` is a phrase that says why, and the
/// layers end before the first that does not fit its input.
///
/// # Errors
/// If the text is no recipe: where, and why.
#[wasm_bindgen]
pub fn summary(text: &str) -> Result<String, String> {
    #[derive(Serialize)]
    struct Layer {
        name: String,
        rows: usize,
        cols: usize,
        channels: usize,
        parameters: usize,
    }
    #[derive(Serialize)]
    struct Table<'a> {
        recipe: &'a Layers,
        layers: Vec<Layer>,
        problem: Option<Phrase>,
        epochs: u64,
    }
    let named = parse(text)?;
    let layers = &named.recipe.layers;
    let input = ImageShape::new(IMAGE.0, IMAGE.1, 1);
    let first = |count: usize| Spec::new(input, Layers(layers.0[..count].to_vec())).summary();
    let (fitting, misfit) = match first(layers.0.len()) {
        Ok(summary) => (Some(summary), None),
        Err(error) => {
            let counts = (1..layers.0.len()).rev();
            (counts.map(first).find_map(Result::ok), Some(error))
        }
    };
    let output = fitting.as_ref().map_or(input, Summary::output);
    let problem = match (misfit, &fitting) {
        (Some(error), _) => Some(why(error, output)),
        (None, Some(summary)) => unfit(summary),
        (None, None) => None,
    };
    let rows = fitting.iter().flat_map(|summary| &summary.layers);
    let rows = rows.map(|layer| Layer {
        name: layer.name.clone(),
        rows: layer.output.rows,
        cols: layer.output.cols,
        channels: layer.output.channels,
        parameters: layer.parameters,
    });
    json(&Table {
        recipe: layers,
        layers: rows.collect(),
        problem,
        epochs: named.recipe.epochs,
    })
}

/// Why a layer does not fit its input.
fn why(error: Error, input: ImageShape) -> Phrase {
    let shape = |phrase: Phrase| {
        let phrase = phrase.with("rows", input.rows).with("cols", input.cols);
        phrase.with("channels", input.channels)
    };
    match error {
        Error::Layer { error, .. } => match *error {
            Error::NotFlat { .. } => shape(Phrase::new("layers.not.flat")),
            Error::Range { what, found, .. } if what.starts_with("window") && found > 0 => {
                shape(Phrase::new("layers.window").with("window", found))
            }
            Error::Overflow { .. } => Phrase::new("layers.too.large"),
            other => Phrase::program(other),
        },
        other => Phrase::program(other),
    }
}

/// Why a network, whose layers fit each other, cannot be trained here.
fn unfit(summary: &Summary) -> Option<Phrase> {
    let (outputs, parameters) = (summary.output().len(), summary.parameters());
    if summary.layers.is_empty() {
        Some(Phrase::new("layers.none"))
    } else if outputs != CLASSES {
        Some(Phrase::new("layers.outputs").with("outputs", outputs))
    } else if parameters == 0 {
        Some(Phrase::new("layers.no.parameters"))
    } else if parameters > MOST_PARAMETERS {
        let phrase = Phrase::new("layers.large").with("parameters", parameters);
        Some(phrase.with("most", MOST_PARAMETERS))
    } else {
        None
    }
}

fn parse(text: &str) -> Result<Named, String> {
    Recipe::parse("recipe", "recipe", text, &Changes::default()).map_err(words)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::digits::tests::digits;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn learns_as_the_program_does() {
        let digits = digits();
        let text = built_in("stacked", Some(2), "").unwrap();
        let mut learning = Learning::new(&digits, &text).unwrap();
        let progress = value(&learning.advance(25).unwrap());
        assert_eq!(
            (&progress["step"], &progress["steps"]),
            (&25.into(), &40.into())
        );
        assert_eq!(
            (&progress["epoch"], &progress["epochs"]),
            (&1.into(), &2.into())
        );
        assert!(progress["loss"].as_f64().unwrap() > 0.5);
        assert_eq!(value(&learning.advance(99).unwrap())["step"], 40);
        assert!(value(&learning.advance(1).unwrap())["loss"].is_null());
        let pinned = include_str!("../../conv-core/tests/golden/digests.txt");
        let line = format!("stacked-2-epochs {}", learning.digest().unwrap());
        assert!(pinned.lines().any(|known| known == line), "{line}");

        let judged = value(&learning.evaluate(200).unwrap());
        let accuracy = judged["accuracy"].as_f64().unwrap();
        let wrong = (200.0 * (1.0 - accuracy)).round() as usize;
        assert_eq!(
            judged["mistakes"].as_array().unwrap().len(),
            wrong.min(SHOWN)
        );

        // The model that is downloaded is the one that reads.
        let loaded = Reader::new(&learning.model().unwrap()).unwrap();
        let image = digits.image(0);
        assert_eq!(
            loaded.read_image(&image),
            learning.reader().unwrap().read_image(&image)
        );
    }

    #[test]
    fn other_layers_make_another_recipe() {
        let layers = r#"[{"type":"conv","kernels":4,"window":5},{"type":"relu"},{"type":"flatten"},{"type":"dense","outputs":10}]"#;
        let text = built_in("lenet", None, layers).unwrap();
        let table = value(&summary(&text).unwrap());
        let shapes: Vec<u64> = table["layers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|layer| layer["channels"].as_u64().unwrap())
            .collect();
        assert_eq!(shapes, [4, 4, 2304, 10]);
        assert!(table["problem"].is_null());
        assert_eq!(table["recipe"][0]["kernels"], 4);
        // What is downloaded reads back as itself.
        assert_eq!(parse(&text).unwrap().recipe.to_toml().unwrap(), text);
    }

    #[test]
    fn layers_that_do_not_fit_are_told() {
        let told = |layers: &str| {
            let text = built_in("stacked", None, layers).unwrap();
            let table = value(&summary(&text).unwrap());
            let fitting = table["layers"].as_array().unwrap().len();
            (table["problem"].clone(), fitting)
        };
        let dense =
            told(r#"[{"type":"conv","kernels":4,"window":5},{"type":"dense","outputs":10}]"#);
        let phrase = Phrase::new("layers.not.flat")
            .with("rows", 24)
            .with("cols", 24);
        assert_eq!(dense, (phrase.with("channels", 4).into(), 1));
        let large = told(
            r#"[{"type":"pool","pool":"max","window":2},{"type":"conv","kernels":4,"window":15},{"type":"relu"}]"#,
        );
        let phrase = Phrase::new("layers.window").with("window", 15);
        let phrase = phrase.with("rows", 14).with("cols", 14).with("channels", 1);
        assert_eq!(large, (phrase.into(), 1));
        let few = told(r#"[{"type":"flatten"},{"type":"dense","outputs":9}]"#);
        assert_eq!(
            few,
            (Phrase::new("layers.outputs").with("outputs", 9).into(), 2)
        );
        let heavy = |kernels: usize| {
            let layers = format!(
                r#"[{{"type":"conv","kernels":{kernels},"window":1}},{{"type":"flatten"}},{{"type":"dense","outputs":1024}},{{"type":"dense","outputs":10}}]"#
            );
            told(&layers)
        };
        let (problem, fitting) = heavy(16);
        assert_eq!((&problem["phrase"], fitting), (&"layers.large".into(), 4));
        assert_eq!(problem["values"]["parameters"], 12_856_362);
        assert_eq!(heavy(128), (Phrase::new("layers.too.large").into(), 2));
        assert_eq!(told("[]").0["phrase"], "layers.none");
        assert!(built_in("stacked", None, r#"[{"type":"convolution"}]"#).is_err());
        assert!(built_in("none", None, "").unwrap_err().contains("stacked"));
    }

    #[test]
    fn images_that_the_page_has_not_are_refused() {
        let text = built_in("quick", None, "").unwrap();
        let error = Learning::new(&digits(), &text).err().unwrap();
        assert!(error.contains("60000") && error.contains("1000"), "{error}");
    }
}
