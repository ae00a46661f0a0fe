//! A sheet of digits and, below each, three deformed copies of it, as PNG.
//!
//! ```console
//! cargo run -p mnist-data --features embedded,png --example contact_sheet -- sheet.png
//! ```

use std::fs::File;

use mnist_data::{Augmentation, Dataset, Elastic, embedded, png};
use ndarray::{Axis, concatenate};

const COLUMNS: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or("expected the name of a file to write")?;
    let digits = embedded::load().train.first(COLUMNS)?;
    let augmentation = Augmentation {
        elastic: Some(Elastic::new(34.0, 4.0)?),
        ..Augmentation::default()
    };
    let mut rows = vec![digits.images().to_owned()];
    for seed in 0..3 {
        let deformed = digits
            .batches(COLUMNS)?
            .augmented(augmentation.clone(), seed)
            .next();
        let pixels = deformed
            .ok_or("no images")?
            .images
            .index_axis_move(Axis(3), 0);
        rows.push(pixels.mapv(|pixel| (pixel * 255.0).round() as u8));
    }
    let views: Vec<_> = rows.iter().map(|row| row.view()).collect();
    let labels = digits.labels().repeat(views.len()).into();
    let sheet = Dataset::new(concatenate(Axis(0), &views)?, labels)?.contact_sheet(COLUMNS)?;
    png::write(File::create(path)?, &sheet)?;
    Ok(())
}
