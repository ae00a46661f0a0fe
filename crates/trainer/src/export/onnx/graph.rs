//! Layers as the nodes of an ONNX graph.
//!
//! ONNX stores images as (N, C, H, W), conv-core as (N, H, W, C). Kernels are transposed once. Flattened values keep
//! conv-core's order (row, column, channel): a flatten layer becomes a Transpose and a Flatten, and dense weights are
//! those of the model file.
//!
//! Longer than other files, since every kind of layer has its nodes here.

use conv_core::network::Network;
use conv_core::ops::kernel_pool::Pooling;
use conv_core::ops::pool::Pool;
use conv_core::shape::{Pair, Window};
use conv_core::spec::{BatchNorm, Conv, Dense, Layer, LayerNorm, Layers};
use ndarray::{ArrayView, IxDyn};

use super::proto::{AttributeProto, FLOAT, INT64, NodeProto, TensorProto};
use crate::error::Error;

/// What flows from node to node.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) name: String,
    /// Rows, columns and channels.
    pub(super) shape: [usize; 3],
    /// Whether it is (N, values); else it is (N, C, H, W).
    pub(super) flat: bool,
}

/// Nodes and the constants that they take.
pub(super) struct Graph<'a> {
    network: &'a Network,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) constants: Vec<TensorProto>,
    /// Normalisations so far.
    norms: usize,
}

impl<'a> Graph<'a> {
    pub(super) fn new(network: &'a Network) -> Self {
        Self {
            network,
            nodes: Vec::new(),
            constants: Vec::new(),
            norms: 0,
        }
    }

