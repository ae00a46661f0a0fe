//! Batches: the right numbers in the right order, whatever else runs.

use mnist_data::{Augmentation, Batch, Dataset, Elastic, ErrorKind, Normalisation, Prefetch};
use ndarray::{Array1, Array3, Array4, Axis, s};

/// Images with a bright square off their middle, each a little different.
fn squares(count: usize) -> Dataset {
    let images = Array3::from_shape_fn((count, 28, 28), |(n, h, w)| {
        if (8..18).contains(&h) && (10..16).contains(&w) {
            200 + (n % 50) as u8
        } else {
            0
        }
    });
    Dataset::new(images, Array1::from_shape_fn(count, |n| (n % 10) as u8)).unwrap()
}

fn all(batches: impl Iterator<Item = Batch>) -> Vec<Batch> {
    batches.collect()
}

#[test]
fn pixels_become_numbers_in_nhwc() {
    let images = Array3::from_shape_fn((5, 2, 3), |(n, h, w)| (n * 50 + h * 3 + w) as u8);
    let dataset = Dataset::new(images.clone(), Array1::from_iter(0..5)).unwrap();
    let batches = all(dataset.batches(2).unwrap());
    assert_eq!(batches.len(), 3);
    assert_eq!(batches[1].images.dim(), (2, 2, 3, 1));
    assert_eq!(batches[1].labels, [2, 3]);
    assert_eq!(batches[2].indices, [4]);
    for batch in &batches {
        for (image, &index) in batch.images.outer_iter().zip(&batch.indices) {
            let expected = images
                .index_axis(Axis(0), index)
                .mapv(|pixel| f32::from(pixel) / 255.0);
            assert_eq!(image.index_axis(Axis(2), 0), expected);
        }
    }
}

#[test]
fn a_whole_data_set_has_the_values_of_its_batches() {
    let dataset = squares(7);
    let measured = Normalisation::measure(&dataset);
    for normalisation in [Normalisation::By255, measured] {
        let batches = dataset.batches(3).unwrap().normalised(normalisation);
        let images = dataset.to_array(normalisation);
        assert_eq!(images.dim(), (7, 28, 28, 1));
        for batch in batches {
            assert_eq!(images.select(Axis(0), &batch.indices), batch.images);
        }
    }
    let none = dataset.first(0).unwrap().to_array(measured);
    assert_eq!(none.dim(), (0, 28, 28, 1));
}

#[test]
fn batches_know_how_many_they_are() {
    let dataset = squares(10);
    assert_eq!(dataset.batches(3).unwrap().len(), 4);
    assert_eq!(dataset.batches(3).unwrap().drop_last().len(), 3);
    assert_eq!(all(dataset.batches(3).unwrap().drop_last()).len(), 3);
    assert_eq!(dataset.batches(100).unwrap().len(), 1);
    assert_eq!(dataset.first(0).unwrap().batches(3).unwrap().count(), 0);
    let error = dataset.batches(0).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Parameter { .. }),
        "{error}"
    );
}

#[test]
fn spread_batches_differ_by_one_image_at_most() {
    for (images, size, expected) in [
        (10, 4, vec![4, 3, 3]),
        (12, 4, vec![4, 4, 4]),
        (13, 4, vec![5, 4, 4]),
        (14, 4, vec![4, 4, 3, 3]),
        (9, 10, vec![9]),
        (2, 10, vec![2]),
        (10, 1, vec![1; 10]),
        (0, 4, vec![]),
    ] {
        let batches = || squares(images).batches(size).unwrap().shuffled(3).spread();
        assert_eq!(batches().len(), expected.len(), "{images} by {size}");
        let all = all(batches());
        let sizes: Vec<usize> = all.iter().map(|batch| batch.labels.len()).collect();
        assert_eq!(sizes, expected, "{images} by {size}");
        let mut indices: Vec<usize> = all.iter().flat_map(|batch| batch.indices.clone()).collect();
        indices.sort_unstable();
        assert!(indices.into_iter().eq(0..images), "{images} by {size}");
        // Batches that are skipped change nothing, and the rest is counted.
        for skipped in 0..=expected.len() {
            let mut rest = batches();
            assert_eq!(rest.nth(skipped).as_ref(), all.get(skipped));
            assert_eq!(rest.len(), expected.len().saturating_sub(skipped + 1));
        }
    }
}

#[test]
fn shuffled_batches_hold_every_image_once() {
    let dataset = squares(23);
    let order = |seed| -> Vec<usize> {
        dataset
            .batches(5)
            .unwrap()
            .shuffled(seed)
            .flat_map(|batch| batch.indices)
            .collect()
    };
    let mut sorted = order(1);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..23).collect::<Vec<_>>());
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
    // The same order as that of the data set, shuffled by the same seed.
    let labels: Vec<u8> = dataset
        .batches(5)
        .unwrap()
        .shuffled(1)
        .flat_map(|batch| batch.labels)
        .collect();
    assert_eq!(labels, dataset.shuffled(1).labels());
}

