//! A model as an archive of NumPy arrays, which `numpy.load` reads.
//!
//! Every parameter is an array of float32 by its name in the model file and in its layout (see [`conv_core::saved`]),
//! and so are the running statistics of normalisations. `about` is an array of bytes: JSON with the network's spec, the
//! data set, the normalisation and the classes; `json.loads(bytes(archive["about"]))` reads it.
//!
//! The formats: NEP 1 (<https://numpy.org/neps/nep-0001-npy-format.html>), version 1.0, in a ZIP archive whose members
//! are stored as they are (APPNOTE.TXT of PKWARE, sections 4.3.7, 4.3.12 and 4.3.16).

use serde::Serialize;

use crate::error::Error;
use crate::model::{MeanDeviation, Model};

#[derive(Serialize)]
struct About<'a> {
    spec: &'a conv_core::spec::Spec,
    dataset: &'a str,
    normalisation: MeanDeviation,
    classes: &'a [String],
}

/// The bytes of the file.
///
/// # Errors
/// If the network is too large for an archive of this kind, 4 GiB.
pub fn bytes(model: &Model) -> Result<Vec<u8>, Error> {
    let network = &model.network;
    let mut archive = Archive::default();
    for parameter in network.parameters() {
        let numbers = &network.values()[parameter.range.clone()];
        archive.add(&parameter.name, &floats(&parameter.shape, numbers))?;
    }
    let names = network.parameters().iter();
    let norms = names.filter_map(|parameter| parameter.name.strip_suffix(".gamma"));
    for (path, statistics) in norms.zip(network.running_statistics()) {
        for (what, numbers) in [
            ("running_mean", &statistics.mean),
            ("running_variance", &statistics.variance),
        ] {
            let numbers: Vec<f32> = numbers.iter().map(|&x| x as f32).collect();
            archive.add(
                &format!("{path}.{what}"),
                &floats(&[numbers.len()], &numbers),
            )?;
        }
    }
    let about = About {
        spec: network.spec(),
        dataset: &model.dataset,
        normalisation: model.normalisation.into(),
        classes: &model.classes,
    };
    let about = serde_json::to_vec(&about)
        .map_err(|error| Error::Failed(format!("cannot write JSON: {error}")))?;
    archive.add("about", &array("|u1", &[about.len()], &about))?;
    archive.finish()
}

fn floats(shape: &[usize], numbers: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    array("<f4", shape, &bytes)
}

/// An array in row-major order as a file of its own.
fn array(dtype: &str, shape: &[usize], content: &[u8]) -> Vec<u8> {
    // As Python writes a tuple, with a comma after a single number.
    let shape: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut header =
        format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({shape}), }}");
    // Magic, version, and the header's length take 10 bytes; the content begins at a multiple of 64.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header = format!("{header:<width$}\n", width = length - 1);
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((length as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(content);
    file
}

/// A ZIP archive in the making.
#[derive(Default)]
struct Archive {
    /// The members so far, each behind its header.
    bytes: Vec<u8>,
    /// What stands at the end: a header for each member again.
    directory: Vec<u8>,
    members: u16,
}

impl Archive {
    /// Adds the array `name`, a file `name.npy`.
    fn add(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        let file = format!("{name}.npy");
        let offset = small(self.bytes.len())?;
        let size = small(content.len())?.to_le_bytes();
        let mut shared = Vec::new();
        // Version 2.0 extracts it; no flags, stored; 1 January 1980, 0 o'clock.
        shared.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
        shared.extend(crc32fast::hash(content).to_le_bytes());
        shared.extend(size);
        shared.extend(size);
        shared.extend((file.len() as u16).to_le_bytes());
        // No extra field.
        shared.extend([0, 0]);
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&shared);
        self.bytes.extend(file.as_bytes());
        self.bytes.extend(content);
        // Made by version 2.0; no comment, the first disk, no attributes.
        self.directory.extend(b"PK\x01\x02\x14\x00");
        self.directory.extend(&shared);
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(file.as_bytes());
        self.members = self.members.checked_add(1).ok_or_else(too_large)?;
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>, Error> {
        let start = small(self.bytes.len())?.to_le_bytes();
        let size = small(self.directory.len())?.to_le_bytes();
        let members = self.members.to_le_bytes();
        self.bytes.extend(&self.directory);
        // One disk.
        self.bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
        for part in [members.as_slice(), &members, &size, &start, &[0, 0]] {
            self.bytes.extend(part);
        }
        Ok(self.bytes)
    }
}

fn small(length: usize) -> Result<u32, Error> {
    u32::try_from(length).map_err(|_| too_large())
}

fn too_large() -> Error {
    Error::Failed("the network is too large for an npz archive; export to safetensors".to_owned())
}
