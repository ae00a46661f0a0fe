//! A trained network with what it takes to use it: how pixels become its numbers, and what its outputs mean.

#[cfg(feature = "files")]
mod file;

use std::collections::BTreeMap;

use conv_core::network::{Network, Workspace};
use conv_core::ops::loss;
use mnist_data::Normalisation;
use ndarray::{Array2, ArrayView3, Axis};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::picture::Preparation;

/// The key of our metadata in the file.
const KEY: &str = "trainer";
/// Images that pass through the network together, so that memory does not grow with a data set.
const TOGETHER: usize = 1000;
/// A network and what belongs to it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Takes images (H, W, 1), gives a number for each class.
    pub network: Network,
    /// How a pixel becomes a number of its input.
    pub normalisation: Normalisation,
    /// The data set it was trained on, by its name in the catalogue.
    pub dataset: String,
    /// What its outputs mean.
    pub classes: Vec<String>,
    /// How pictures become images as those it was trained on.
    pub preparation: Preparation,
}

/// What the file says beside the network, as JSON.
#[derive(Serialize, Deserialize)]
struct About {
    version: String,
    dataset: String,
    normalisation: MeanDeviation,
    classes: Vec<String>,
    /// None in files from before it was stored: that of the data set.
    #[serde(default)]
    preparation: Option<Preparation>,
}

/// `(pixel / 255 − mean) / deviation`; by 255 alone is mean 0 and deviation 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanDeviation {
    /// Of `pixel / 255`.
    pub mean: f32,
    /// Of `pixel / 255`, above 0.
    pub deviation: f32,
}

impl From<Normalisation> for MeanDeviation {
    fn from(normalisation: Normalisation) -> Self {
        match normalisation {
            Normalisation::By255 => Self {
                mean: 0.0,
                deviation: 1.0,
            },
            Normalisation::MeanDeviation { mean, deviation } => Self { mean, deviation },
        }
    }
}

impl From<MeanDeviation> for Normalisation {
    fn from(MeanDeviation { mean, deviation }: MeanDeviation) -> Self {
        if mean == 0.0 && deviation == 1.0 {
            return Self::By255;
        }
        Self::MeanDeviation { mean, deviation }
    }
}

impl Model {
    /// A network for images of a data set.
    ///
    /// # Errors
    /// If the network takes no grey images, has another number of outputs than there are classes, or the
    /// normalisation is none.
    pub fn new(
        network: Network,
        normalisation: Normalisation,
        dataset: &str,
        classes: Vec<String>,
    ) -> Result<Self, String> {
        let summary = network.summary();
        let outputs = summary.output().len();
        let channels = summary.input.channels;
        if channels != 1 {
            return Err(format!(
                "its images have {channels} channels, expected 1, grey"
            ));
        }
        if classes.is_empty() || classes.len() > 256 {
            return Err(format!(
                "it has {} classes, expected 1 to 256",
                classes.len()
            ));
        }
        if outputs != classes.len() {
            return Err(format!(
                "its network has {outputs} outputs, expected one for each of its {} classes",
                classes.len()
            ));
        }
        let MeanDeviation { mean, deviation } = normalisation.into();
        if !(mean.is_finite() && deviation.is_finite() && deviation > 0.0) {
            return Err(format!(
                "its normalisation has mean {mean} and deviation {deviation}, expected finite numbers, \
                 the deviation above 0"
            ));
        }
        Ok(Self {
            network,
            normalisation,
            preparation: Preparation::of_data_set(dataset),
            dataset: dataset.to_owned(),
            classes,
        })
    }

