//! The data sets, as their makers describe them.

use super::{Digest, Entry, File, Part};

const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const BY_CLASS: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "C", "D", "E", "F", "G", "H", "I",
    "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "a", "b",
    "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u",
    "v", "w", "x", "y", "z",
];

/// Of the small letters, those that do not look like their capitals.
const MERGED: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "C", "D", "E", "F", "G", "H", "I",
    "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "a", "b",
    "d", "e", "f", "g", "h", "n", "q", "r", "t",
];

const LETTERS: &[&str] = &[
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S",
    "T", "U", "V", "W", "X", "Y", "Z",
];

const MNIST_TRAIN: Part = Part {
    images: "train-images-idx3-ubyte",
    labels: "train-labels-idx1-ubyte",
    count: 60_000,
};

const MNIST_TEST: Part = Part {
    images: "t10k-images-idx3-ubyte",
    labels: "t10k-labels-idx1-ubyte",
    count: 10_000,
};

const fn content(name: &'static str, bytes: u64, sha256: &'static str) -> File {
    File {
        name,
        digest: Digest::Content { bytes, sha256 },
    }
}

/// A gzip file whose content has so many bytes; packed it has less.
const fn packed(name: &'static str, at_most: u64, sha256: &'static str) -> File {
    File {
        name,
        digest: Digest::Packed { at_most, sha256 },
    }
}