    /// A node of one output, which has its name.
    pub(super) fn node(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute: attributes,
        });
        name.to_owned()
    }

    /// Gives a node's output another name. The node keeps its own.
    pub(super) fn rename(&mut self, output: &str, new: &str) {
        for node in &mut self.nodes {
            for name in node.input.iter_mut().chain(&mut node.output) {
                if name == output {
                    new.clone_into(name);
                }
            }
        }
    }

    /// A constant of these sizes, none for a single number.
    pub(super) fn constant(&mut self, name: String, sizes: &[usize], values: &[f32]) -> String {
        let raw_data = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.push_constant(name, sizes, FLOAT, raw_data)
    }

    fn whole_numbers(&mut self, name: String, values: &[i64]) -> String {
        let raw_data = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.push_constant(name, &[values.len()], INT64, raw_data)
    }

    fn push_constant(
        &mut self,
        name: String,
        sizes: &[usize],
        data_type: i32,
        raw_data: Vec<u8>,
    ) -> String {
        self.constants.push(TensorProto {
            dims: sizes.iter().map(|&size| size as i64).collect(),
            data_type,
            name: name.clone(),
            raw_data,
        });
        name
    }

    pub(super) fn layers(
        &mut self,
        layers: &Layers,
        path: &str,
        mut value: Value,
    ) -> Result<Value, Error> {
        for (number, layer) in layers.0.iter().enumerate() {
            value = self.layer(layer, &format!("{path}{number}"), value)?;
        }
        Ok(value)
    }

    fn layer(&mut self, layer: &Layer, path: &str, value: Value) -> Result<Value, Error> {
        let name = format!("{path}.{}", layer.kind().replace(' ', "_"));
        let input = value.name.as_str();
        Ok(match layer {
            Layer::Conv(conv) => self.conv(conv, path, value)?,
            Layer::Dense(dense) => self.dense(dense, path, value)?,
            Layer::Pool { pool, window } => self.pool(*pool, window, &name, value)?,
            Layer::GlobalAveragePool => {
                let value = self.image(value, path);
                Value {
                    name: self.node("GlobalAveragePool", &name, &[&value.name], Vec::new()),
                    shape: [1, 1, value.shape[2]],
                    flat: false,
                }
            }
            Layer::KernelPool { pooling } => self.kernel_pool(*pooling, &name, value),
            Layer::Flatten => self.flattened(value, &name),
            Layer::Relu { slope: 0.0 } => Value {
                name: self.node("Relu", &name, &[input], Vec::new()),
                ..value
            },
            Layer::Relu { slope } => {
                let slope = AttributeProto::float("alpha", *slope);
                Value {
                    name: self.node("LeakyRelu", &name, &[input], vec![slope]),
                    ..value
                }
            }
            Layer::Tanh => Value {
                name: self.node("Tanh", &name, &[input], Vec::new()),
                ..value
            },
            Layer::Sigmoid => Value {
                name: self.node("Sigmoid", &name, &[input], Vec::new()),
                ..value
            },
            Layer::Gelu => self.gelu(&name, value),
            Layer::Silu => {
                let sigmoid = format!("{name}.sigmoid");
                let sigmoid = self.node("Sigmoid", &sigmoid, &[input], Vec::new());
                Value {
                    name: self.node("Mul", &name, &[input, &sigmoid], Vec::new()),
                    ..value
                }
            }
            Layer::Dropout { .. } => value,
            Layer::BatchNorm(norm) => self.batch_norm(norm, path, value)?,
            Layer::LayerNorm(norm) => self.layer_norm(*norm, path, value)?,
            Layer::Residual { body, shortcut } => {
                let body = self.layers(body, &format!("{path}.body."), value.clone())?;
                let other = self.layers(shortcut, &format!("{path}.shortcut."), value)?;
                let (body, other) = if body.flat && other.flat {
                    (body, other)
                } else {
                    (
                        self.image(body, &format!("{path}.body")),
                        self.image(other, &format!("{path}.shortcut")),
                    )
                };
                Value {
                    name: self.node("Add", &name, &[&body.name, &other.name], Vec::new()),
                    ..body
                }
            }
        })
    }

    fn conv(&mut self, conv: &Conv, path: &str, value: Value) -> Result<Value, Error> {
        let value = self.image(value, path);
        let [h, w, c] = value.shape;
        let (rows, columns) = conv.window.output(h, w)?.into();
        let (kh, kw) = conv.window.size.into();
        let kernels = self.network.parameter(&format!("{path}.kernels"))?;
        let sizes = [kh, kw, c / conv.groups, conv.kernels];
        let view = ArrayView::from_shape(IxDyn(&sizes), kernels);
        let view = view.map_err(|error| Error::Failed(format!("{path}.kernels: {error}")))?;
        let transposed = view.permuted_axes(vec![3, 2, 0, 1]);
        let values: Vec<f32> = transposed.iter().copied().collect();
        let kernels = self.constant(format!("{path}.kernels"), transposed.shape(), &values);
        let mut inputs = vec![value.name, kernels];
        inputs.extend(self.bias(conv.bias, path)?);
        let mut attributes = window_attributes(&conv.window, (h, w))?;
        attributes.push(pairs("dilations", conv.window.dilation));
        attributes.push(AttributeProto::int("group", conv.groups as i64));
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(Value {
            name: self.node("Conv", &format!("{path}.conv"), &inputs, attributes),
            shape: [rows, columns, conv.kernels],
            flat: false,
        })
    }

    fn dense(&mut self, dense: &Dense, path: &str, value: Value) -> Result<Value, Error> {
        let value = self.flattened(value, &format!("{path}.flat"));
        let weights = self.network.parameter(&format!("{path}.weights"))?;
        let sizes = [value.shape[2], dense.outputs];
        let weights = self.constant(format!("{path}.weights"), &sizes, weights);
        let mut inputs = vec![value.name, weights];
        inputs.extend(self.bias(dense.bias, path)?);
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(Value {
            name: self.node("Gemm", &format!("{path}.dense"), &inputs, Vec::new()),
            shape: [1, 1, dense.outputs],
            flat: true,
        })
    }

    fn bias(&mut self, has: bool, path: &str) -> Result<Option<String>, Error> {
        if !has {
            return Ok(None);
        }
        let name = format!("{path}.bias");
        let values = self.network.parameter(&name)?;
        Ok(Some(self.constant(name, &[values.len()], values)))
    }

    fn batch_norm(&mut self, norm: &BatchNorm, path: &str, value: Value) -> Result<Value, Error> {
        let value = self.image(value, path);
        let running = self.network.running_statistics().get(self.norms);
        let running = running
            .ok_or_else(|| Error::Failed(format!("{path}: the model has no statistics of it")))?;
        self.norms += 1;
        let narrow = |values: &[f64]| -> Vec<f32> { values.iter().map(|&x| x as f32).collect() };
        let (mean, variance) = (narrow(&running.mean), narrow(&running.variance));
        let (gamma, beta) = (format!("{path}.gamma"), format!("{path}.beta"));
        let (scale, shift) = (
            self.network.parameter(&gamma)?,
            self.network.parameter(&beta)?,
        );
        let names = [
            (gamma, scale),
            (beta, shift),
            (format!("{path}.running_mean"), &mean),
            (format!("{path}.running_variance"), &variance),
        ]
        .map(|(name, values)| self.constant(name, &[values.len()], values));
        let mut inputs = vec![value.name.as_str()];
        inputs.extend(names.iter().map(String::as_str));
        let epsilon = AttributeProto::float("epsilon", norm.epsilon);
        let name = format!("{path}.batch_norm");
        let name = self.node("BatchNormalization", &name, &inputs, vec![epsilon]);
        Ok(Value { name, ..value })
    }

    /// `γ (x − mean) / √(variance + ε) + β` over the channels, by single operators: `LayerNormalization` came with opset
    /// 17, and is for the last axes alone.
    fn layer_norm(&mut self, norm: LayerNorm, path: &str, value: Value) -> Result<Value, Error> {
        let name = format!("{path}.layer_norm");
        // The channels are axis 1 either way.
        let channels = value.shape[2];
        let sizes = [channels, 1, 1];
        let sizes = if value.flat { &sizes[..1] } else { &sizes[..] };
        let (gamma, beta) = (format!("{path}.gamma"), format!("{path}.beta"));
        let (scale, shift) = (
            self.network.parameter(&gamma)?,
            self.network.parameter(&beta)?,
        );
        let gamma = self.constant(gamma, sizes, scale);
        let beta = self.constant(beta, sizes, shift);
        let epsilon = self.constant(format!("{name}.epsilon"), &[], &[norm.epsilon]);
        let mean = |graph: &mut Self, what: &str, of: &str| {
            let axes = AttributeProto::ints("axes", vec![1]);
            graph.node("ReduceMean", &format!("{name}.{what}"), &[of], vec![axes])
        };
        let step = |graph: &mut Self, op: &str, what: &str, inputs: &[&str]| {
            graph.node(op, &format!("{name}.{what}"), inputs, Vec::new())
        };
        let mean_of_x = mean(self, "mean", &value.name);
        let centred = step(self, "Sub", "centred", &[&value.name, &mean_of_x]);
        let squares = step(self, "Mul", "squares", &[&centred, &centred]);
        let variance = mean(self, "variance", &squares);
        let raised = step(self, "Add", "raised", &[&variance, &epsilon]);
        let deviation = step(self, "Sqrt", "deviation", &[&raised]);
        let normalised = step(self, "Div", "normalised", &[&centred, &deviation]);
        let scaled = step(self, "Mul", "scaled", &[&normalised, &gamma]);
        Ok(Value {
            name: self.node("Add", &name, &[&scaled, &beta], Vec::new()),
            ..value
        })
    }

    fn pool(
        &mut self,
        pool: Pool,
        window: &Window,
        name: &str,
        value: Value,
    ) -> Result<Value, Error> {
        let value = self.image(value, name);
        let [h, w, c] = value.shape;
        let (rows, columns) = window.output(h, w)?.into();
        let output = if window.dilation == Pair::from(1) {
            let mut attributes = window_attributes(window, (h, w))?;
            let op = match pool {
                Pool::Max => "MaxPool",
                Pool::Mean => {
                    attributes.push(AttributeProto::int("count_include_pad", 0));
                    "AveragePool"
                }
            };
            self.node(op, name, &[&value.name], attributes)
        } else {
            self.dilated_pool(pool, window, name, &value)?
        };
        Ok(Value {
            name: output,
            shape: [rows, columns, c],
            flat: false,
        })
    }

    /// A pool with holes in its window, which ONNX has for the mean only from opset 19 on, and many a runtime not
    /// at all: what lies under each pixel of the window is a slice of the padded image, and the slices are pooled.
    fn dilated_pool(
        &mut self,
        pool: Pool,
        window: &Window,
        name: &str,
        value: &Value,
    ) -> Result<String, Error> {
        let [h, w, _] = value.shape;
        let (rows, columns) = window.output(h, w)?.into();
        let [top, left, bottom, right] = margins(window, (h, w))?;
        let outside = match pool {
            Pool::Max => f32::MIN,
            Pool::Mean => 0.0,
        };
        let pads = [0, 0, top, left, 0, 0, bottom, right];
        let pads = self.whole_numbers(format!("{name}.pads"), &pads.map(|pad| pad as i64));
        let outside = self.constant(format!("{name}.outside"), &[], &[outside]);
        let padded = format!("{name}.padded");
        let padded = self.node("Pad", &padded, &[&value.name, &pads, &outside], Vec::new());
        let axes = self.whole_numbers(format!("{name}.axes"), &[2, 3]);
        let steps = [window.stride.down as i64, window.stride.right as i64];
        let steps = self.whole_numbers(format!("{name}.steps"), &steps);
        let mut slices = Vec::new();
        for ky in 0..window.size.down {
            for kx in 0..window.size.right {
                let tap = format!("{name}.{ky}.{kx}");
                let (y, x) = (ky * window.dilation.down, kx * window.dilation.right);
                let ends = [
                    y + (rows - 1) * window.stride.down + 1,
                    x + (columns - 1) * window.stride.right + 1,
                ];
                let starts = self.whole_numbers(format!("{tap}.starts"), &[y as i64, x as i64]);
                let ends = self.whole_numbers(format!("{tap}.ends"), &ends.map(|end| end as i64));
                let inputs = [padded.as_str(), &starts, &ends, &axes, &steps];
                slices.push(self.node("Slice", &tap, &inputs, Vec::new()));
            }
        }
        let slices: Vec<&str> = slices.iter().map(String::as_str).collect();
        if pool == Pool::Max {
            return Ok(self.node("Max", name, &slices, Vec::new()));
        }
        let sum = self.node("Sum", &format!("{name}.sum"), &slices, Vec::new());
        // Pixels of the padding do not count.
        let inside = |position: usize, stride, size, dilation, before, length: usize| {
            let taps = (0..size).map(|tap| position * stride + tap * dilation);
            taps.filter(|&at| at >= before && at - before < length)
                .count()
        };
        let (stride, size, dilation) = (window.stride, window.size, window.dilation);
        let mut counts = Vec::with_capacity(rows * columns);
        for y in 0..rows {
            let down = inside(y, stride.down, size.down, dilation.down, top, h);
            for x in 0..columns {
                let across = inside(x, stride.right, size.right, dilation.right, left, w);
                counts.push((down * across) as f32);
            }
        }
        let counts = self.constant(format!("{name}.counts"), &[1, 1, rows, columns], &counts);
        Ok(self.node("Div", name, &[&sum, &counts], Vec::new()))
    }

    fn kernel_pool(&mut self, pooling: Pooling, name: &str, value: Value) -> Value {
        let value = self.image(value, name);
        // Over the channels, whose axis stays, with size 1.
        let output = match pooling {
            // Of the three the only one that has its axes as an input at this opset.
            Pooling::Sum => {
                let axes = self.whole_numbers(format!("{name}.axes"), &[1]);
                self.node("ReduceSum", name, &[&value.name, &axes], Vec::new())
            }
            Pooling::Mean | Pooling::Max => {
                let op = match pooling {
                    Pooling::Max => "ReduceMax",
                    _ => "ReduceMean",
                };
                let axes = AttributeProto::ints("axes", vec![1]);
                self.node(op, name, &[&value.name], vec![axes])
            }
        };
        let [h, w, _] = value.shape;
        Value {
            name: output,
            shape: [h, w, 1],
            flat: false,
        }
    }

    /// `½ x (1 + tanh(x (√(2/π) + √(2/π) 0.044715 x²)))`: the operator Gelu came with opset 20.
    fn gelu(&mut self, name: &str, value: Value) -> Value {
        let root = (2.0 / std::f64::consts::PI).sqrt();
        let mut number =
            |what: &str, x: f64| self.constant(format!("{name}.{what}"), &[], &[x as f32]);
        let (line, cube) = (number("line", root), number("cube", root * 0.044_715));
        let (half, one) = (number("half", 0.5), number("one", 1.0));
        let mut step = |op, what: &str, a: &str, b: &str| {
            self.node(op, &format!("{name}.{what}"), &[a, b], Vec::new())
        };
        let x = value.name.as_str();
        let square = step("Mul", "square", x, x);
        let cubed = step("Mul", "cubed", &square, &cube);
        let factor = step("Add", "factor", &cubed, &line);
        let inner = step("Mul", "inner", x, &factor);
        let halved = step("Mul", "halved", x, &half);
        let tanh = self.node("Tanh", &format!("{name}.tanh"), &[&inner], Vec::new());
        let above = self.node("Add", &format!("{name}.above"), &[&tanh, &one], Vec::new());
        Value {
            name: self.node("Mul", name, &[&halved, &above], Vec::new()),
            ..value
        }
    }

    /// As (N, values), in the order (row, column, channel).
    pub(super) fn flattened(&mut self, value: Value, name: &str) -> Value {
        if value.flat {
            return value;
        }
        let [h, w, c] = value.shape;
        let mut input = value.name;
        // Where there is one pixel or one channel the orders are the same.
        if h * w > 1 && c > 1 {
            let order = AttributeProto::ints("perm", vec![0, 2, 3, 1]);
            input = self.node("Transpose", &format!("{name}.nhwc"), &[&input], vec![order]);
        }
        let axis = AttributeProto::int("axis", 1);
        Value {
            name: self.node("Flatten", name, &[&input], vec![axis]),
            shape: [1, 1, h * w * c],
            flat: true,
        }
    }

    /// As (N, C, H, W), for a layer of this path.
    fn image(&mut self, value: Value, path: &str) -> Value {
        if !value.flat {
            return value;
        }
        let name = format!("{path}.image");
        // 0: as many as there are.
        let sizes = [0, value.shape[2] as i64, 1, 1];
        let sizes = self.whole_numbers(format!("{name}.sizes"), &sizes);
        Value {
            name: self.node("Reshape", &name, &[&value.name, &sizes], Vec::new()),
            shape: value.shape,
            flat: false,
        }
    }
}

