//! Networks as bytes in the safetensors format (feature `safetensors`).
//!
//! Every parameter is a tensor of F32 by its [name](crate::Parameter) and in its own layout: kernels
//! `3.kernels` (Kh, Kw, Cin / groups, Cout), weights `5.weights` (F, C), `3.bias`, `4.gamma`, `4.beta` (C). The
//! running statistics of a normalisation are `4.running_mean` and `4.running_variance`. The metadata has the
//! [`Spec`] as JSON under `spec`, and under `format` the text `conv-core 1`; a program may add keys of its own
//! ([`Network::to_bytes_with`]). The same network gives the same bytes.
//!
//! What training needs besides is not in them: the network's seed ([`Network::with_seed`] sets it, and it is 0 after reading)
//! and what the optimizer remembers ([`State`](crate::optimizer::State)).
//!
//! # In `PyTorch`
//!
//! There kernels are (Cout, Cin / groups, Kh, Kw), which is `kernels.permute(3, 2, 0, 1)`, and dense weights (C, F),
//! which is `weights.T`. A `torch.nn.Sequential` with a module for each layer has the same numbers in its names, as does
//! a residual block with a `Sequential` called `body` and one called `shortcut`. After a flatten layer the features of
//! an image stand here in the order (row, column, channel), there in (channel, row, column): in place of
//! `torch.nn.Flatten` the model needs `x.permute(0, 2, 3, 1).flatten(1)`. Then four lines load the file at `path`:
//!
//! ```python
#![doc = include_str!("load_in_torch.py")]
//! ```

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::Error;
use crate::network::{Network, Program};
use crate::ops::batch_norm::Statistics;
use crate::spec::Spec;

const FORMAT: &str = "conv-core 1";
/// The keys of the metadata that every saved network has.
const OWN_KEYS: [&str; 2] = ["format", "spec"];
/// Bytes of a spec as JSON.
const LARGEST_SPEC: usize = 1 << 20;

/// What [`Network::from_bytes_with`] read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The network.
    pub network: Network,
    /// What stood beside it: all metadata but the network's own.
    pub metadata: BTreeMap<String, String>,
}