    /// The bytes of a model file.
    ///
    /// # Errors
    /// If the network's spec or the metadata cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let about = About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            dataset: self.dataset.clone(),
            normalisation: self.normalisation.into(),
            classes: self.classes.clone(),
            preparation: Some(self.preparation),
        };
        let about = serde_json::to_string(&about)
            .map_err(|error| Error::Failed(format!("cannot write the model: {error}")))?;
        let metadata = BTreeMap::from([(KEY.to_owned(), about)]);
        Ok(self.network.to_bytes_with(&metadata)?)
    }

    /// The model of a file's bytes, which need not be trusted.
    ///
    /// # Errors
    /// What is wrong with them, without a file's name.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let loaded = Network::from_bytes_with(bytes).map_err(|error| error.to_string())?;
        let (network, metadata) = (loaded.network, loaded.metadata);
        let about = metadata
            .get(KEY)
            .ok_or_else(|| format!("its metadata have no {KEY:?}, so nothing tells its classes"))?;
        let about: About = serde_json::from_str(about)
            .map_err(|error| format!("its metadata {KEY:?} is wrong: {error}"))?;
        let mut model = Self::new(
            network,
            about.normalisation.into(),
            &about.dataset,
            about.classes,
        )?;
        if let Some(preparation) = about.preparation {
            model.preparation = preparation;
        }
        Ok(model)
    }

    /// Height and width of the images that it takes.
    pub fn image_size(&self) -> (usize, usize) {
        let input = self.network.spec().input;
        (input.rows, input.cols)
    }

    /// What the network makes of images, u8 (N, H, W), before softmax: (N, classes), all finite.
    ///
    /// # Errors
    /// If the images have another size than the network's, or what comes out is not finite.
    pub fn logits(&self, images: ArrayView3<'_, u8>) -> Result<Array2<f32>, Error> {
        let (_, height, width) = images.dim();
        let (own_height, own_width) = self.image_size();
        if (height, width) != (own_height, own_width) {
            return Err(Error::Failed(format!(
                "the images are {height}×{width}, expected {own_height}×{own_width}, those of the model"
            )));
        }
        let table: [f32; 256] = std::array::from_fn(|pixel| self.normalisation.apply(pixel as f32));
        let mut workspace = Workspace::new();
        let mut logits = Array2::zeros((images.dim().0, self.classes.len()));
        let pieces = images.axis_chunks_iter(Axis(0), TOGETHER);
        for (images, mut to) in pieces.zip(logits.axis_chunks_iter_mut(Axis(0), TOGETHER)) {
            let input = images.mapv(|pixel| table[usize::from(pixel)]);
            let input = input.insert_axis(Axis(3));
            let input = input.as_standard_layout();
            to.assign(&self.network.forward(input.view(), &mut workspace)?);
        }
        match logits.indexed_iter().find(|(_, logit)| !logit.is_finite()) {
            None => Ok(logits),
            Some(((image, class), logit)) => Err(Error::Failed(format!(
                "the network's output {class} for image {image} is {logit}, expected a finite number; \
                 was its training stopped by such numbers?"
            ))),
        }
    }

    /// The probability of each class for images, u8 (N, H, W): (N, classes).
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn probabilities(&self, images: ArrayView3<'_, u8>) -> Result<Array2<f32>, Error> {
        let logits = self.logits(images)?;
        let mut probabilities = Array2::zeros(logits.dim());
        loss::softmax(logits.view(), probabilities.view_mut())?;
        Ok(probabilities)
    }
}

/// SHA-256 of all parameters and then the running means and variances, as little-endian f32.
#[must_use]
pub fn digest(network: &Network) -> String {
    let mut sha = Sha256::new();
    for number in network.values() {
        sha.update(number.to_le_bytes());
    }
    for statistics in network.running_statistics() {
        for &number in statistics.mean.iter().chain(&statistics.variance) {
            sha.update((number as f32).to_le_bytes());
        }
    }
    format!("{:x}", sha.finalize())
}

#[cfg(all(test, feature = "files"))]
mod tests {
    use conv_core::spec::{Layers, Spec};
    use ndarray::Array3;

    use super::file::EXPECTED;
    use super::*;

    fn digits() -> Vec<String> {
        (0..10).map(|digit| digit.to_string()).collect()
    }

    fn model(normalisation: Normalisation) -> Model {
        let layers = Layers::new().conv(2, (5, 5)).relu().flatten().dense(10);
        let network = Network::new(&Spec::new((28, 28, 1), layers), 1).unwrap();
        Model::new(network, normalisation, "mnist", digits()).unwrap()
    }

