//! A network as data: its input's shape and its layers.
//!
//! Longer than other files, since every kind of layer stands here three times: as data, in the builder, and by its name.

use crate::init::Init;
use crate::ops::kernel_pool::Pooling;
use crate::ops::pool::Pool;
use crate::shape::{ImageShape, Padding, Pair, Window};

/// A network without its parameters: what [`Network::new`](crate::network::Network::new) makes one of.
///
/// It is plain data, for serde as well, and checked as a whole by [`check`](Self::check).
///
/// ```
/// use conv_core::spec::{Conv, Layers, Spec};
///
/// let spec = Spec::new((28, 28, 1), Layers::new()
///     .conv(8, (5, 5)).relu().max_pool(2)
///     .then(Conv::new(16, (3, 3)).same().without_bias()).batch_norm().relu()
///     .residual(|block| block.then(Conv::new(16, (3, 3)).same()).relu())
///     .global_average_pool()
///     .dense(10));
/// spec.check()?;
///
/// let wrong = Spec::new((28, 28, 1), Layers::new().conv(8, (5, 5)).dense(10));
/// assert_eq!(
///     wrong.check().unwrap_err().to_string(),
///     "layer 1 (dense): input has shape [24, 24, 8], expected [1, 1, 4608]; put a flatten layer before it",
/// );
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Spec {
    /// Rows, columns and channels of an image; 1, 1 and n for n features.
    pub input: ImageShape,
    /// The layers, in the order in which an image passes them.
    pub layers: Layers,
}

impl Spec {
    /// A network of these layers for images of (rows, columns, channels).
    #[must_use]
    pub fn new(input: impl Into<ImageShape>, layers: Layers) -> Self {
        Self {
            input: input.into(),
            layers,
        }
    }
}

/// Layers one after the other, each method adding one.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Layers(pub Vec<Layer>);

/// One layer. Shapes are those of one image, (rows, columns, channels).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)
)]
pub enum Layer {
    /// (H, W, Cin) → (Oh, Ow, kernels)
    Conv(Conv),
    /// (1, 1, F) → (1, 1, outputs)
    Dense(Dense),
    /// (H, W, C) → (Oh, Ow, C), the maximum or the mean under a window.
    Pool {
        /// Which of the two.
        pool: Pool,
        /// The window. As data without a stride it moves by its own size.
        #[cfg_attr(
            feature = "serde",
            serde(deserialize_with = "crate::shape::serde::tile")
        )]
        window: Window,
    },
    /// (H, W, C) → (1, 1, C), the mean of each channel.
    GlobalAveragePool,
    /// (H, W, C) → (H, W, 1), the chapter's pooling across kernels.
    KernelPool {
        /// Sum, mean or maximum.
        pooling: Pooling,
    },
    /// (H, W, C) → (1, 1, H · W · C)
    Flatten,
    /// x above 0, else `slope · x`.
    Relu {
        /// 0 for the plain `ReLU`.
        #[cfg_attr(feature = "serde", serde(default))]
        slope: f32,
    },
    /// tanh
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// GELU in its tanh form, see [`gelu`](crate::ops::activation::gelu).
    Gelu,
    /// x times the logistic function of x, see [`silu`](crate::ops::activation::silu).
    Silu,
    /// In training each value becomes 0 with this probability, and the others are divided by 1 − p.
    Dropout {
        /// From 0 to below 1.
        probability: f32,
    },
    /// See [`batch_norm`](crate::ops::batch_norm).
    BatchNorm(BatchNorm),
    /// See [`layer_norm`](crate::ops::layer_norm).
    LayerNorm(LayerNorm),
    /// `body(x) + shortcut(x)`, the shortcut being x itself where it has no layers. K. He et al., Deep residual
    /// learning for image recognition, CVPR (2016).
    Residual {
        /// The layers of one branch.
        body: Layers,
        /// Those of the other.
        #[cfg_attr(feature = "serde", serde(default))]
        shortcut: Layers,
    },
}

/// A convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Conv {
    /// How many kernels, which is how many channels the output has.
    pub kernels: usize,
    /// The window under a kernel.
    pub window: Window,
    /// Groups of channels that are convolved apart.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub groups: usize,
    /// Whether each kernel has a bias.
    #[cfg_attr(feature = "serde", serde(default = "yes"))]
    pub bias: bool,
    /// How the kernels begin; a bias begins with 0.
    #[cfg_attr(feature = "serde", serde(default))]
    pub init: Init,
}

impl Conv {
    /// Kernels with biases under a window, by its height and width.
    #[must_use]
    pub fn new(kernels: usize, window: impl Into<Window>) -> Self {
        Self {
            kernels,
            window: window.into(),
            groups: 1,
            bias: true,
            init: Init::He,
        }
    }

    /// Padded to an output of `ceil(input / stride)` a side.
    #[must_use]
    pub fn same(mut self) -> Self {
        self.window.padding = Padding::Same;
        self
    }

    /// With a stride: pixels from one position to the next.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.window = self.window.stride(stride);
        self
    }

    /// With a dilation: pixels from one row of the window to the next, and from one column to the next.
    #[must_use]
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.window = self.window.dilation(dilation);
        self
    }

    /// In groups of channels; as many as input channels for a depthwise convolution.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Without biases, as before a normalisation.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self {
            bias: false,
            ..self
        }
    }

    /// With other first weights.
    #[must_use]
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }
}

/// A dense layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Dense {
    /// How many values an output has.
    pub outputs: usize,
    /// Whether each has a bias.
    #[cfg_attr(feature = "serde", serde(default = "yes"))]
    pub bias: bool,
    /// How the weights begin; a bias begins with 0.
    #[cfg_attr(feature = "serde", serde(default))]
    pub init: Init,
}

