//! Models in use: `evaluate` and `predict`.
#![forbid(unsafe_code)]

use std::fs;
use std::process::Command;
use std::thread;

use mnist_data::{Dataset, embedded};
use ndarray::{Array1, Array2, Axis};
use serde_json::Value;
use tempfile::TempDir;
use tests::drawing::styles::{STYLES, Style, write_picture};
use tests::{run, small_model, stderr, stdout, succeeds};

/// Pictures that are looked at.
const PICTURES: usize = 200;

/// A folder with the model, and the model's path.
fn with_model() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, small_model()).unwrap();
    let name = path.to_str().unwrap().to_owned();
    (folder, name)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Asserts that the command failed with exit code 1, and gives what it said.
fn fails(args: &[&str]) -> String {
    let output = run(args);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
    assert!(text.starts_with("error: "), "{args:?}: {text}");
    text
}

#[test]
fn evaluate_tells_the_same_in_words_and_in_json() {
    let (folder, model) = with_model();
    let found = json(&succeeds(&run(&["evaluate", &model, "--json"])));
    let accuracy = found["accuracy"].as_f64().unwrap();
    assert!((0.93..0.99).contains(&accuracy), "{accuracy}");
    assert_eq!(found["images"], 10_000);
    assert_eq!(found["dataset"], "mnist");
    let labels = embedded::load().test.labels().to_vec();
    for class in 0..10 {
        let images = labels.iter().filter(|&&label| label == class).count();
        assert_eq!(found["classes"][usize::from(class)]["images"], images);
        let row = found["confusion"][usize::from(class)].as_array().unwrap();
        let sum: u64 = row.iter().map(|images| images.as_u64().unwrap()).sum();
        assert_eq!(sum, images as u64);
    }
    let worst = &found["worst"][0];
    let index = worst["index"].as_u64().unwrap() as usize;
    assert_eq!(worst["label"], labels[index]);
    assert_ne!(worst["predicted"], worst["label"]);
    // Their old name, until 0.2.
    assert_eq!(worst["found"], worst["predicted"]);
    for class in found["classes"].as_array().unwrap() {
        assert!(class["predicted"].as_u64().unwrap() > 0);
        assert_eq!(class["found"], class["predicted"]);
    }

    // The folder of a run will do, too.
    let text = succeeds(&run(&["evaluate", folder.path().to_str().unwrap()]));
    for line in [
        "10000 test images of mnist".to_owned(),
        format!("accuracy {accuracy:.4}"),
        format!("loss     {:.4}", found["loss"].as_f64().unwrap()),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(text.contains(&format!("test:{index} ")), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn what_cannot_be_evaluated_is_told_with_the_next_step() {
    let (folder, model) = with_model();
    let text = fails(&["evaluate", &model, "--dataset", "kmnist"]);
    assert!(text.contains("fetch-mnist --dataset kmnist"), "{text}");
    let text = fails(&["evaluate", "no/model"]);
    assert!(
        text.contains("no/model: ") && text.contains("trainer train"),
        "{text}"
    );
    let none = folder.path().join("none");
    let text = fails(&["evaluate", &model, "--data", none.to_str().unwrap()]);
    assert!(text.contains("none"), "{text}");
    let output = run(&["evaluate", &model, "--dataset", "mnits"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("mnist"));
}

#[test]
fn predict_reads_images_of_the_data_set() {
    let (_folder, model) = with_model();
    let text = succeeds(&run(&["predict", &model, "test:0", "train:1"]));
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("test:0: 7 ") && lines[0].ends_with("(it is 7)"),
        "{text}"
    );
    assert!(
        lines[1].starts_with("train:1: 0 ") && lines[1].ends_with("(it is 0)"),
        "{text}"
    );
    let found = json(&succeeds(&run(&["predict", &model, "test:0", "--json"])));
    assert_eq!(found["image"], "test:0");
    assert_eq!(found["label"], "7");
    let predictions = found["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 3);
    assert_eq!(predictions[0]["class"], "7");
    let probabilities = predictions
        .iter()
        .map(|one| one["probability"].as_f64().unwrap());
    assert!(probabilities.is_sorted_by(|a, b| a >= b));
    let text = fails(&["predict", &model, "test:10000"]);
    assert!(
        text.contains("test:10000") && text.contains("10000 such images"),
        "{text}"
    );
    for name in ["test:", "test:-1", "train:1e3", "test:99999999999999999999"] {
        let text = fails(&["predict", &model, name]);
        assert!(
            text.contains("expected the number of an image from 0"),
            "{text}"
        );
    }
    assert_eq!(run(&["predict", &model]).status.code(), Some(2));
}

/// The model learnt digits; the labels of another data set have that one's names.
#[test]
fn classes_of_another_data_set_are_not_taken_for_the_models() {
    let (_folder, model) = with_model();
    let data = tempfile::tempdir().unwrap();
    let digits = embedded::load().test.first(20).unwrap();
    for (name, array) in [
        ("images-idx3", digits.images().to_owned().into_dyn()),
        (
            "labels-idx1",
            Array1::from(digits.labels().to_vec()).into_dyn(),
        ),
    ] {
        for part in ["train", "t10k"] {
            let path = data.path().join(format!("{part}-{name}-ubyte"));
            let mut file = fs::File::create(path).unwrap();
            mnist_data::idx::write(&mut file, &array).unwrap();
        }
    }
    let data = data.path().to_str().unwrap();
    let other = ["--dataset", "fashion-mnist", "--data", data];
    let text = succeeds(&run(&[&["predict", &model, "test:0"], &other[..]].concat()));
    assert!(text.ends_with("(it is sneaker)\n"), "{text}");
    let text = fails(&[&["evaluate", &model], &other[..]].concat());
    assert!(
        text.contains("the classes of fashion-mnist are T-shirt/top, ")
            && text.contains("expected those of the model: 0, 1, 2,"),
        "{text}"
    );
}

/// The most probable class of each image, by one call of the program.
fn classes(model: &str, images: &[String]) -> Vec<String> {
    let mut args = vec!["predict", model, "--json"];
    args.extend(images.iter().map(String::as_str));
    let text = succeeds(&run(&args));
    let lines = text.lines().map(json);
    let classes: Vec<String> = lines
        .map(|line| line["predictions"][0]["class"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(classes.len(), images.len());
    classes
}

/// Whatever its size, place, colours and format, a picture of a digit is read as the digit.
#[test]
fn a_picture_is_read_as_its_digit() {
    let (folder, model) = with_model();
    let digits: Dataset = embedded::load().test;
    let names: Vec<String> = (0..PICTURES).map(|n| format!("test:{n}")).collect();
    let expected = classes(&model, &names);
    let right = |found: &[String]| {
        let pairs = found.iter().zip(digits.labels());
        pairs
            .filter(|(found, label)| **found == label.to_string())
            .count()
    };
    assert!(right(&expected) > PICTURES * 9 / 10, "{}", right(&expected));
    let is_read = |style: &Style| {
        let folder = folder.path().join(style.name);
        fs::create_dir(&folder).unwrap();
        let mut names = Vec::new();
        for (number, image) in digits
            .images()
            .axis_iter(Axis(0))
            .take(PICTURES)
            .enumerate()
        {
            let path = folder.join(format!("{number}.png"));
            write_picture(&path, image, style);
            names.push(path.to_str().unwrap().to_owned());
        }
        let found = classes(&model, &names);
        let others = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
        eprintln!("{}: {} right, {others} others", style.name, right(&found));
        assert!(others <= style.others, "{}: {others} others", style.name);
        assert!(
            right(&found) + style.others >= right(&expected),
            "{}",
            style.name
        );
    };
    thread::scope(|scope| {
        for style in &STYLES {
            scope.spawn(|| is_read(style));
        }
    });
}

#[test]
fn a_picture_that_cannot_be_read_is_named_and_the_others_are_read() {
    let (folder, model) = with_model();
    let digits = embedded::load().test;
    let place = |name: &str| folder.path().join(name);
    write_picture(
        &place("7.png"),
        digits.images().index_axis_move(Axis(0), 0),
        &STYLES[1],
    );
    let whole = fs::read(place("7.png")).unwrap();
    fs::write(place("cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::write(place("end.png"), &whole[..whole.len() - 8]).unwrap();
    fs::write(place("empty.png"), "").unwrap();
    fs::write(place("text.png"), "this is no picture").unwrap();
    let blank = Array2::zeros((28, 28));
    write_picture(&place("blank.png"), blank.view(), &STYLES[0]);
    write_picture(&place("nothing.png"), blank.view(), &STYLES[3]);
    // A header of 2 billion by 2 billion pixels, its checksum right.
    let mut huge = whole.clone();
    huge[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    let sum = checksum(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&sum);
    fs::write(place("huge.png"), &huge).unwrap();
    let mut wrong = whole;
    wrong[60] ^= 0x55;
    fs::write(place("wrong.png"), &wrong).unwrap();
    let names = [
        ("cut.png", "ends before"),
        ("end.png", "ends before"),
        ("empty.png", "the file is empty"),
        ("text.png", "not a picture"),
        ("blank.png", "blank"),
        ("nothing.png", "blank"),
        ("huge.png", "2147483647×2147483647 pixels"),
        ("wrong.png", "this PNG cannot be decoded"),
        ("none.png", "No such file"),
        (".", "not a regular file"),
        ("one.png", "blank"),
        ("loop.png", "symbolic links"),
        ("pipe.png", "not a regular file"),
        ("photo.jpg", "ends before"),
    ];
    write_picture(&place("one.png"), Array2::zeros((1, 1)).view(), &STYLES[1]);
    std::os::unix::fs::symlink("loop.png", place("loop.png")).unwrap();
    // Nobody ever writes into it.
    let made = Command::new("mkfifo").arg(place("pipe.png")).status();
    assert!(made.unwrap().success());
    // The first bytes of a JPEG in four colours.
    fs::write(place("photo.jpg"), b"\xff\xd8\xff\xee\0\x0eAdobe").unwrap();
    for (name, why) in names {
        let path = place(name);
        let path = path.to_str().unwrap();
        let text = fails(&["predict", &model, path]);
        assert!(text.contains(path) && text.contains(why), "{text}");
    }
    let paths: Vec<String> = names
        .iter()
        .map(|(name, _)| place(name).to_str().unwrap().to_owned())
        .collect();
    let good = place("7.png");
    let mut args = vec!["predict", &model, good.to_str().unwrap()];
    args.extend(paths.iter().map(String::as_str));
    args.push("test:0");
    let output = run(&args);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output).lines().count(), 2, "{}", stdout(&output));
    assert_eq!(
        stderr(&output).lines().count(),
        names.len() + 1,
        "{}",
        stderr(&output)
    );
}

/// CRC-32 as PNG has it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

#[test]
fn show_prints_what_the_network_gets() {
    let (_folder, model) = with_model();
    let text = succeeds(&run(&["predict", &model, "test:0", "--show"]));
    assert_eq!(text.lines().count(), 29);
    assert!(text.contains("██"));
}
