//! The first convolution: its kernels as pictures, and what each of them sees in some digits.

use conv_core::network::{Network, Workspace};
use conv_core::ops::kernel_pool::{self, Pooling};
use conv_core::spec::{Layer, Layers, Spec};
use maud::{Markup, html};
use ndarray::{Array2, Array4, ArrayView2, ArrayView4, Axis};

use super::{image, numbers};
use crate::error::Error;

/// Kernels that are shown, at most.
const SHOWN: usize = 32;

/// A picture, as a data URI, and what it is in words.
pub(crate) struct Picture {
    uri: String,
    words: String,
}

/// One kernel, or one way of pooling them, and what it makes of each of the digits.
struct Strip {
    name: String,
    head: Option<Picture>,
    maps: Vec<Picture>,
}

/// The first convolution of a network, seen at work.
pub(crate) struct Sight {
    /// How many kernels there are; not all need be shown.
    count: usize,
    size: (usize, usize),
    channels: usize,
    bias: bool,
    map: (usize, usize),
    digits: Vec<Picture>,
    kernels: Vec<Strip>,
    pooled: Vec<Strip>,
    /// The largest weight shown, and the largest number of a map: of the kernels, then of each pooling.
    largest_weight: f32,
    largest_seen: f32,
    largest_pooled: Vec<f32>,
}

impl Sight {
    /// The first convolution of a network, on images as it takes them (N, H, W, C), which as pictures are
    /// `digits`. None if the network has no convolution.
    ///
    /// # Errors
    /// If the images do not fit the network.
    pub(crate) fn new(
        network: &Network,
        images: ArrayView4<'_, f32>,
        digits: Vec<Picture>,
    ) -> Result<Option<Self>, Error> {
        let Some(layers) = up_to_convolution(&network.spec().layers) else {
            return Ok(None);
        };
        let first = part(network, layers)?;
        let info = first.summary();
        let (rows, cols, count) = info.output().into();
        let Some(kernels) = first
            .parameters()
            .iter()
            .rfind(|parameter| parameter.shape.len() == 4)
        else {
            return Ok(None);
        };
        let bias = first
            .parameters()
            .last()
            .is_some_and(|last| last.shape.len() == 1);
        let shape = [kernels.shape[0], kernels.shape[1], kernels.shape[2], count];
        let weights = first.values()[kernels.range.clone()].to_vec();
        let weights = array(shape, weights)?;
        let mut workspace = Workspace::new();
        let seen = first.forward(images, &mut workspace)?;
        let seen = array(
            [images.dim().0, rows, cols, count],
            seen.iter().copied().collect(),
        )?;

        let shown = count.min(SHOWN);
        let weights_shown = weights.slice_axis(Axis(3), (..shown).into());
        let seen_shown = seen.slice_axis(Axis(3), (..shown).into());
        let (largest_weight, largest_seen) = (largest(weights_shown), largest(seen_shown));
        let mut strips = Vec::new();
        for kernel in 0..shown {
            // Of several input channels the mean is shown.
            let weights = weights.index_axis(Axis(3), kernel);
            let weights = weights
                .mean_axis(Axis(2))
                .unwrap_or_else(|| Array2::zeros((0, 0)));
            let name = format!("kernel {}", kernel + 1);
            let head = picture(weights.view(), largest_weight, &name)?;
            let maps = seen.axis_iter(Axis(0)).zip(&digits);
            let maps = maps.map(|(seen, digit)| {
                let words = format!("what {name} sees in {}", digit.words);
                picture(seen.index_axis(Axis(2), kernel), largest_seen, &words)
            });
            strips.push(Strip {
                maps: maps.collect::<Result<_, _>>()?,
                head: Some(head),
                name,
            });
        }
        let (mut pooled, mut largest_pooled) = (Vec::new(), Vec::new());
        for (name, pooling) in [
            ("sum", Pooling::Sum),
            ("mean", Pooling::Mean),
            ("max", Pooling::Max),
        ] {
            let maps = pool(pooling, seen.view())?;
            let most = maps
                .iter()
                .flatten()
                .fold(0.0_f32, |most, x| most.max(x.abs()));
            let maps = maps.iter().zip(&digits).map(|(map, digit)| {
                picture(
                    map.view(),
                    most,
                    &format!("the {name} of all kernels, in {}", digit.words),
                )
            });
            pooled.push(Strip {
                name: name.to_owned(),
                head: None,
                maps: maps.collect::<Result<_, _>>()?,
            });
            largest_pooled.push(most);
        }
        Ok(Some(Self {
            count,
            size: (shape[0], shape[1]),
            channels: shape[2],
            bias,
            map: (rows, cols),
            digits,
            kernels: strips,
            pooled,
            largest_weight,
            largest_seen,
            largest_pooled,
        }))
    }