    #[test]
    fn comes_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let measured = Normalisation::MeanDeviation {
            mean: 0.130_660_48,
            deviation: 0.308_107_8,
        };
        for normalisation in [Normalisation::By255, measured] {
            let model = model(normalisation);
            model.write(&path).unwrap();
            // A run's folder will do.
            for path in [path.as_path(), folder.path()] {
                let again = Model::read(path).unwrap();
                assert_eq!(again.to_bytes().unwrap(), model.to_bytes().unwrap());
                assert_eq!(again.normalisation, model.normalisation);
                assert_eq!(again.dataset, "mnist");
                assert_eq!(again.classes, digits());
            }
        }
    }

    /// That of its data set unless the file says another; a file from before it was stored says none.
    #[test]
    fn the_preparation_of_pictures_is_kept() {
        let mut stored = model(Normalisation::By255);
        assert_eq!(stored.preparation, Preparation::Digit);
        stored.preparation = Preparation::Plain;
        let again = Model::from_bytes(&stored.to_bytes().unwrap()).unwrap();
        assert_eq!(again.preparation, Preparation::Plain);
        for (dataset, expected) in [
            ("mnist", Preparation::Digit),
            ("fashion-mnist", Preparation::Garment),
            ("emnist-letters", Preparation::Letter),
            ("kmnist", Preparation::Plain),
        ] {
            let about = format!(
                r#"{{"version":"0","dataset":"{dataset}","classes":{},"normalisation":{{"mean":0,"deviation":1}}}}"#,
                serde_json::to_string(&digits()).unwrap()
            );
            let metadata = BTreeMap::from([(KEY.to_owned(), about)]);
            let bytes = stored.network.to_bytes_with(&metadata).unwrap();
            assert_eq!(Model::from_bytes(&bytes).unwrap().preparation, expected);
        }
    }

    /// The network sees what it saw in training.
    #[test]
    fn images_are_normalised_as_batches_are() {
        let images = Array3::from_shape_fn((3, 28, 28), |(n, y, x)| (n * 90 + y * 9 + x) as u8);
        let measured = Normalisation::MeanDeviation {
            mean: 0.4,
            deviation: 0.3,
        };
        let model = model(measured);
        let found = model.logits(images.view()).unwrap();
        let dataset = mnist_data::Dataset::new(images, vec![0, 1, 2].into()).unwrap();
        let batch = dataset
            .batches(3)
            .unwrap()
            .normalised(measured)
            .next()
            .unwrap();
        let mut workspace = Workspace::new();
        let expected = model
            .network
            .forward(batch.images.view(), &mut workspace)
            .unwrap();
        assert_eq!(found, expected);
        let sums = model
            .probabilities(dataset.images())
            .unwrap()
            .sum_axis(Axis(1));
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{sums}");
    }

    #[test]
    fn many_images_pass_in_pieces() {
        let images = Array3::from_shape_fn((2 * TOGETHER + 1, 28, 28), |(n, y, x)| {
            (n * 31 + y * 9 + x) as u8
        });
        let model = model(Normalisation::By255);
        let all = model.logits(images.view()).unwrap();
        assert_eq!(all.dim(), (2 * TOGETHER + 1, 10));
        for at in [0, TOGETHER, 2 * TOGETHER] {
            let one = images.slice_axis(Axis(0), (at..=at).into());
            assert_eq!(model.logits(one).unwrap().row(0), all.row(at));
        }
        let none = images.slice_axis(Axis(0), (0..0).into());
        assert_eq!(model.logits(none).unwrap().dim(), (0, 10));
    }

    #[test]
    fn images_of_another_size_are_refused() {
        let model = model(Normalisation::By255);
        let Err(Error::Failed(message)) = model.logits(Array3::zeros((1, 20, 28)).view()) else {
            panic!("20×28 fits");
        };
        assert_eq!(
            message,
            "the images are 20×28, expected 28×28, those of the model"
        );
    }

    #[test]
    fn what_is_no_model_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        let refused = |bytes: Option<Vec<u8>>| {
            if let Some(bytes) = bytes {
                std::fs::write(&path, bytes).unwrap();
            }
            match Model::read(&path) {
                Err(Error::Failed(message)) => {
                    let name = format!("{}: ", path.display());
                    assert!(message.starts_with(&name), "{message}");
                    assert!(message.ends_with(EXPECTED), "{message}");
                    message
                }
                _ => panic!("it was read"),
            }
        };
        refused(None);
        refused(Some(Vec::new()));
        let model = model(Normalisation::By255);
        let bytes = model.to_bytes().unwrap();
        refused(Some(bytes[..bytes.len() / 2].to_vec()));
        assert!(refused(Some(model.network.to_bytes().unwrap())).contains("no \"trainer\""));
        let with = |about: &str| {
            let metadata = BTreeMap::from([(KEY.to_owned(), about.to_owned())]);
            refused(Some(model.network.to_bytes_with(&metadata).unwrap()))
        };
        assert!(with("{}").contains("missing field"));
        let about = |classes: &str, mean: &str, deviation: &str| {
            with(&format!(
                r#"{{"version":"0","dataset":"mnist","classes":{classes},
                "normalisation":{{"mean":{mean},"deviation":{deviation}}}}}"#
            ))
        };
        assert!(about(r#"["a"]"#, "0", "1").contains("10 outputs"));
        assert!(about("[]", "0", "1").contains("0 classes"));
        let ten = serde_json::to_string(&digits()).unwrap();
        assert!(about(&ten, "0", "0").contains("deviation 0"));
        // Infinite as f32, which serde_json refuses itself if it is built to read floats exactly.
        about(&ten, "1e300", "1");
    }
}
