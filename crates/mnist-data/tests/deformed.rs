//! Deformed images have the same bits on every machine and in every version: a run of a seed depends on them.

use mnist_data::{Augmentation, Dataset, Elastic, Normalisation};
use ndarray::{Array1, Array3};
use sha2::{Digest, Sha256};

/// Images of strokes and of noise.
fn images(count: usize, height: usize, width: usize) -> Dataset {
    let images = Array3::from_shape_fn((count, height, width), |(n, y, x)| {
        let mixed = ((n * 8191 + y * 131 + x) as u32).wrapping_mul(2_654_435_761) >> 24;
        match (n + y / 2 + x / 3) % 4 {
            0 => 255,
            1 => mixed as u8,
            _ => 0,
        }
    });
    Dataset::new(images, Array1::zeros(count)).unwrap()
}

/// The first eight bytes of the SHA-256 of all pixels.
fn digest(dataset: &Dataset, augmentation: &Augmentation) -> String {
    let mut digest = Sha256::new();
    for (seed, normalisation) in [
        (1, Normalisation::By255),
        (u64::MAX, Normalisation::measure(dataset)),
    ] {
        let batches = dataset.batches(3).unwrap();
        let batches = batches.augmented(augmentation.clone(), seed);
        for batch in batches.normalised(normalisation) {
            for pixel in &batch.images {
                digest.update(pixel.to_le_bytes());
            }
        }
    }
    let bytes = digest.finalize();
    bytes[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn distorted(alpha: f32, sigma: f32) -> Augmentation {
    Augmentation {
        elastic: Some(Elastic::new(alpha, sigma).unwrap()),
        ..Augmentation::default()
    }
}

#[test]
fn deformed_images_have_the_pinned_bits() {
    let affine = Augmentation::default();
    let some = Augmentation {
        probability: 0.5,
        shift: 2.5,
        ..distorted(30.0, 4.0)
    };
    let wild = |value| Augmentation {
        probability: 1.0,
        shift: value,
        rotation: value,
        scale: value,
        shear: value,
        elastic: None,
    };
    let shifted = Augmentation {
        probability: 0.0,
        shift: 40.0,
        ..Augmentation::NONE
    };
    let cases = &[
        ("affine", affine.clone(), [50, 28, 28], "37652caa8f59f3ed"),
        (
            "elastic",
            distorted(34.0, 4.0),
            [50, 28, 28],
            "d76eb00266108bfd",
        ),
        ("some", some.clone(), [50, 28, 28], "b93a95fa9629b024"),
        ("shifted", shifted, [50, 28, 28], "4be96ddffba9aeff"),
        (
            "sharp",
            distorted(2.0, 0.1),
            [20, 28, 28],
            "a10a5ee395f8fd17",
        ),
        (
            "flat",
            distorted(1e4, 100.0),
            [20, 28, 28],
            "adc1e8ba699af539",
        ),
        (
            "strong",
            distorted(300.0, 1.0),
            [20, 28, 28],
            "0634d5f2bb1e3c52",
        ),
        ("wild", wild(1e3), [20, 28, 28], "8f7ad093e0aa2479"),
        (
            "infinite",
            wild(f32::INFINITY),
            [20, 28, 28],
            "2567b3e9bb590b6c",
        ),
        (
            "not a number",
            wild(f32::NAN),
            [20, 28, 28],
            "2567b3e9bb590b6c",
        ),
        ("wide", distorted(20.0, 3.0), [5, 7, 61], "25455f50040d0020"),
        (
            "tall",
            distorted(20.0, 3.0),
            [5, 90, 33],
            "12cb7a84b422861e",
        ),
        ("one pixel", some.clone(), [9, 1, 1], "36e6966cc4b1438d"),
        ("a row", some, [9, 1, 30], "0970df0642fe868b"),
        ("affine, odd", affine, [9, 31, 13], "cd0485c39713e36d"),
    ];
    let found = cases
        .each_ref()
        .map(|(name, augmentation, [count, height, width], _)| {
            (name, digest(&images(*count, *height, *width), augmentation))
        });
    let expected = cases
        .each_ref()
        .map(|(name, _, _, digest)| (name, (*digest).to_owned()));
    assert_eq!(found, expected);
}
