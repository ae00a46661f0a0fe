//! `trainer predict` on files: what people found that it read wrongly, and what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use mnist_data::embedded;
use ndarray::{Array2, Array3, Axis};
use serde_json::Value;
use tempfile::TempDir;
use tests::drawing::canvas::{Canvas, enlarged, grey};
use tests::{root, run, stderr, stdout, succeeds};
use trainer::model::Model;
use trainer::picture::Preparation;

use crate::STACKED;

fn with_model() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, STACKED).unwrap();
    let name = path.to_str().unwrap().to_owned();
    (folder, name)
}

fn predict(model: &str, files: &[PathBuf], more: &[&str]) -> Output {
    let mut arguments = vec!["predict", model];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    arguments.extend(more);
    run(&arguments)
}

fn lines(output: &Output) -> Vec<Value> {
    let text = succeeds(output);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn class(line: &Value) -> &str {
    line["predictions"][0]["class"].as_str().unwrap()
}

/// The ten pictures of a case.
fn case(name: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/pictures/cases").join(name);
    (0..10)
        .map(|digit| folder.join(format!("{digit}.png")))
        .collect()
}

/// Ten digits with a frame of one pixel, on a canvas in a page, with a speck far away, stored lying down.
#[test]
fn digits_are_read_as_on_plain_paper() {
    let (_folder, model) = with_model();
    let read = |name: &str| -> String {
        let found = lines(&predict(&model, &case(name), &["--json"]));
        found.iter().map(class).collect()
    };
    let plain = read("plain-baseline");
    let right = plain
        .chars()
        .zip("0123456789".chars())
        .filter(|(a, b)| a == b)
        .count();
    assert_eq!(right, 10, "{plain}");
    for name in [
        "frame-1px",
        "dark-canvas-white-page",
        "one-grey-pixel",
        "exif-orientation",
    ] {
        assert_eq!(read(name), plain, "{name}");
    }
}

#[test]
fn two_digits_are_told_and_read_one_by_one() {
    let (_folder, model) = with_model();
    let file = [root().join("tests/pictures/cases/two-digits/42.png")];
    let output = predict(&model, &file, &["--json"]);
    let found = lines(&output);
    assert_eq!(found.len(), 1);
    let warnings = found[0]["warnings"].as_array().unwrap();
    let told = "there are 2 figures; the largest is read, --split reads each of them";
    assert!(
        warnings.iter().any(|warning| warning == told),
        "{warnings:?}"
    );
    assert!(
        stderr(&output).contains(&format!("42.png: {told}")),
        "{}",
        stderr(&output)
    );

    let output = predict(&model, &file, &["--json", "--split"]);
    let found = lines(&output);
    let classes: Vec<&str> = found.iter().map(class).collect();
    assert_eq!(classes, ["4", "2"]);
    assert_eq!(
        (&found[0]["figure"], &found[1]["figure"]),
        (&1.into(), &2.into())
    );
    assert!(found[0]["area"]["right"].as_u64() < found[1]["area"]["left"].as_u64());
    assert!(!stderr(&output).contains("figures"), "{}", stderr(&output));
}

#[test]
fn show_tells_what_was_cut_out_and_left_out() {
    let (folder, model) = with_model();
    let image = embedded::load()
        .test
        .images()
        .index_axis_move(Axis(0), 0)
        .to_owned();
    let mut canvas = Canvas::new((200, 260), grey(250.0));
    canvas.draw(&enlarged(image.view(), 140), (20, 40), grey(10.0));
    canvas.fill(190..193, 250..253, grey(0.0));
    let file = folder.path().join("seven.png");
    fs::write(&file, canvas.png()).unwrap();
    let output = predict(&model, &[file], &["--show"]);
    let text = succeeds(&output);
    let told: Vec<&str> = text.lines().take(4).collect();
    assert!(told[0].contains("seven.png: 7 "), "{text}");
    assert!(
        told[1].starts_with("  cut out: rows ")
            && told[1].ends_with("of 200×260, darker than its background"),
        "{text}"
    );
    assert!(told[2].starts_with("  prepared as digit: "), "{text}");
    assert_eq!(told[3], "  left out: rows 190 to 192, columns 250 to 252");
    assert_eq!(text.lines().count(), 4 + 28);
}

/// By content, whatever its name; a photograph stored lying down is turned.
#[test]
fn a_jpeg_is_read_and_turned() {
    let (folder, model) = with_model();
    let digits = embedded::load().test;
    let mut files = Vec::new();
    for index in 0..20 {
        let image = digits.images().index_axis_move(Axis(0), index).to_owned();
        let mut canvas = Canvas::new((300, 240), grey(230.0));
        canvas.draw(&enlarged(image.view(), 200), (50, 20), grey(30.0));
        // Stored with its right side up: row r of what is seen is column 299 − r of what is stored.
        let seen = canvas.pixels.clone();
        canvas.pixels = Array2::from_shape_fn((240, 300), |(y, x)| seen[[x, 239 - y]]);
        let file = folder.path().join(format!("{index}.png"));
        fs::write(&file, with_orientation(&canvas.jpeg(80), 6)).unwrap();
        files.push(file);
    }
    let found = lines(&predict(&model, &files, &["--json"]));
    let labels = digits.labels().iter().take(20);
    let right = found
        .iter()
        .zip(labels)
        .filter(|(line, label)| class(line) == label.to_string());
    assert!(right.count() >= 18);
    assert!(
        found
            .iter()
            .all(|line| line["area"]["bottom"].as_u64() <= Some(300))
    );
}

/// A JPEG file with Exif metadata that say how it is to be turned.
fn with_orientation(file: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif =
        b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec();
    exif[25] = orientation;
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&file[..2], &[0xff, 0xe1], &length, &exif, &file[2..]].concat()
}

