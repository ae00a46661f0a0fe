//! How pictures become images of a data set: as its makers made them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::area::Area;
use super::error::Error;
use super::pixels::Picture;
use super::prepared::Prepared;
use super::search::{self, Place};
use super::warning::Warning;
use super::{garment, glyph};

/// How the images of a data set were made from pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Preparation {
    /// As MNIST's: the figure's ink, scaled to fit a box of 20 × 20 pixels, its centre of mass in the middle of 28 × 28.
    Digit,
    /// As EMNIST's: the figure's ink, scaled to fit all but 2 pixels at each side, the middle of its box in the middle.
    Letter,
    /// As Fashion-MNIST's: what differs from an even background, its longer side scaled to the image's, in its middle.
    Garment,
    /// The whole picture scaled to fit.
    Plain,
}

impl Preparation {
    /// That of a data set by its name in the catalogue; whole pictures for one that is not known.
    #[must_use]
    pub fn of_data_set(name: &str) -> Self {
        match name {
            "mnist" | "qmnist" => Self::Digit,
            "fashion-mnist" => Self::Garment,
            _ if name.starts_with("emnist-") => Self::Letter,
            _ => Self::Plain,
        }
    }

    /// The image of `size` = (rows, columns) of a picture; of its largest figure if there are several.
    ///
    /// A grey picture of the very size that could be an image of the data set is taken as it is.
    ///
    /// # Errors
    /// If nothing stands out from the background.
    ///
    /// ```
    /// use std::io::Cursor;
    /// use mnist_data::picture::{Picture, Preparation};
    ///
    /// let mut file = Vec::new();
    /// let mut encoder = png::Encoder::new(&mut file, 40, 60);
    /// encoder.set_color(png::ColorType::Grayscale);
    /// // A dark upright line on light paper.
    /// let paper: Vec<u8> = (0..60 * 40)
    ///     .map(|at| match (at / 40, at % 40) {
    ///         (10..50, 18..22) => 30,
    ///         _ => 240,
    ///     })
    ///     .collect();
    /// encoder.write_header()?.write_image_data(&paper)?;
    ///
    /// let picture = Picture::read(Cursor::new(&file))?;
    /// let one = Preparation::Digit.prepare(&picture, (28, 28))?;
    /// assert_eq!(one.image.dim(), (28, 28));
    /// assert_eq!((one.area.top, one.area.left), (10, 18));
    /// assert_eq!(one.darker, Some(true));
    /// assert!(one.warnings.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prepare(self, picture: &Picture, size: (usize, usize)) -> Result<Prepared, Error> {
        if let Some(image) = self.as_it_is(picture, size) {
            return Ok(image);
        }
        let (mut figures, largest) = match self {
            Self::Digit | Self::Letter => self.figures(picture, size)?,
            Self::Garment => return garment::garment(picture, size),
            Self::Plain => return Ok(garment::whole(picture, size)),
        };
        Ok(figures.swap_remove(largest))
    }

    /// The images of all figures of a picture, from left to right; one image of what has no separate figures.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn split(self, picture: &Picture, size: (usize, usize)) -> Result<Vec<Prepared>, Error> {
        match self {
            Self::Digit | Self::Letter if self.as_it_is(picture, size).is_none() => {
                let (mut figures, _) = self.figures(picture, size)?;
                for figure in &mut figures {
                    figure
                        .warnings
                        .retain(|warning| !matches!(warning, Warning::SeveralFigures(_)));
                }
                Ok(figures)
            }
            _ => Ok(vec![self.prepare(picture, size)?]),
        }
    }

    /// From left to right, and which is the largest.
    fn figures(
        self,
        picture: &Picture,
        size: (usize, usize),
    ) -> Result<(Vec<Prepared>, usize), Error> {
        let (found, place) = search::figures(picture)?;
        let left_out: Vec<Area> = found
            .left_out
            .iter()
            .map(|area| place.of_picture(area, picture.size()))
            .collect();
        let largest = found.largest;
        let figures = found.figures.into_iter().map(|figure| Prepared {
            image: match self {
                Self::Letter => glyph::letter(figure.ink.view(), size),
                _ => glyph::digit(figure.ink.view(), size),
            },
            area: place.of_picture(&figure.area, picture.size()),
            darker: Some(found.darker),
            left_out: left_out.clone(),
            warnings: found.warnings.clone(),
        });
        Ok((figures.collect(), largest))
    }

    fn as_it_is(self, picture: &Picture, size: (usize, usize)) -> Option<Prepared> {
        if picture.size() != size || picture.factor() != 1 || !picture.is_grey() {
            return None;
        }
        let image = picture.grey();
        let fits = match self {
            Self::Digit => glyph::is_digit(image.view()),
            Self::Letter => glyph::has_dark_edges(image.view()),
            Self::Garment | Self::Plain => true,
        };
        let whole = Place::WHOLE.of_picture(&Area::of(size), size);
        fits.then(|| Prepared {
            image,
            area: whole,
            darker: None,
            left_out: Vec::new(),
            warnings: Vec::new(),
        })
    }
}

impl fmt::Display for Preparation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digit => "digit: the ink in a box of 20×20, centred by its mass, as MNIST's",
            Self::Letter => "letter: the ink in a box of 24×24, in the middle, as EMNIST's",
            Self::Garment => {
                "garment: what differs from an even background, in the middle, as Fashion-MNIST's"
            }
            Self::Plain => "plain: the whole picture, scaled",
        })
    }
}