#[test]
fn normalised_pixels_have_mean_zero_and_deviation_one() {
    let dataset = squares(20);
    let normalisation = Normalisation::measure(&dataset);
    let mut batches = dataset.batches(20).unwrap().normalised(normalisation);
    let images = batches.next().unwrap().images.mapv(f64::from);
    let mean = images.mean().unwrap();
    assert!(mean.abs() < 1e-5, "{mean}");
    let deviation = images.std(0.0);
    assert!((deviation - 1.0).abs() < 1e-5, "{deviation}");
    // All the same: nothing is divided by zero.
    let black = Dataset::new(Array3::zeros((2, 3, 3)), Array1::zeros(2)).unwrap();
    let measured = Normalisation::measure(&black);
    assert_eq!(
        measured,
        Normalisation::MeanDeviation {
            mean: 0.0,
            deviation: 1.0
        }
    );
}

#[test]
fn no_augmentation_changes_nothing() {
    let dataset = squares(3);
    let plain = all(dataset.batches(2).unwrap());
    assert_eq!(
        all(dataset.batches(2).unwrap().augmented(Augmentation::NONE, 1)),
        plain
    );
}

#[test]
fn augmentation_depends_on_seed_and_image_alone() {
    let dataset = squares(12);
    let augmentation = Augmentation {
        elastic: Some(Elastic::new(34.0, 4.0).unwrap()),
        ..Augmentation::default()
    };
    let image = |size, seed, order: Option<u64>, index: usize| {
        let mut batches = dataset
            .batches(size)
            .unwrap()
            .augmented(augmentation.clone(), seed);
        if let Some(order) = order {
            batches = batches.shuffled(order);
        }
        let mut images = batches.flat_map(|batch| {
            let images: Vec<_> = batch
                .images
                .outer_iter()
                .map(|image| image.to_owned())
                .collect();
            batch.indices.into_iter().zip(images)
        });
        images.find(|(found, _)| *found == index).unwrap().1
    };
    let expected = image(4, 1, None, 7);
    assert_eq!(image(5, 1, None, 7), expected);
    assert_eq!(image(3, 1, Some(9), 7), expected);
    assert_ne!(image(4, 2, None, 7), expected);
    // The same square, but another place in the data set.
    assert_ne!(
        image(4, 1, None, 8).mapv(|pixel| pixel > 0.1),
        expected.mapv(|pixel| pixel > 0.1)
    );
}

/// The mean place of the ink: row and column.
fn centre(batch: &Batch) -> (f32, f32) {
    let image = batch.images.slice(s![0, .., .., 0]);
    let (mut row, mut column) = (0.0, 0.0);
    for ((y, x), &pixel) in image.indexed_iter() {
        row += pixel * y as f32;
        column += pixel * x as f32;
    }
    (row / image.sum(), column / image.sum())
}

fn deformed(augmentation: &Augmentation, seed: u64) -> Batch {
    let dataset = squares(1);
    dataset
        .batches(1)
        .unwrap()
        .augmented(augmentation.clone(), seed)
        .next()
        .unwrap()
}

#[test]
fn a_shift_moves_the_ink_and_keeps_it() {
    let plain = deformed(&Augmentation::NONE, 0);
    let (row, column) = centre(&plain);
    let shift = Augmentation {
        shift: 3.0,
        ..Augmentation::NONE
    };
    let mut moved = Vec::new();
    for seed in 0..20 {
        let batch = deformed(&shift, seed);
        let (down, right) = (centre(&batch).0 - row, centre(&batch).1 - column);
        assert!(down.abs() <= 3.01 && right.abs() <= 3.01, "{down} {right}");
        assert!((batch.images.sum() - plain.images.sum()).abs() < 0.1);
        moved.push(down);
    }
    assert!(moved.iter().any(|&down| down > 1.0) && moved.iter().any(|&down| down < -1.0));
}

#[test]
fn a_rotation_keeps_distance_and_ink() {
    let turn = Augmentation {
        rotation: 45.0,
        ..Augmentation::NONE
    };
    let distance = |batch: &Batch| {
        let (row, column) = centre(batch);
        (row - 13.5).hypot(column - 13.5)
    };
    let plain = deformed(&Augmentation::NONE, 0);
    for seed in 0..10 {
        let turned = deformed(&turn, seed);
        assert!((distance(&turned) - distance(&plain)).abs() < 0.1);
        let ink = turned.images.sum() / plain.images.sum();
        assert!((ink - 1.0).abs() < 0.03, "{ink}");
    }
}

#[test]
fn a_scale_changes_the_ink_by_its_square_at_most() {
    let scale = Augmentation {
        scale: 0.2,
        ..Augmentation::NONE
    };
    let plain = deformed(&Augmentation::NONE, 0).images.sum();
    let ink: Vec<f32> = (0..20)
        .map(|seed| deformed(&scale, seed).images.sum() / plain)
        .collect();
    assert!(ink.iter().all(|ink| (0.6..1.5).contains(ink)), "{ink:?}");
    assert!(
        ink.iter().any(|&ink| ink > 1.1) && ink.iter().any(|&ink| ink < 0.9),
        "{ink:?}"
    );
}