    /// The pictures.
    pub(crate) fn show(&self) -> Markup {
        let (height, width) = self.size;
        let (rows, cols) = self.map;
        html! {
            p {
                (self.count) " kernels of " (height) " × " (width)
                @if self.bias { ", each with a bias" }
                ". A weight above 0 is orange, one below 0 blue, and the nearer to 0 the fainter"
                @if self.channels > 1 { "; of the " (self.channels) " channels the mean is shown" }
                @if self.count > self.kernels.len() { ". The first " (self.kernels.len()) " are shown" }
                ". " (image::legend(self.largest_weight))
            }
            p {
                "Below each kernel is its prediction matrix for the digits on the left: what it makes of every \
                 section of the image, " (rows) " × " (cols) " numbers, before the activation. "
                (image::legend(self.largest_seen))
            }
            div.strips {
                div.strip {
                    div.name { "input" }
                    div.head {}
                    @for digit in &self.digits { (ink(digit)) }
                }
                @for strip in &self.kernels { (strip.show()) }
            }
            p {
                "All " (self.count) " matrices of a digit as one, number by number, as the chapter pools them; below each way, the number that has full \
                 colour:"
            }
            div.strips {
                div.strip {
                    div.name { "input" }
                    @for digit in &self.digits { (ink(digit)) }
                }
                @for (strip, largest) in self.pooled.iter().zip(&self.largest_pooled) {
                    div { (strip.show()) div.name { "± " (numbers::short(f64::from(*largest))) } }
                }
            }
        }
    }
}

impl Strip {
    fn show(&self) -> Markup {
        html! {
            div.strip {
                div.name { (self.name) }
                @if let Some(head) = &self.head { div.head { (coloured(head)) } }
                @for map in &self.maps { (coloured(map)) }
            }
        }
    }
}

impl Picture {
    /// An image (H, W) of the data set, with what it is in words.
    ///
    /// # Errors
    /// If it has no pixels.
    pub(crate) fn of_digit(image: ArrayView2<'_, u8>, words: String) -> Result<Self, Error> {
        Ok(Self {
            uri: image::grey(image)?,
            words,
        })
    }
}

/// A picture whose ink has the colour of text.
pub(crate) fn ink(picture: &Picture) -> Markup {
    html! { img.ink src=(picture.uri) alt=(picture.words); }
}

fn coloured(picture: &Picture) -> Markup {
    html! { img.map src=(picture.uri) alt=(picture.words) title=(picture.words); }
}

fn picture(numbers: ArrayView2<'_, f32>, largest: f32, words: &str) -> Result<Picture, Error> {
    let uri = image::diverging(numbers, largest)?;
    let words = words.to_owned();
    Ok(Picture { uri, words })
}

/// The layers up to the first convolution, which may stand in a residual block.
fn up_to_convolution(layers: &Layers) -> Option<Vec<Layer>> {
    let mut before = Vec::new();
    for layer in &layers.0 {
        if let Layer::Residual { body, .. } = layer
            && let Some(inside) = up_to_convolution(body)
        {
            before.extend(inside);
            return Some(before);
        }
        before.push(layer.clone());
        if let Layer::Conv(_) = layer {
            return Some(before);
        }
    }
    None
}

/// The first layers of a network, with its numbers: those of a network stand in the order of its layers.
fn part(network: &Network, layers: Vec<Layer>) -> Result<Network, Error> {
    let mut part = Network::new(&Spec::new(network.spec().input, Layers(layers)), 0)?;
    let numbers = network.values()[..part.values().len()].to_vec();
    part.set_values(&numbers)?;
    let running = network.running_statistics()[..part.running_statistics().len()].to_vec();
    part.set_running_statistics(&running)?;
    Ok(part)
}

/// The maps (N, H, W, kernels) of each image as one (H, W).
fn pool(pooling: Pooling, maps: ArrayView4<'_, f32>) -> Result<Vec<Array2<f32>>, Error> {
    let (n, rows, cols, kernels) = maps.dim();
    let positions = maps.to_shape((n, rows * cols, kernels)).map_err(shape)?;
    let mut pooled = Array2::zeros((n, rows * cols));
    kernel_pool::forward(pooling, positions.view(), pooled.view_mut())?;
    let one =
        |row: ndarray::ArrayView1<'_, f32>| Array2::from_shape_vec((rows, cols), row.to_vec());
    pooled
        .outer_iter()
        .map(|row| one(row).map_err(shape))
        .collect()
}

fn largest(numbers: ArrayView4<'_, f32>) -> f32 {
    numbers.iter().fold(0.0, |most, x| most.max(x.abs()))
}

fn array(shape_: [usize; 4], numbers: Vec<f32>) -> Result<Array4<f32>, Error> {
    Array4::from_shape_vec(shape_, numbers).map_err(shape)
}

fn shape(error: ndarray::ShapeError) -> Error {
    Error::Failed(format!("the first convolution: {error}"))
}
