//! A model that reads drawn digits, as `trainer predict` reads pictures.

use std::io::Cursor;

use ndarray::{Array2, ArrayView2, Axis};
use serde::Serialize;
use trainer::model::Model;
use trainer::picture::{Error, Picture};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::drawing::paper;
use crate::responses::Responses;
use crate::{Phrase, exactly, json, words};

/// A model in use.
#[wasm_bindgen]
pub struct Reader {
    pub(crate) model: Model,
    responses: Responses,
}

/// What a model says of a picture.
#[derive(Serialize)]
struct Answer {
    /// Of each class, 0 to 1.
    probabilities: Vec<f32>,
    /// The image that the network gets, row by row, 0 to 255.
    image: Vec<u8>,
    /// Where there is doubt.
    warnings: Vec<Phrase>,
}

#[wasm_bindgen]
impl Reader {
    /// The model of a file, which need not be trusted.
    ///
    /// # Errors
    /// What is wrong with it: it is no whole model, or its weights are so large that it has no answer to an image.
    #[wasm_bindgen(constructor)]
    pub fn new(file: &[u8]) -> Result<Self, Phrase> {
        let model = Model::from_bytes(file)
            .map_err(|words| Phrase::new("model.not.whole").with("words", words))?;
        let reader = Self::of(model)?;
        for level in [0, 255] {
            let image = Array2::from_elem(reader.model.image_size(), level);
            reader.answer_of(&image, Vec::new())?;
        }
        Ok(reader)
    }

    /// What the model is, as JSON: its data set, its classes, its parameters, and its layers.
    ///
    /// # Errors
    /// It does not fail: all of it can be written.
    pub fn about(&self) -> Result<String, String> {
        #[derive(Serialize)]
        struct About<'a> {
            dataset: &'a str,
            classes: &'a [String],
            rows: usize,
            cols: usize,
            parameters: usize,
            layers: Vec<crate::responses::LayerView>,
        }
        let (rows, cols) = self.model.image_size();
        json(&About {
            dataset: &self.model.dataset,
            classes: &self.model.classes,
            rows,
            cols,
            parameters: self.model.network.values().len(),
            layers: self.responses.layers(),
        })
    }

    /// What the model says of ink on a square of `side` pixels, as JSON: `probabilities`, `image`, `warnings`. None where
    /// nothing is drawn, or nothing in it can be a figure.
    ///
    /// # Errors
    /// If there are more or fewer pixels, or the probabilities are not finite.
    pub fn read(&self, ink: &[u8], side: usize) -> Result<Option<String>, Phrase> {
        let levels = paper(ink, side)?;
        if ink.iter().all(|&level| level == 0) {
            return Ok(None);
        }
        self.answer(&Picture::of_grey(levels.view())?)
    }

    /// The same of the bytes of a PNG or JPEG file.
    ///
    /// # Errors
    /// If it is another kind of file, a damaged one, or has too many pixels, or the probabilities are not finite.
    pub fn read_file(&self, file: &[u8]) -> Result<Option<String>, Phrase> {
        self.answer(&Picture::read(Cursor::new(file))?)
    }

    /// The same of an image as the network takes it, row by row, 0 to 255.
    ///
    /// # Errors
    /// If it has another size, or the probabilities are not finite.
    pub fn read_image(&self, image: &[u8]) -> Result<String, Phrase> {
        let image = self.view(image)?.to_owned();
        self.answer_of(&image, Vec::new())
    }

    /// What every layer makes of such an image, one after the other: each (rows, cols, channels) of
    /// [`about`](Self::about).
    ///
    /// # Errors
    /// If it has another size.
    pub fn responses(&mut self, image: &[u8]) -> Result<Vec<f32>, String> {
        let image = self.view(image)?;
        let normalisation = self.model.normalisation;
        let input = image.mapv(|pixel| normalisation.apply(f32::from(pixel)));
        let input = input.insert_axis(Axis(0)).insert_axis(Axis(3));
        self.responses.of(input.view())
    }

    /// The weights of a kernel of a convolution, (rows, cols, channels of its input), and then its bias, if it has one.
    #[must_use]
    pub fn kernel(&self, layer: usize, channel: usize) -> Vec<f32> {
        self.responses.kernel(layer, channel)
    }

    /// What an image as the network takes it becomes by its normalisation.
    #[must_use]
    pub fn normalised(&self, image: &[u8]) -> Vec<f32> {
        let pixels = image.iter();
        pixels
            .map(|&pixel| self.model.normalisation.apply(f32::from(pixel)))
            .collect()
    }
}

impl Reader {
    pub(crate) fn of(model: Model) -> Result<Self, String> {
        Ok(Self {
            responses: Responses::new(&model.network)?,
            model,
        })
    }