#[test]
fn the_images_that_are_not_deformed_are_shifted_by_whole_pixels() {
    let plain = deformed(&Augmentation::NONE, 0).images;
    let shifted = |down: isize, right: isize| {
        Array4::from_shape_fn(plain.dim(), |(n, y, x, c)| {
            let y = y.checked_add_signed(-down);
            let x = x.checked_add_signed(-right);
            let at = y.zip(x).map(|(y, x)| [n, y, x, c]);
            at.and_then(|at| plain.get(at)).copied().unwrap_or(0.0)
        })
    };
    let shifts: Vec<Array4<f32>> = (-2..=2)
        .flat_map(|down| (-2..=2).map(move |right| (down, right)))
        .map(|(down, right)| shifted(down, right))
        .collect();
    let mut counts = vec![0; shifts.len()];
    let mut others = 0;
    for seed in 0..2000 {
        let augmentation = Augmentation {
            probability: 0.25,
            shift: 2.5,
            rotation: 45.0,
            ..Augmentation::NONE
        };
        let image = deformed(&augmentation, seed).images;
        match shifts.iter().position(|shifted| *shifted == image) {
            Some(shift) => counts[shift] += 1,
            None => others += 1,
        }
    }
    // 500 are to be deformed, with a deviation of 19, and 60 shifted each way, with one of 8.
    assert!((400..600).contains(&others), "{others}");
    assert!(
        counts.iter().all(|count| (25..95).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn an_elastic_distortion_is_smooth_and_grows_with_alpha() {
    let plain = deformed(&Augmentation::NONE, 0);
    let change = |alpha: f32| {
        let elastic = Some(Elastic::new(alpha, 4.0).unwrap());
        let batch = deformed(
            &Augmentation {
                elastic,
                ..Augmentation::NONE
            },
            5,
        );
        let ink = batch.images.sum() / plain.images.sum();
        assert!((0.7..1.3).contains(&ink), "{ink}");
        (&batch.images - &plain.images).mapv(f32::abs).sum()
    };
    assert_eq!(change(0.0), 0.0);
    assert!(change(10.0) > 1.0 && change(34.0) > 2.0 * change(10.0));
}

#[test]
fn senseless_settings_are_refused_or_harmless() {
    for (alpha, sigma) in [(f32::NAN, 4.0), (34.0, 0.0), (34.0, f32::NAN), (34.0, 1e9)] {
        let error = Elastic::new(alpha, sigma).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Parameter { .. }),
            "{error}"
        );
    }
    for value in [f32::NAN, f32::INFINITY, 1e30, -1e30] {
        let wild = Augmentation {
            probability: value,
            shift: value,
            rotation: value,
            scale: value,
            shear: value,
            elastic: None,
        };
        let batch = deformed(&wild, 1);
        assert!(batch.images.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
    }
}

#[test]
fn prefetching_changes_nothing() {
    let dataset = squares(50);
    let batches = || {
        let batches = dataset.batches(7).unwrap().shuffled(1);
        batches.augmented(Augmentation::default(), 2)
    };
    for depth in [0, 1, 5, 100] {
        assert_eq!(all(batches().prefetched(depth).unwrap()), all(batches()));
    }
}

#[test]
fn batches_that_are_skipped_change_nothing() {
    let batches = || {
        squares(50)
            .batches(7)
            .unwrap()
            .shuffled(3)
            .augmented(Augmentation::default(), 4)
    };
    let whole = all(batches());
    for skipped in [0, 1, 5, 7, 8, 9, usize::MAX] {
        let rest = whole.get(skipped..).unwrap_or_default();
        assert_eq!(all(batches().skip(skipped)), rest);
    }
    for threads in 1..4 {
        let shares = (0..threads).map(|first| batches().skip(first).step_by(threads));
        assert_eq!(
            all(mnist_data::Prefetch::in_turn(shares, 1).unwrap()),
            whole
        );
    }
}

#[test]
fn a_prefetch_that_is_dropped_ends_its_thread() {
    let alive = std::sync::Arc::new(());
    let held = std::sync::Arc::clone(&alive);
    let mut endless = Prefetch::new(
        std::iter::repeat_with(move || std::sync::Arc::strong_count(&held)),
        3,
    )
    .unwrap();
    assert_eq!(endless.next(), Some(2));
    drop(endless);
    assert_eq!(std::sync::Arc::strong_count(&alive), 1);
}

#[test]
fn a_panic_while_prefetching_is_not_swallowed() {
    let result = std::panic::catch_unwind(|| {
        let items = (0..3).inspect(|&n| assert!(n < 2, "the third item is broken"));
        Prefetch::new(items, 1).unwrap().count()
    });
    assert!(result.is_err());
}
