//! Recipes from outside: built-in ones, and those that are wrong.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tests::{run, stderr, succeeds, trainer};

const SHIPPED: [&str; 8] = [
    "stacked",
    "book",
    "dense",
    "small-data",
    "lenet",
    "quick",
    "tiny",
    "best",
];

#[test]
fn the_recipes_are_listed_and_shown() {
    let list = succeeds(&run(&["recipes"]));
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, SHIPPED);
    let text = succeeds(&run(&["recipes", "show", "stacked"]));
    assert!(
        text.contains("[network]") && text.contains("kernels"),
        "{text}"
    );
    let unknown = run(&["recipes", "show", "stackd"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("stacked"), "{}", stderr(&unknown));
}

#[test]
fn each_shipped_recipe_makes_a_step() {
    for name in SHIPPED {
        // What `best` wants to have is not there.
        let images = "data.train_images=200";
        let text = succeeds(&run(&["train", name, "--dry-run", "--set", images]));
        for words in [
            "(dense)",
            "total",
            "memory in MiB",
            "one step: loss ",
            "nothing was written",
        ] {
            assert!(text.contains(words), "{name}: no {words:?} in {text}");
        }
    }
}

struct Recipes {
    folder: tempfile::TempDir,
}

impl Recipes {
    fn new() -> Self {
        // What is timed below is the program, not its making.
        drop(trainer());
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn write(&self, text: &[u8]) -> PathBuf {
        let path = self.folder.path().join("wrong.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    /// What stderr says of this text, which must be refused with exit code 1, and soon.
    fn refused(&self, text: &[u8], further: &[&str]) -> String {
        let path = self.write(text);
        let start = Instant::now();
        let arguments = [&["train", path.to_str().unwrap(), "--dry-run"], further].concat();
        let output = run(&arguments);
        let said = stderr(&output);
        let shown = String::from_utf8_lossy(text);
        assert_eq!(output.status.code(), Some(1), "{shown}\n{said}");
        assert!(start.elapsed() < Duration::from_secs(20), "{shown}");
        assert!(
            said.starts_with("error: ") && !said.contains("panicked"),
            "{shown}\n{said}"
        );
        said
    }
}

const GOOD: &str = r#"epochs = 2
batch = 10

[data]
train_images = 50

[network]
layers = [
    { type = "conv", kernels = 4, window = 3 },
    { type = "relu" },
    { type = "flatten" },
    { type = "dense", outputs = 10 },
]

[optimizer]
type = "sgd"
rate = 0.1
"#;

#[test]
fn what_is_wrong_is_told_with_its_line_its_column_and_what_may_stand_there() {
    let recipes = Recipes::new();
    for (right, wrong, words) in [
        (
            "epochs",
            "epoch",
            "toml:1:1: unknown key \"epoch\"; did you mean \"epochs\"?",
        ),
        (
            "epochs = 2",
            "epochs = 0",
            "toml:1:1: epochs is 0, expected a whole number from 1",
        ),
        (
            "epochs = 2",
            "epochs = -3",
            "epochs is -3, expected a whole number",
        ),
        (
            "epochs = 2",
            "epochs = \"two\"",
            "epochs is the text \"two\", expected a whole number",
        ),
        (
            "batch = 10",
            "batch = 51",
            "a batch has 51 images, expected at most the 50 training images",
        ),
        (
            "batch = 10",
            "batch = 1e9",
            "toml:2:1: batch is 1000000000, expected a whole number",
        ),
        (
            "rate = 0.1",
            "rate = -0.1",
            "toml:17:1: optimizer.rate is -0.1, expected a number above 0",
        ),
        (
            "rate = 0.1",
            "rate = nan",
            "optimizer.rate is NaN, expected a number above 0",
        ),
        (
            "rate = 0.1",
            "rate = inf",
            "optimizer.rate is inf, expected a number above 0",
        ),
        (
            "rate = 0.1",
            "",
            "optimizer has no rate, expected the learning rate, above 0",
        ),
        (
            "rate = 0.1",
            "rat = 0.1",
            "toml:17:1: unknown key \"rat\"; did you mean \"rate\"?",
        ),
        (
            "rate = 0.1",
            "rate = 0.1\nmomentum = 0.9",
            "toml:18:1: unknown key \"momentum\"",
        ),
        (
            "\"sgd\"",
            "\"sdg\"",
            "toml:16:1: optimizer.type is \"sdg\"; did you mean \"sgd\"?",
        ),
        (
            "\"conv\"",
            "\"cnov\"",
            "toml:9:7: the layer \"cnov\" is not known; did you mean \"conv\"?",
        ),
        (
            "kernels",
            "kernel",
            "toml:9:22: unknown key \"kernel\"; did you mean \"kernels\"?",
        ),
        (
            "kernels = 4, ",
            "",
            "toml:9:5: network.layers[0]: missing field `kernels`",
        ),
        (
            "kernels = 4",
            "kernels = \"4\"",
            "network.layers[0]: invalid type: string \"4\"",
        ),
        (
            "kernels = 4",
            "kernels = 0",
            "toml:9:5: layer 0 (conv): kernels is 0",
        ),
        (
            "kernels = 4",
            "kernels = 99999999999",
            "toml:9:5: layer 0 (conv): ",
        ),
        (
            "window = 3",
            "window = 29",
            "toml:9:5: layer 0 (conv): window height is 29, expected 1 to 28",
        ),
        ("window = 3", "window = -3", "-3"),
        (
            "window = 3",
            "window = { size = 3, strid = 2 }",
            "unknown key \"strid\"; did you mean \"stride\"?",
        ),
        (
            "\"relu\"",
            "\"relu\", slop = 0.1",
            "toml:10:22: unknown key \"slop\"; did you mean \"slope\"?",
        ),
        (
            "\"relu\"",
            "\"tanh\", slope = 0.1",
            "toml:10:22: unknown key \"slope\"",
        ),
        (
            "\"relu\"",
            "\"dropout\", probability = 1.5",
            "toml:10:5: layer 1 (dropout): probability is 1.5",
        ),
        (
            "    { type = \"flatten\" },\n",
            "",
            "toml:11:5: layer 2 (dense): input has shape",
        ),
        (
            "outputs = 10",
            "outputs = 9",
            "toml:12:5: the network has 9 outputs, expected 10",
        ),
        (
            "train_images = 50",
            "train_images = 0",
            "toml:5:1: data.train_images is 0",
        ),
        (
            "train_images = 50",
            "dataset = \"mnst\"",
            "toml:5:1: data.dataset is \"mnst\"; did you mean \"mnist\"?",
        ),
        (
            "train_images = 50",
            "validation = 1000",
            "keeps 1000 images for validation",
        ),
        ("[data]", "[data", "toml:4:6: "),
        (
            "[network]",
            "[netwrk]",
            "unknown key \"netwrk\"; did you mean \"network\"?",
        ),
        (
            "[optimizer]",
            "[augmentation]\nprobability = 1.5\n[optimizer]",
            "augmentation.probability is 1.5, expected a number from 0 to 1",
        ),
        (
            "[optimizer]",
            "[augmentation]\nlast_probability = -0.5\n[optimizer]",
            "augmentation.last_probability is -0.5, expected a number from 0 to 1",
        ),
        (
            "[optimizer]",
            "[augmentation]\nscale = 1\n[optimizer]",
            "augmentation.scale is 1, expected",
        ),
        ("[optimizer]", "[stop]\n[optimizer]", "stop has no patience"),
        (
            "[optimizer]",
            "[schedule]\ntype = \"step\"\n[optimizer]",
            "schedule has no every",
        ),
    ] {
        let text = GOOD.replacen(right, wrong, 1);
        assert_ne!(text, GOOD);
        let said = recipes.refused(text.as_bytes(), &[]);
        assert!(said.contains(words), "{wrong}: no {words:?} in {said}");
    }
    let output = run(&[
        "train",
        recipes.write(GOOD.as_bytes()).to_str().unwrap(),
        "--dry-run",
    ]);
    assert!(succeeds(&output).contains("one step"));
}

#[test]
fn a_layer_of_a_block_is_found_where_it_stands() {
    let block = "{ type = \"residual\", body = [\n  { type = \"relu\" },\n  { type = \"conv\", kernels = 3, windw = 3 },\n] }";
    let text = GOOD.replace("{ type = \"relu\" }", block);
    let said = Recipes::new().refused(text.as_bytes(), &[]);
    assert!(
        said.contains("toml:12:33: unknown key \"windw\"; did you mean \"window\"?"),
        "{said}"
    );
    let text = text.replace("windw = 3", "window = 3");
    let said = Recipes::new().refused(text.as_bytes(), &[]);
    assert!(said.contains("toml:10:5: layer 1 (residual): "), "{said}");
}

#[test]
fn any_key_is_set_from_the_command_line() {
    let recipes = Recipes::new();
    let path = recipes.write(GOOD.as_bytes());
    let dry = |settings: &[&str]| {
        let mut arguments = vec!["train", path.to_str().unwrap(), "--dry-run"];
        arguments.extend(settings.iter().flat_map(|&setting| ["--set", setting]));
        run(&arguments)
    };
    let text = succeeds(&dry(&[
        "network.layers[0].kernels=7",
        "batch=25",
        "optimizer.type=momentum",
    ]));
    assert!(
        text.contains("26 × 26 × 7") && text.contains("2 steps of 25 images"),
        "{text}"
    );
    let text = succeeds(&dry(&[
        "augmentation.elastic={ alpha = 9, sigma = 3 }",
        "stop.patience=3",
    ]));
    assert!(text.contains("one step"), "{text}");
    for (setting, code, words) in [
        (
            "optimizer.rate=-1",
            1,
            "with the setting optimizer.rate=-1: optimizer.rate is -1",
        ),
        (
            "optimizer.rat=1",
            1,
            "unknown key \"rat\"; did you mean \"rate\"?",
        ),
        (
            "network.layers[9].kernels=1",
            2,
            "layers has 4 elements, so no [9]",
        ),
        ("batch", 2, "expected KEY=VALUE"),
        ("batch=", 2, "the setting batch=: "),
        ("=3", 2, "the key is empty"),
        ("epochs=1\nbatch=2", 2, "expected one value"),
        ("epochs.x=1", 2, "is not a table"),
    ] {
        let output = dry(&[setting]);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{setting}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(words),
            "{setting}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_recipe_that_is_not_there_or_no_text_is_refused() {
    let near = run(&["train", "stackd"]);
    assert_eq!(near.status.code(), Some(2));
    assert!(
        stderr(&near).contains("did you mean \"stacked\"?"),
        "{}",
        stderr(&near)
    );
    let missing = run(&["train", "nowhere/mine.toml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        stderr(&missing).contains("trainer recipes"),
        "{}",
        stderr(&missing)
    );
    let folder = run(&["train", "."]);
    assert_eq!(folder.status.code(), Some(1));
    assert!(
        stderr(&folder).contains("this is not a file"),
        "{}",
        stderr(&folder)
    );
    let recipes = Recipes::new();
    assert!(
        recipes
            .refused(b"epochs = \xff", &[])
            .contains("byte 9 is not UTF-8")
    );
    assert!(
        recipes
            .refused(&vec![b'#'; 2 << 20], &[])
            .contains("at most")
    );
    assert!(
        recipes
            .refused(b"", &[])
            .contains("the recipe has no epochs")
    );
    // As deep as nobody writes.
    let deep = format!("{GOOD}\nx = {}", "[".repeat(100_000));
    recipes.refused(deep.as_bytes(), &[]);
}

/// As PowerShell 5's `>` writes `trainer recipes show stacked > mine.toml`.
#[test]
fn a_recipe_in_utf_16_is_read() {
    let text = succeeds(&run(&["recipes", "show", "stacked"]));
    let words = text.replace('\n', "\r\n");
    let bytes = [0xff, 0xfe].into_iter();
    let bytes: Vec<u8> = bytes
        .chain(words.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let recipes = Recipes::new();
    let path = recipes.write(&bytes);
    let output = run(&["train", path.to_str().unwrap(), "--dry-run"]);
    assert!(succeeds(&output).contains("60 epochs of 20 steps of 50 images"));
    let wrong: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("epoch = 1".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert!(
        recipes
            .refused(&wrong, &[])
            .contains("toml:1:1: unknown key \"epoch\"")
    );
}

/// Bytes of a good recipe changed, cut and doubled: an error with a line, or a recipe that runs.
#[test]
fn fuzzed_recipes_are_refused_or_work() {
    let recipes = Recipes::new();
    let mut random = 7_u64;
    let mut below = |end: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as usize % end
    };
    let alphabet = b"=[]{}\"'.,#\n -+0129eainf_\\\xff\0";
    for round in 0..150 {
        let mut text = GOOD.as_bytes().to_vec();
        for _ in 0..=below(3) {
            let at = below(text.len());
            match below(4) {
                0 => text[at] = alphabet[below(alphabet.len())],
                1 => text.insert(at, alphabet[below(alphabet.len())]),
                2 => drop(text.remove(at)),
                _ => {
                    let end = (at + 1 + below(20)).min(text.len());
                    let piece = text[at..end].to_vec();
                    let to = below(text.len());
                    text.splice(to..to, piece);
                }
            }
        }
        let path = recipes.write(&text);
        let output = run(&["train", path.to_str().unwrap(), "--dry-run"]);
        let (said, shown) = (stderr(&output), String::from_utf8_lossy(&text).into_owned());
        match output.status.code() {
            Some(0) => {}
            Some(1) => assert!(
                said.starts_with("error: ") && !said.contains("panicked"),
                "round {round}: {shown}\n{said}"
            ),
            other => panic!("round {round}: {other:?}: {shown}\n{said}"),
        }
    }
}