impl Dense {
    /// A dense layer with biases.
    #[must_use]
    pub fn new(outputs: usize) -> Self {
        Self {
            outputs,
            bias: true,
            init: Init::He,
        }
    }

    /// Without biases.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self {
            bias: false,
            ..self
        }
    }

    /// With other first weights.
    #[must_use]
    pub fn init(self, init: Init) -> Self {
        Self { init, ..self }
    }
}

/// Batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, default))]
pub struct BatchNorm {
    /// Added to the variance.
    pub epsilon: f32,
    /// How much of a batch's statistics goes into the running average, 0 to 1.
    pub momentum: f32,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self {
            epsilon: 1e-5,
            momentum: 0.1,
        }
    }
}

/// Layer normalisation over the channels of each pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, default))]
pub struct LayerNorm {
    /// Added to the variance.
    pub epsilon: f32,
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self { epsilon: 1e-5 }
    }
}

#[cfg(feature = "serde")]
fn one() -> usize {
    1
}

#[cfg(feature = "serde")]
fn yes() -> bool {
    true
}

impl From<Conv> for Layer {
    fn from(conv: Conv) -> Self {
        Self::Conv(conv)
    }
}

impl From<Dense> for Layer {
    fn from(dense: Dense) -> Self {
        Self::Dense(dense)
    }
}

impl Layer {
    /// What it is called in errors and tables.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv(_) => "conv",
            Self::Dense(_) => "dense",
            Self::Pool {
                pool: Pool::Max, ..
            } => "max pool",
            Self::Pool {
                pool: Pool::Mean, ..
            } => "mean pool",
            Self::GlobalAveragePool => "global average pool",
            Self::KernelPool { .. } => "kernel pool",
            Self::Flatten => "flatten",
            Self::Relu { .. } => "relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Dropout { .. } => "dropout",
            Self::BatchNorm(_) => "batch norm",
            Self::LayerNorm(_) => "layer norm",
            Self::Residual { .. } => "residual",
        }
    }
}

impl Layers {
    /// No layers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Any layer.
    #[must_use]
    pub fn then(mut self, layer: impl Into<Layer>) -> Self {
        self.0.push(layer.into());
        self
    }

    /// A convolution: see [`Conv::new`], whose other methods go by way of [`then`](Self::then).
    #[must_use]
    pub fn conv(self, kernels: usize, window: impl Into<Window>) -> Self {
        self.then(Conv::new(kernels, window))
    }

    /// A dense layer.
    #[must_use]
    pub fn dense(self, outputs: usize) -> Self {
        self.then(Dense::new(outputs))
    }

    /// The maximum of every tile of this height and width: `max_pool(2)` for tiles of 2 × 2 pixels.
    #[must_use]
    pub fn max_pool(self, tile: impl Into<Pair>) -> Self {
        self.pool(Pool::Max, tile.into())
    }

    /// The mean of every tile of this height and width.
    #[must_use]
    pub fn mean_pool(self, tile: impl Into<Pair>) -> Self {
        self.pool(Pool::Mean, tile.into())
    }

    fn pool(self, pool: Pool, tile: Pair) -> Self {
        let window = Window::new(tile.down, tile.right).stride(tile);
        self.then(Layer::Pool { pool, window })
    }

    /// The mean of each channel.
    #[must_use]
    pub fn global_average_pool(self) -> Self {
        self.then(Layer::GlobalAveragePool)
    }

    /// The chapter's pooling across kernels.
    #[must_use]
    pub fn kernel_pool(self, pooling: Pooling) -> Self {
        self.then(Layer::KernelPool { pooling })
    }

    /// An image as a row of features.
    #[must_use]
    pub fn flatten(self) -> Self {
        self.then(Layer::Flatten)
    }

    /// The plain `ReLU`.
    #[must_use]
    pub fn relu(self) -> Self {
        self.leaky_relu(0.0)
    }

    /// A `ReLU` with a slope below 0.
    #[must_use]
    pub fn leaky_relu(self, slope: f32) -> Self {
        self.then(Layer::Relu { slope })
    }

    /// tanh
    #[must_use]
    pub fn tanh(self) -> Self {
        self.then(Layer::Tanh)
    }

    /// The logistic function.
    #[must_use]
    pub fn sigmoid(self) -> Self {
        self.then(Layer::Sigmoid)
    }

    /// GELU in its tanh form.
    #[must_use]
    pub fn gelu(self) -> Self {
        self.then(Layer::Gelu)
    }

    /// `SiLU`, also called Swish.
    #[must_use]
    pub fn silu(self) -> Self {
        self.then(Layer::Silu)
    }

    /// Dropout with this probability for a value to become 0.
    #[must_use]
    pub fn dropout(self, probability: f32) -> Self {
        self.then(Layer::Dropout { probability })
    }

    /// Batch normalisation with an ε of 1e-5 and a momentum of 0.1.
    #[must_use]
    pub fn batch_norm(self) -> Self {
        self.then(Layer::BatchNorm(BatchNorm::default()))
    }

    /// Layer normalisation over the channels of each pixel, with an ε of 1e-5.
    #[must_use]
    pub fn layer_norm(self) -> Self {
        self.then(Layer::LayerNorm(LayerNorm::default()))
    }

    /// A residual block: its layers' output, plus its input.
    #[must_use]
    pub fn residual(self, block: impl FnOnce(Self) -> Self) -> Self {
        self.residual_with(block(Self::new()), Self::new())
    }

    /// A residual block: the body's output, plus the shortcut's.
    #[must_use]
    pub fn residual_with(self, body: Self, shortcut: Self) -> Self {
        self.then(Layer::Residual { body, shortcut })
    }
}