impl Network {
    /// The network as bytes, see [`saved`](crate::saved).
    ///
    /// ```
    /// use conv_core::network::Network;
    /// use conv_core::spec::{Layers, Spec};
    ///
    /// let spec = Spec::new((8, 8, 1), Layers::new().conv(4, (3, 3)).batch_norm().relu().flatten().dense(2));
    /// let network = Network::new(&spec, 1)?;
    /// let again = Network::from_bytes(&network.to_bytes()?)?;
    /// assert_eq!(again.spec(), network.spec());
    /// assert_eq!(again.values(), network.values());
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Saved`] if a value is infinite or none, or the spec is longer than 1 MiB as JSON: what could not be read
    /// again.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.to_bytes_with(&BTreeMap::new())
    }

    /// The network as bytes, with metadata of the caller's beside its own.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use conv_core::network::Network;
    /// use conv_core::spec::{Layers, Spec};
    ///
    /// let network = Network::new(&Spec::new((1, 1, 3), Layers::new().dense(2)), 1)?;
    /// let metadata = BTreeMap::from([("classes".to_owned(), "cat, dog".to_owned())]);
    /// let bytes = network.to_bytes_with(&metadata)?;
    /// let loaded = Network::from_bytes_with(&bytes)?;
    /// assert_eq!(loaded.network.values(), network.values());
    /// assert_eq!(loaded.metadata, metadata);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes); [`Error::Saved`] if a key is `format` or `spec`, which are the network's.
    pub fn to_bytes_with(&self, further: &BTreeMap<String, String>) -> Result<Vec<u8>, Error> {
        if let Some(key) = OWN_KEYS.into_iter().find(|&key| further.contains_key(key)) {
            return problem(format!("the metadata's key {key:?} is the network's own"));
        }
        let spec = serde_json::to_string(self.spec()).map_err(saved)?;
        if spec.len() > LARGEST_SPEC {
            let found = spec.len();
            return problem(format!(
                "its spec has {found} bytes as JSON, expected at most {LARGEST_SPEC}"
            ));
        }
        let mut tensors = Vec::new();
        let mut add = |name: String, shape: Vec<usize>, values: &[f32]| {
            check_finite(&name, values)?;
            let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            tensors.push((name, shape, bytes));
            Ok(())
        };
        for parameter in self.parameters() {
            let values = &self.values()[parameter.range.clone()];
            add(parameter.name.clone(), parameter.shape.clone(), values)?;
        }
        for (norm, statistics) in self.norms().iter().zip(self.running_statistics()) {
            for (what, values) in running(statistics) {
                let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
                let name = format!("{}.{what}", norm.path);
                add(name, vec![norm.channels], &values)?;
            }
        }
        let mut views = Vec::new();
        for (name, shape, bytes) in &tensors {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(saved)?;
            views.push((name.as_str(), view));
        }
        let own = OWN_KEYS.map(str::to_owned).into_iter();
        let own = own.zip([FORMAT.to_owned(), spec]);
        let mut metadata: HashMap<String, String> = further.clone().into_iter().collect();
        metadata.extend(own);
        with_sorted_header(&safetensors::serialize(views, Some(metadata)).map_err(saved)?)
    }

    /// The network that [`to_bytes`](Self::to_bytes) wrote. The bytes need not be trusted: whatever they are, the
    /// result is a network that works, or an error.
    ///
    /// # Errors
    /// [`Error::Saved`] if the bytes are no safetensors, are cut off, or have other tensors than the spec asks for or
    /// values that are not finite; the errors of [`Spec::check`] if its layers do not fit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::from_bytes_with(bytes)?.network)
    }

    /// The network and the further metadata that [`to_bytes_with`](Self::to_bytes_with) wrote. Of the metadata
    /// nothing is checked.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_bytes_with(bytes: &[u8]) -> Result<Loaded, Error> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(saved)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let mut metadata: BTreeMap<String, String> = metadata.into_iter().collect();
        let [format, spec] = OWN_KEYS.map(|key| metadata.remove(key));
        match format.as_deref() {
            Some(FORMAT) => {}
            Some(other) => {
                return problem(format!("its format is {other:?}, expected {FORMAT:?}"));
            }
            None => {
                return problem(format!(
                    "its metadata have no \"format\", expected {FORMAT:?}, which `Network::to_bytes` writes"
                ));
            }
        }
        let Some(spec) = spec.filter(|spec| spec.len() <= LARGEST_SPEC) else {
            return problem(format!("it has no spec of at most {LARGEST_SPEC} bytes"));
        };
        let spec: Spec = serde_json::from_str(&spec).map_err(saved)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(saved)?;
        // Nothing as large as the spec asks for is made before the tensors are there.
        let program = Program::new(&spec)?;
        let expected = program.parameters().len() + 2 * program.norms.len();
        if tensors.len() != expected {
            let found = tensors.len();
            return problem(format!(
                "it has {found} tensors, its spec asks for {expected}"
            ));
        }
        let (mut values, mut statistics) = (Vec::new(), Vec::new());
        for parameter in program.parameters() {
            values.extend(read(&tensors, &parameter.name, &parameter.shape)?);
        }
        for norm in &program.norms {
            let wide = |what| -> Result<Vec<f64>, Error> {
                let name = format!("{}.{what}", norm.path);
                let values = read(&tensors, &name, &[norm.channels])?;
                Ok(values.into_iter().map(f64::from).collect())
            };
            statistics.push(Statistics {
                count: 0,
                mean: wide("running_mean")?,
                variance: wide("running_variance")?,
            });
        }
        let mut network = Self::assemble(spec, 0, program, values);
        network.set_running_statistics(&statistics)?;
        Ok(Loaded { network, metadata })
    }
}

/// Refuses what could not be read again.
fn check_finite(name: &str, values: &[f32]) -> Result<(), Error> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => problem(format!("value {at} of {name} is {}", values[at])),
    }
}

/// The same file with the keys of its header in order: as the safetensors crate writes them, from a hash map,
/// they stand in another order each time.
fn with_sorted_header(file: &[u8]) -> Result<Vec<u8>, Error> {
    let (length, _) = SafeTensors::read_metadata(file).map_err(saved)?;
    let (header, tensors) = file[8..].split_at(length);
    // A map of serde_json's is sorted.
    let header: serde_json::Value = serde_json::from_slice(header).map_err(saved)?;
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut sorted = (header.len() as u64).to_le_bytes().to_vec();
    sorted.extend(header);
    sorted.extend(tensors);
    Ok(sorted)
}

fn running(statistics: &Statistics) -> [(&'static str, &[f64]); 2] {
    [
        ("running_mean", &statistics.mean),
        ("running_variance", &statistics.variance),
    ]
}

fn read(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
    let tensor = tensors.tensor(name).map_err(saved)?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
        let (dtype, found) = (tensor.dtype(), tensor.shape());
        return problem(format!(
            "{name} is {dtype:?} {found:?}, expected F32 {shape:?}"
        ));
    }
    let (quads, _) = tensor.data().as_chunks();
    let values: Vec<f32> = quads
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect();
    check_finite(name, &values)?;
    Ok(values)
}

fn saved(error: impl std::fmt::Display) -> Error {
    Error::Saved {
        problem: error.to_string(),
    }
}

fn problem<T>(problem: String) -> Result<T, Error> {
    Err(Error::Saved { problem })
}