fn pairs(name: &str, Pair { down, right }: Pair) -> AttributeProto {
    AttributeProto::ints(name, vec![down as i64, right as i64])
}

/// What convolutions and pools have in common.
fn window_attributes(window: &Window, size: (usize, usize)) -> Result<Vec<AttributeProto>, Error> {
    let margins = margins(window, size)?.map(|margin| margin as i64);
    Ok(vec![
        pairs("kernel_shape", window.size),
        pairs("strides", window.stride),
        AttributeProto::ints("pads", margins.to_vec()),
    ])
}

/// The padding that the window reaches: top, left, bottom, right. Of padding beyond the last position ONNX Runtime
/// complains.
fn margins(window: &Window, (h, w): (usize, usize)) -> Result<[usize; 4], Error> {
    let (rows, columns) = window.output(h, w)?.into();
    let (top, left) = window.before(h, w)?.into();
    let (stride, size, dilation) = (window.stride, window.size, window.dilation);
    // The first pixel after the window at its last position.
    let down = (rows - 1) * stride.down + (size.down - 1) * dilation.down + 1;
    let right = (columns - 1) * stride.right + (size.right - 1) * dilation.right + 1;
    Ok([
        top,
        left,
        down.saturating_sub(top + h),
        right.saturating_sub(left + w),
    ])
}
