//! A trained network, `model.safetensors` beside the images, and one image through it.

use std::error::Error;

use conv_core::network::{Network, Workspace};

use crate::lenet::{TEST_BATCH, arrays, some};
use crate::numbers::checksum;
use crate::{Found, Settings, clock};

pub(crate) fn time(settings: &Settings, pool: &rayon::ThreadPool) -> Result<Found, Box<dyn Error>> {
    let folder = settings.data.as_ref().ok_or("latency needs --data DIR")?;
    let network = Network::from_bytes(&std::fs::read(folder.join("model.safetensors"))?)?;
    let network = network.folded()?;
    let (test, _) = arrays(&mnist_data::read_dir(folder)?.test);
    let mut workspace = Workspace::new();
    let mut found = Found::default();
    pool.install(|| {
        let first = some(&test, 0..TEST_BATCH);
        let (sum, tolerance) = checksum(network.forward(first, &mut workspace)?);
        found.check("logits".to_owned(), sum, tolerance);
        let mut workspace = Workspace::new();
        let image = some(&test, 0..1);
        let latency = clock::fastest(settings.window, || {
            network.forward(image, &mut workspace).map(drop)
        })?;
        found.times.insert("latency".to_owned(), latency);
        Ok::<_, conv_core::Error>(())
    })?;
    Ok(found)
}
