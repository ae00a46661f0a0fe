//! Parts of a data set: the right images, with their labels, the same for the same seed.

use mnist_data::{Dataset, ErrorKind};
use ndarray::{Array1, Array3};

/// Image n has the pixel n, and the label n mod 10 except that the class 9 is rare.
fn numbered(count: usize) -> Dataset {
    let images = Array3::from_shape_fn((count, 1, 1), |(n, _, _)| n as u8);
    let label = |n: usize| {
        if n % 10 == 9 && n % 40 != 39 {
            0
        } else {
            (n % 10) as u8
        }
    };
    Dataset::new(images, Array1::from_shape_fn(count, label)).unwrap()
}

fn numbers(dataset: &Dataset) -> Vec<u8> {
    dataset.images().iter().copied().collect()
}

/// Every image still has the label that it had in `all`.
fn belongs_to(part: &Dataset, all: &Dataset) {
    assert_eq!(part.classes(), all.classes());
    for (number, &label) in numbers(part).into_iter().zip(part.labels()) {
        assert_eq!(label, all.labels()[usize::from(number)]);
    }
}

#[test]
fn selects_in_the_order_asked_for() {
    let all = numbered(20);
    let part = all.select(&[19, 0, 0, 7]).unwrap();
    assert_eq!(numbers(&part), [19, 0, 0, 7]);
    belongs_to(&part, &all);
    assert!(all.select(&[]).unwrap().is_empty());
    let error = all.select(&[0, 20]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Count { found: 20, .. }),
        "{error}"
    );
    assert!(all.select(&[usize::MAX]).is_err());
}

#[test]
fn shuffling_loses_nothing_and_depends_on_the_seed_alone() {
    let all = numbered(200);
    let (one, two) = (all.shuffled(1), all.shuffled(2));
    assert_eq!(one, all.shuffled(1));
    assert_ne!(numbers(&one), numbers(&two));
    assert_ne!(numbers(&one), numbers(&all));
    belongs_to(&one, &all);
    let mut sorted = numbers(&one);
    sorted.sort_unstable();
    assert_eq!(sorted, numbers(&all));
    // Pinned: another version must not give another order.
    assert_eq!(numbers(&numbered(10).shuffled(1)), PINNED);
}

const PINNED: [u8; 10] = [9, 0, 1, 4, 8, 2, 3, 7, 6, 5];

fn count(part: &Dataset, class: u8) -> usize {
    part.labels()
        .iter()
        .filter(|&&label| label == class)
        .count()
}

#[test]
fn validation_has_its_share_of_every_class() {
    let all = numbered(200);
    let (train, validation) = all.split_validation(40, 3).unwrap();
    for class in 0..10 {
        let share = (count(&all, class) as f64 * 0.2).round() as usize;
        assert_eq!(count(&validation, class), share);
        assert_eq!(count(&train, class), count(&all, class) - share);
    }
    assert_eq!(count(&validation, 9), 1);
    belongs_to(&train, &all);
    belongs_to(&validation, &all);
    let mut together = [numbers(&train), numbers(&validation)].concat();
    assert!(numbers(&train).is_sorted() && numbers(&validation).is_sorted());
    together.sort_unstable();
    assert_eq!(together, numbers(&all));
    assert_eq!(all.split_validation(40, 3).unwrap().1, validation);
    assert_ne!(all.split_validation(40, 4).unwrap().1, validation);
}

/// Pinned before the parts were divided by largest remainders: where rounding gave as many as were
/// asked for, the same images are chosen.
#[test]
fn the_images_chosen_are_those_of_before() {
    let (_, validation) = numbered(200).split_validation(40, 7).unwrap();
    assert_eq!(numbers(&validation), CHOSEN);
}

const CHOSEN: [u8; 40] = [
    2, 12, 25, 30, 37, 43, 47, 49, 54, 57, 60, 65, 68, 71, 72, 74, 75, 79, 81, 83, 85, 87, 89, 96,
    104, 123, 128, 131, 138, 139, 143, 154, 160, 166, 171, 172, 176, 180, 196, 198,
];

#[test]
fn validation_has_exactly_as_many_images_as_asked_for() {
    let all = numbered(200);
    for wanted in 0..=200 {
        let (train, validation) = all.split_validation(wanted, 1).unwrap();
        assert_eq!((train.len(), validation.len()), (200 - wanted, wanted));
        for class in 0..10 {
            let share = count(&all, class) as f64 * wanted as f64 / 200.0;
            let found = count(&validation, class) as f64;
            assert!(
                (found - share).abs() < 1.0,
                "{found} of class {class}, not {share}"
            );
        }
    }
}

#[test]
fn the_largest_remainders_get_what_is_missing() {
    // 5, 3 and 2 of ten: a count of 3 is 1.5, 0.9 and 0.6 images of the classes.
    let labels = Array1::from_vec(vec![0, 0, 0, 0, 0, 1, 1, 1, 2, 2]);
    let all = Dataset::with_classes(Array3::zeros((10, 1, 1)), labels, 3).unwrap();
    let counts = |wanted| {
        let (_, validation) = all.split_validation(wanted, 1).unwrap();
        [0, 1, 2].map(|class| count(&validation, class))
    };
    assert_eq!(counts(3), [1, 1, 1]);
    // 2.5, 1.5 and 1.0: of equal remainders the first class's counts.
    assert_eq!(counts(5), [3, 1, 1]);
    assert_eq!(counts(0), [0, 0, 0]);
    assert_eq!(counts(10), [5, 3, 2]);
}

#[test]
fn no_more_images_validate_than_there_are() {
    let all = numbered(20);
    assert_eq!(all.split_validation(0, 1).unwrap().0, all);
    assert_eq!(all.split_validation(20, 1).unwrap().1, all);
    let error = all.split_validation(21, 1).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Count {
                expected: 21,
                found: 20,
                ..
            }
        ),
        "{error}"
    );
    let none = Dataset::new(Array3::zeros((0, 1, 1)), Array1::zeros(0)).unwrap();
    assert!(none.split_validation(0, 1).unwrap().1.is_empty());
}

#[test]
fn takes_the_first_of_each_class() {
    let all = numbered(200);
    let part = all.first_of_each_class(2).unwrap();
    belongs_to(&part, &all);
    assert_eq!(part.len(), 20);
    assert!(numbers(&part).is_sorted());
    assert_eq!(numbers(&part)[..9], [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let error = all.first_of_each_class(6).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Count {
                expected: 6,
                found: 5,
                ..
            }
        ),
        "{error}"
    );
}