#[test]
fn other_formats_are_named() {
    let (folder, model) = with_model();
    for (name, start, format) in [
        ("four.png", &b"RIFF\x24\0\0\0WEBPVP8 "[..], "a WebP"),
        ("four.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC"),
        ("four.gif", b"GIF89a\x01\0\x01\0\0\0\0", "a GIF"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, start).unwrap();
        let output = predict(&model, &[file], &[]);
        assert_eq!(output.status.code(), Some(1));
        let text = stderr(&output);
        let told = format!("{name}: {format} file is not supported: save it as PNG or JPEG");
        assert!(text.contains(&told), "{text}");
    }
}

#[test]
fn doubt_is_told_on_stderr_and_in_json() {
    let (folder, model) = with_model();
    let mut block = Canvas::new((100, 100), grey(240.0));
    block.fill(30..70, 30..70, grey(10.0));
    let file = folder.path().join("block.png");
    fs::write(&file, block.png()).unwrap();
    let output = predict(&model, &[file], &["--json"]);
    let found = lines(&output);
    let warnings = found[0]["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|one| {
        one.as_str()
            .unwrap()
            .starts_with("the ink fills 100 % of its box")
    }));
    for warning in warnings {
        let told = format!(
            "warning: {}: {}",
            found[0]["image"].as_str().unwrap(),
            warning.as_str().unwrap()
        );
        assert!(stderr(&output).lines().any(|line| line == told), "{told}");
    }
    assert!(stdout(&output).lines().count() == 1);
}

fn write_grey(path: &Path, image: &Array2<u8>) {
    let (height, width) = image.dim();
    let mut encoder =
        png::Encoder::new(fs::File::create(path).unwrap(), width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer
        .write_image_data(&image.iter().copied().collect::<Vec<u8>>())
        .unwrap();
}

/// A picture of another data set's very pixels is what the network gets, whatever its size, place and brightness.
#[test]
fn pictures_of_fashion_mnist_are_taken_as_they_are() {
    let (folder, _) = with_model();
    let mut model = Model::from_bytes(STACKED).unwrap();
    model.dataset = "fashion-mnist".to_owned();
    model.preparation = Preparation::Garment;
    let path = folder.path().join("fashion.safetensors");
    fs::write(&path, model.to_bytes().unwrap()).unwrap();
    // A small one at the bottom, a dark one, one from edge to edge.
    let boxes = [
        (20..26, 6..12, 230_u8),
        (2..26, 3..25, 100),
        (0..28, 8..20, 180),
    ];
    let images = boxes.map(|(rows, columns, level)| {
        Array2::from_shape_fn((28, 28), |(y, x)| {
            match rows.contains(&y) && columns.contains(&x) {
                true => level + ((y * 7 + x * 5) % 9) as u8,
                false => 0,
            }
        })
    });
    let files: Vec<PathBuf> = (0..3)
        .map(|at| folder.path().join(format!("{at}.png")))
        .collect();
    for (file, image) in files.iter().zip(&images) {
        write_grey(file, image);
    }
    let found = lines(&predict(path.to_str().unwrap(), &files, &["--json"]));
    let all = Array3::from_shape_fn((3, 28, 28), |(n, y, x)| images[n][[y, x]]);
    let expected = model.probabilities(all.view()).unwrap();
    for (line, expected) in found.iter().zip(expected.rows()) {
        let largest = expected.iter().copied().fold(0.0, f32::max);
        let told = line["predictions"][0]["probability"].as_f64().unwrap();
        assert!((told - f64::from(largest)).abs() < 1e-6, "{told} {largest}");
    }
    let text = succeeds(&predict(path.to_str().unwrap(), &files[..1], &["--show"]));
    assert!(text.contains("  taken as it is, 28×28"), "{text}");
}