    /// Pixels as an image of the model's.
    fn view<'a>(&self, image: &'a [u8]) -> Result<ArrayView2<'a, u8>, String> {
        let (rows, cols) = self.model.image_size();
        exactly(image, rows * cols, "the image")?;
        ArrayView2::from_shape((rows, cols), image).map_err(words)
    }

    fn answer(&self, picture: &Picture) -> Result<Option<String>, Phrase> {
        let size = self.model.image_size();
        let prepared = match self.model.preparation.prepare(picture, size) {
            Ok(prepared) => prepared,
            Err(Error::Blank { .. } | Error::NoFigure) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let warnings = prepared.warnings.iter().map(Phrase::from);
        let answer = self.answer_of(&prepared.image, warnings.collect());
        answer.map(Some)
    }

    fn answer_of(&self, image: &Array2<u8>, warnings: Vec<Phrase>) -> Result<String, Phrase> {
        let image = image.view().insert_axis(Axis(0));
        // The image has the model's size, so this is all that can be wrong.
        let probabilities = self
            .model
            .probabilities(image)
            .map_err(|_| Phrase::new("model.not.finite"))?;
        Ok(json(&Answer {
            probabilities: probabilities.into_iter().collect(),
            image: image.iter().copied().collect(),
            warnings,
        })?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::digits::tests::digits;
    use crate::drawing::{png, rasterise};

    /// The model that the page carries.
    fn reader() -> Reader {
        Reader::new(include_bytes!("../web/quick.safetensors")).unwrap()
    }

    fn best(answer: &str) -> usize {
        let answer: Value = serde_json::from_str(answer).unwrap();
        let probabilities = answer["probabilities"].as_array().unwrap();
        assert_eq!(probabilities.len(), 10);
        let number = |at: usize| probabilities[at].as_f64().unwrap();
        (1..10).fold(
            0,
            |best, at| if number(at) > number(best) { at } else { best },
        )
    }

    #[test]
    fn reads_strokes() {
        let reader = reader();
        let one = rasterise(&[140.0, 60.0, 140.0, 220.0], 280, 11.0).unwrap();
        assert_eq!(best(&reader.read(&one, 280).unwrap().unwrap()), 1);
        let seven = rasterise(&[80.0, 70.0, 190.0, 70.0, 120.0, 220.0], 280, 11.0).unwrap();
        assert_eq!(best(&reader.read(&seven, 280).unwrap().unwrap()), 7);
        // The same of the file that the page offers for download.
        let file = png(&seven, 280).unwrap();
        assert_eq!(reader.read_file(&file), reader.read(&seven, 280));
    }

    #[test]
    fn an_empty_drawing_has_no_answer() {
        assert_eq!(reader().read(&[0; 784], 28), Ok(None));
        assert!(reader().read(&[0; 783], 28).is_err());
        assert!(reader().read(&[0; 785], 28).is_err());
        assert!(reader().read_image(&[0; 785]).is_err());
        assert!(reader().responses(&[0; 785]).is_err());
        assert!(reader().read_file(b"GIF89a").is_err());
    }

    /// The classes of the first 200 test images, and how good the model is.
    #[test]
    fn reads_images_as_its_model_does() {
        let (reader, digits) = (reader(), digits());
        let mut right = 0;
        for index in 0..200 {
            let image = digits.image(index);
            let read = reader.read_image(&image).unwrap();
            let view = ArrayView2::from_shape((28, 28), &image).unwrap();
            let model = reader
                .model
                .probabilities(view.insert_axis(Axis(0)))
                .unwrap();
            let found: Value = serde_json::from_str(&read).unwrap();
            let found = found["probabilities"][3].as_f64().unwrap() as f32;
            assert_eq!(found, model[[0, 3]]);
            right += usize::from(best(&read) == usize::from(digits.label(index).unwrap()));
        }
        assert!(right >= 196, "{right} of 200");
    }

    #[test]
    fn responses_end_with_the_logits() {
        let mut reader = reader();
        let image = digits().image(3);
        let all = reader.responses(&image).unwrap();
        let about: Value = serde_json::from_str(&reader.about().unwrap()).unwrap();
        let size = |key: &str, layer: &Value| layer[key].as_u64().unwrap() as usize;
        let total: usize = about["layers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|layer| size("rows", layer) * size("cols", layer) * size("channels", layer))
            .sum();
        assert_eq!(all.len(), total);
        let view = ArrayView2::from_shape((28, 28), &image).unwrap();
        let logits = reader.model.logits(view.insert_axis(Axis(0))).unwrap();
        assert_eq!(all[total - 10..], logits.into_raw_vec_and_offset().0);
    }

    #[test]
    fn a_file_that_is_no_model_is_refused() {
        let error = Reader::new(b"no model").err().unwrap();
        assert_eq!(error.phrase, "model.not.whole");
        let mut cut = include_bytes!("../web/quick.safetensors").to_vec();
        cut.truncate(1000);
        assert!(Reader::new(&cut).is_err());
    }

    /// Finite weights whose sums are not: such a model has no answer, so it does not take another's place.
    #[test]
    fn a_model_that_computes_no_numbers_is_refused() {
        let mut model = reader().model;
        let weights = vec![3e38; model.network.values().len()];
        model.network.set_values(&weights).unwrap();
        let error = Reader::new(&model.to_bytes().unwrap()).err().unwrap();
        assert_eq!(error, Phrase::new("model.not.finite"));
    }

    /// What can be wrong with a picture is said by the page, in its language.
    #[test]
    fn pictures_that_cannot_be_read_are_told_in_phrases() {
        let told = |file: &[u8]| reader().read_file(file).unwrap_err().phrase;
        assert_eq!(told(b""), "picture.empty");
        assert_eq!(told(b"no picture at all"), "picture.none");
        assert_eq!(told(b"GIF89a\x01\0\x01\0"), "picture.kind");
        let mut file = png(&[255; 400], 20).unwrap();
        file.truncate(60);
        assert_eq!(told(&file), "picture.ends");
    }

    /// Two figures beside each other: an answer with a doubt.
    #[test]
    fn doubts_are_told_in_phrases() {
        let two = [
            60.0,
            60.0,
            60.0,
            220.0,
            f32::NAN,
            0.0,
            210.0,
            60.0,
            210.0,
            220.0,
        ];
        let ink = rasterise(&two, 280, 11.0).unwrap();
        let answer = reader().read(&ink, 280).unwrap().unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["warnings"][0]["phrase"], "warning.several");
        assert_eq!(answer["warnings"][0]["values"]["count"], 2);
    }
}