/// Handwritten digits, by Yann `LeCun` and Corinna Cortes.
pub static MNIST: Entry = Entry {
    name: "mnist",
    title: "MNIST",
    folder: "mnist",
    files: &[
        content(
            "train-images-idx3-ubyte.gz",
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        content(
            "train-labels-idx1-ubyte.gz",
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        content(
            "t10k-images-idx3-ubyte.gz",
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        content(
            "t10k-labels-idx1-ubyte.gz",
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ],
    // yann.lecun.com answers 404 since 2025 and is left out.
    mirrors: &[
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ],
    train: MNIST_TRAIN,
    test: MNIST_TEST,
    image_size: (28, 28),
    transposed: false,
    first_label: 0,
    classes: DIGITS,
    licence: "CC BY-SA 3.0",
    citation: "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to \
               document recognition. Proceedings of the IEEE 86(11), 1998",
};

/// Photographs of clothes, by Zalando Research: a harder MNIST of the same shape.
pub static FASHION_MNIST: Entry = Entry {
    name: "fashion-mnist",
    title: "Fashion-MNIST",
    folder: "fashion-mnist",
    files: &[
        content(
            "train-images-idx3-ubyte.gz",
            47_040_016,
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        content(
            "train-labels-idx1-ubyte.gz",
            60_008,
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        content(
            "t10k-images-idx3-ubyte.gz",
            7_840_016,
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        content(
            "t10k-labels-idx1-ubyte.gz",
            10_008,
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ],
    mirrors: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ],
    train: MNIST_TRAIN,
    test: MNIST_TEST,
    image_size: (28, 28),
    transposed: false,
    first_label: 0,
    classes: &[
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ],
    licence: "MIT",
    citation: "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for \
               benchmarking machine learning algorithms. arXiv:1708.07747, 2017",
};

/// Cursive Japanese characters, by the Center for Open Data in the Humanities (CODH).
pub static KMNIST: Entry = Entry {
    name: "kmnist",
    title: "Kuzushiji-MNIST",
    folder: "kmnist",
    files: &[
        packed(
            "train-images-idx3-ubyte.gz",
            47_040_016,
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        packed(
            "train-labels-idx1-ubyte.gz",
            60_008,
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        ),
        packed(
            "t10k-images-idx3-ubyte.gz",
            7_840_016,
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        ),
        packed(
            "t10k-labels-idx1-ubyte.gz",
            10_008,
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ],
    mirrors: &["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
    train: MNIST_TRAIN,
    test: MNIST_TEST,
    image_size: (28, 28),
    transposed: false,
    first_label: 0,
    classes: &[
        "お (o)",
        "き (ki)",
        "す (su)",
        "つ (tsu)",
        "な (na)",
        "は (ha)",
        "ま (ma)",
        "や (ya)",
        "れ (re)",
        "を (wo)",
    ],
    licence: "CC BY-SA 4.0",
    citation: "T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha: Deep \
               learning for classical Japanese literature. arXiv:1812.01718, 2018",
};

/// MNIST made again from its source, with all 60,000 test digits, by Chhavi Yadav and Léon Bottou.
///
/// The labels are i32 of rank 2: the class, then what is known of the writer and the source, for
/// those who read the file with [`crate::idx`].
pub static QMNIST: Entry = Entry {
    name: "qmnist",
    title: "QMNIST",
    folder: "qmnist",
    files: &[
        packed(
            "qmnist-train-images-idx3-ubyte.gz",
            47_040_016,
            "9e26a7bf1683614e065d7b76460ccd52807165b3f22561fb782bd9f38c52b51d",
        ),
        packed(
            "qmnist-train-labels-idx2-int.gz",
            1_920_012,
            "2c05dc77f6b916b38e455e97ab129a42a444f3dbef09b278a366f82904e0dd9f",
        ),
        packed(
            "qmnist-test-images-idx3-ubyte.gz",
            47_040_016,
            "43fc22bf7498b8fc98de98369d72f752d0deabc280a43a7bcc364ab19e57b375",
        ),
        packed(
            "qmnist-test-labels-idx2-int.gz",
            1_920_012,
            "9fbcbe594c3766fdf4f0b15c5165dc0d1e57ac604e01422608bb72c906030d06",
        ),
    ],
    mirrors: &["https://raw.githubusercontent.com/facebookresearch/qmnist/master/"],
    train: Part {
        images: "qmnist-train-images-idx3-ubyte",
        labels: "qmnist-train-labels-idx2-int",
        count: 60_000,
    },
    test: Part {
        images: "qmnist-test-images-idx3-ubyte",
        labels: "qmnist-test-labels-idx2-int",
        count: 60_000,
    },
    image_size: (28, 28),
    transposed: false,
    first_label: 0,
    classes: DIGITS,
    licence: "BSD 3-Clause",
    citation: "C. Yadav, L. Bottou: Cold case: the lost MNIST digits. NeurIPS 2019",
};

macro_rules! emnist {
    ($(#[$doc:meta])* $static:ident, $split:literal, $train:literal, $test:literal,
     $first_label:literal, $classes:expr) => {
        $(#[$doc])*
        pub static $static: Entry = Entry {
            name: concat!("emnist-", $split),
            title: concat!("EMNIST ", $split),
            folder: "emnist",
            files: &[packed(
                "gzip.zip",
                561_753_746,
                "909a2a39c5e86bdd7662425e9b9c4a49bb582bf8d0edad427f3c3a9d0c6f7259",
            )],
            mirrors: &["https://biometrics.nist.gov/cs_links/EMNIST/"],
            train: Part {
                images: concat!("emnist-", $split, "-train-images-idx3-ubyte"),
                labels: concat!("emnist-", $split, "-train-labels-idx1-ubyte"),
                count: $train,
            },
            test: Part {
                images: concat!("emnist-", $split, "-test-images-idx3-ubyte"),
                labels: concat!("emnist-", $split, "-test-labels-idx1-ubyte"),
                count: $test,
            },
            image_size: (28, 28),
            transposed: true,
            first_label: $first_label,
            classes: $classes,
            licence: "public domain (NIST Special Database 19)",
            citation: "G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST: extending MNIST to \
                       handwritten letters. IJCNN 2017",
        };
    };
}

emnist!(
    /// EMNIST: digits, capitals and small letters, as often as people wrote them.
    EMNIST_BYCLASS, "byclass", 697_932, 116_323, 0, BY_CLASS
);
emnist!(
    /// EMNIST: the same, with the small letters that look like their capitals merged into them.
    EMNIST_BYMERGE, "bymerge", 697_932, 116_323, 0, MERGED
);
emnist!(
    /// EMNIST: the merged classes, the same number of each.
    EMNIST_BALANCED, "balanced", 112_800, 18_800, 0, MERGED
);
emnist!(
    /// EMNIST: letters, capitals and small ones together. The files count the labels from 1.
    EMNIST_LETTERS, "letters", 124_800, 20_800, 1, LETTERS
);
emnist!(
    /// EMNIST: digits, the same number of each.
    EMNIST_DIGITS, "digits", 240_000, 40_000, 0, DIGITS
);
emnist!(
    /// EMNIST: digits in MNIST's numbers.
    EMNIST_MNIST, "mnist", 60_000, 10_000, 0, DIGITS
);
