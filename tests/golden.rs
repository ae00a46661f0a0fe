//! The lines of the book, and those that NumPy prints with other settings: `golden/cases.json`, a test a setting.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

use mnist_data::{embedded, idx};
use serde::Deserialize;
use tests::{full_mnist, root, run, succeeds};

#[derive(Deserialize)]
struct Case {
    name: String,
    args: Vec<String>,
    file: String,
    /// `chapter`: the embedded images; `full`: the full set; `inverted`: the embedded ones as 255 − pixel.
    data: String,
}

impl Case {
    /// Its name as that of a test: `alpha-0.5` is `alpha_0_5`.
    fn test(&self) -> String {
        self.name.replace(['-', '.'], "_")
    }
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string(root().join("tests/golden/cases.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn lines(file: &str) -> String {
    fs::read_to_string(root().join("tests/golden").join(file)).unwrap()
}

/// Asserts that the program prints what NumPy printed with the setting of this test.
fn prints_what_numpy_prints(test: &str) {
    let case = cases().into_iter().find(|case| case.test() == test);
    let case = case.unwrap_or_else(|| panic!("cases.json has no case of the test {test}"));
    let inverted = tempfile::tempdir().unwrap();
    let data = match case.data.as_str() {
        "chapter" => None,
        "inverted" => {
            write_inverted(inverted.path());
            Some(inverted.path().to_owned())
        }
        "full" => {
            let full = full_mnist();
            if full.is_none() {
                return;
            }
            full
        }
        other => panic!("unknown data {other:?}"),
    };
    // The page of the book is what the program prints without a word.
    let page = case.name == "chapter-10-conv";
    let args = if page { &[][..] } else { &case.args };
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let Some(data) = &data {
        args.extend(["--data", data.to_str().unwrap()]);
    }
    assert_eq!(succeeds(&run(&args)), lines(&case.file), "{args:?}");
}

macro_rules! settings {
    ($($test:ident,)*) => {
        $(
            #[test]
            fn $test() {
                prints_what_numpy_prints(stringify!($test));
            }
        )*

        #[test]
        fn every_setting_has_its_test() {
            let tests = [$(stringify!($test)),*];
            let cases: Vec<String> = cases().iter().map(Case::test).collect();
            assert_eq!(cases, tests);
            assert_eq!(tests.len(), 52);
        }
    };
}

settings! {
    chapter_10_conv,
    chapter_9_dense,
    seed_2,
    seed_3,
    seed_7,
    seed_0,
    seed_largest,
    kernels_1,
    kernels_4,
    kernels_5,
    kernels_20,
    kernels_32,
    kernel_size_1,
    kernel_size_2,
    kernel_size_4,
    kernel_size_5,
    kernel_size_7,
    kernel_size_27,
    batch_size_50,
    batch_size_100,
    batch_size_250,
    batch_size_1000,
    batch_size_1,
    alpha_0_5,
    alpha_1,
    alpha_4,
    train_images_500,
    train_images_2000,
    fix_kernel_sign,
    fix_last_position,
    fix_delta_scale,
    fix_tanh_derivative,
    fix_dropout_gradient,
    fix_train_denominator,
    fix_last_batch,
    fix_softmax_overflow,
    fix_delta_scale_alpha_0_05,
    fix_all,
    fix_all_alpha_0_05,
    combine_sum,
    combine_mean,
    combine_max,
    combine_sum_fix_kernel_sign,
    combine_mean_fix_kernel_sign,
    combine_max_fix_kernel_sign,
    combine_sum_fix_all,
    combine_mean_fix_all,
    combine_max_fix_all,
    inverted,
    mixed,
    seed_2_full,
    fix_kernel_sign_full,
}

#[test]
fn the_page_has_300_lines_and_is_that_of_the_command_book() {
    let page = lines("chapter-10-conv.txt");
    assert_eq!(page.lines().count(), 300);
    let first: String = page.split_inclusive('\n').take(3).collect();
    assert_eq!(succeeds(&run(&["book", "--iterations", "3"])), first);
}

/// The embedded images with 255 − pixel, in which no section is blank.
fn write_inverted(folder: &Path) {
    let splits = embedded::load();
    for (name, set) in [("train", splits.train), ("t10k", splits.test)] {
        let images = set.images().map(|pixel| 255 - pixel);
        let file = fs::File::create(folder.join(format!("{name}-images-idx3-ubyte"))).unwrap();
        idx::write(file, &images).unwrap();
        let labels = ndarray::ArrayView1::from(set.labels());
        let file = fs::File::create(folder.join(format!("{name}-labels-idx1-ubyte"))).unwrap();
        idx::write(file, &labels.to_owned()).unwrap();
    }
}
