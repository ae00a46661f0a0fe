//! Wrong command lines, closed pipes, and Ctrl-C.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use tests::{root, run, stderr, stdout, succeeds, trainer};

/// Asserts a usage error: exit code 2, nothing on stdout, and all of `words` on stderr.
fn refused(args: &[&str], words: &[&str]) {
    let output = run(args);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    assert_eq!(stdout(&output), "", "{args:?}");
    for word in words {
        assert!(text.contains(word), "{args:?}: no {word:?} in {text:?}");
    }
}

#[test]
fn a_value_out_of_range_is_named_with_its_option_and_the_range() {
    for (args, words) in [
        (
            ["book", "--iterations", "0"],
            ["--iterations", "'0'", "a whole number above 0"],
        ),
        (
            ["book", "--batch-size", "0"],
            ["--batch-size", "'0'", "a whole number above 0"],
        ),
        (
            ["book", "--train-images", "0"],
            ["--train-images", "'0'", "a whole number above 0"],
        ),
        (
            ["book", "--kernel-size", "0"],
            ["--kernel-size", "'0'", "a whole number above 0"],
        ),
        (
            ["dense", "--print-every", "0"],
            ["--print-every", "'0'", "a whole number above 0"],
        ),
        (
            ["book", "--kernels", "0"],
            ["--kernels", "'0'", "from 1 to 1024"],
        ),
        (
            ["book", "--kernels", "-3"],
            ["--kernels", "'-3'", "from 1 to 1024"],
        ),
        (
            ["book", "--kernels", "1.5"],
            ["--kernels", "'1.5'", "from 1 to 1024"],
        ),
        (
            ["book", "--threads", "0"],
            ["--threads", "'0'", "from 1 to 256"],
        ),
        (
            ["book", "--seed", "-1"],
            ["--seed", "'-1'", "from 0 to 4294967295"],
        ),
        (
            ["book", "--seed", "4294967296"],
            ["--seed", "'4294967296'", "from 0 to 4294967295"],
        ),
        (
            ["book", "--alpha", "nan"],
            ["--alpha", "'nan'", "above 0, up to 1000000"],
        ),
        (
            ["book", "--alpha", "-1"],
            ["--alpha", "'-1'", "above 0, up to 1000000"],
        ),
        (
            ["book", "--alpha", "1e308"],
            ["--alpha", "'1e308'", "above 0, up to 1000000"],
        ),
        (
            ["book", "--alpha", "two"],
            ["--alpha", "'two'", "above 0, up to 1000000"],
        ),
        (
            ["book", "--batch-size", "1001"],
            ["--batch-size", "'1001'", "1 to 1000"],
        ),
        (
            ["book", "--kernel-size", "28"],
            ["--kernel-size", "'28'", "1 to 27"],
        ),
        (
            ["errata", "--train-images", "100"],
            ["--train-images", "'100'", "128"],
        ),
        (
            ["compare", "--train-images", "100"],
            ["--train-images", "'100'", "128"],
        ),
        (
            ["book", "--combine", "median"],
            ["--combine", "'median'", "none, sum, mean, max"],
        ),
    ] {
        refused(&args, &words);
    }
    let all = ["book", "--kernel-size", "29", "--fix", "last-position"];
    refused(&all, &["--kernel-size", "'29'", "1 to 28"]);
}

#[test]
fn more_images_than_are_embedded_tell_how_to_get_them() {
    refused(
        &["book", "--train-images", "60000"],
        &[
            "--train-images",
            "'60000'",
            "1 to 1000",
            "cargo xtask fetch-mnist",
            "--data",
        ],
    );
}

/// Help that no terminal breaks, and whose every change is seen in `help/`.
#[test]
fn help_is_as_in_its_files_and_fits_79_columns() {
    let commands = [
        "book",
        "dense",
        "errata",
        "compare",
        "train",
        "sweep",
        "recipes",
        "evaluate",
        "report",
        "predict",
        "export",
        "completions",
    ];
    for command in [None].into_iter().chain(commands.map(Some)) {
        let name = command.unwrap_or("trainer");
        let mut run = trainer();
        run.args(command).arg("-h").env("COLUMNS", "200");
        let help = succeeds(&run.output().unwrap());
        for line in help.lines() {
            assert!(line.chars().count() <= 79, "{name}: {line}");
        }
        let path = root().join(format!("tests/help/{name}.txt"));
        if std::env::var_os("UPDATE_HELP").is_some() {
            std::fs::write(&path, &help).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            help, kept,
            "{name}: if this is as it should be, set UPDATE_HELP=1 and run the test again"
        );
    }
    let root = std::fs::read_to_string(root().join("tests/help/trainer.txt")).unwrap();
    assert!(!root.contains("--kernels"), "{root}");
    assert_eq!(root.matches("\n  trainer ").count(), 3, "{root}");
}

#[test]
fn an_unknown_fix_is_refused_with_the_names_that_exist() {
    refused(
        &["book", "--fix", "everything"],
        &[
            "--fix",
            "'everything'",
            "kernel-sign",
            "last-position",
            "delta-scale",
            "tanh-derivative",
            "dropout-gradient",
            "train-denominator",
            "last-batch",
            "softmax-overflow",
            "all",
        ],
    );
}

#[test]
fn an_instruction_set_that_is_not_there_is_refused() {
    let output = trainer()
        .env("CONV_CORE_SIMD", "mmx")
        .arg("book")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("CONV_CORE_SIMD") && stderr(&output).contains("scalar"));
}

#[test]
fn stdout_has_the_lines_alone_and_stderr_a_summary() {
    let output = run(&["--iterations", "2", "--seed", "1"]);
    assert_eq!(
        succeeds(&output),
        "I:0 Test-Acc:0.0288 Train-Acc:0.055\nI:1 Test-Acc:0.0273 Train-Acc:0.037\n"
    );
    let text = stderr(&output);
    assert!(
        text.starts_with("2 iterations in ") && text.contains(" ms an iteration)"),
        "{text:?}"
    );
    assert!(
        text.lines().count() == 2 && !text.contains('\u{1b}'),
        "{text:?}"
    );
}

#[test]
fn book_json_is_a_line_an_iteration_and_the_result() {
    let output = run(&["--iterations", "2", "--seed", "1", "--json"]);
    let lines: Vec<serde_json::Value> = succeeds(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [first, second, result] = &lines[..] else {
        panic!("{lines:?}")
    };
    for (line, [iteration, test, train]) in [
        (first, [0.0, 0.0288, 0.055]),
        (second, [1.0, 0.0273, 0.037]),
    ] {
        assert_eq!(line["iteration"].as_f64(), Some(iteration));
        assert_eq!(line["test_accuracy"].as_f64(), Some(test));
        assert_eq!(line["train_accuracy"].as_f64(), Some(train));
    }
    assert_eq!(result["iterations"], 2);
    let number = |key: &str| result[key].as_f64().unwrap();
    let each = 1e3 * number("seconds") / 2.0;
    assert!((number("ms_per_iteration") - each).abs() < 1e-6 && each > 0.0);
    let digest = result["digest"].as_str().unwrap();
    assert_eq!(digest.len(), 64);
    assert!(stderr(&output).contains(digest), "{}", stderr(&output));
}

#[test]
fn a_reader_that_leaves_early_ends_the_run_quietly() {
    let mut child = trainer()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    drop(lines);
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(line, "I:0 Test-Acc:0.0288 Train-Acc:0.055\n");
    assert!(child.wait().unwrap().success());
    assert_eq!(text, "");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_the_summary_so_far_and_130() {
    let mut child = trainer()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    tests::interrupt(&child);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let printed = 1 + rest.lines().count();
    assert!(printed < 300, "it ran to its end");
    let text = stderr(&output);
    assert!(
        text.starts_with(&format!("{printed} iterations in ")),
        "{printed}: {text:?}"
    );
    assert!(text.contains("SHA-256 of the parameters: "), "{text:?}");
}

/// As a terminal does it: both ends of the pipe get the signal.
#[cfg(unix)]
#[test]
fn ctrl_c_in_a_pipeline_is_ctrl_c_all_the_same() {
    let mut child = trainer()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    tests::interrupt(&child);
    drop(lines);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(
        stderr(&output).contains(" iterations in "),
        "{}",
        stderr(&output)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_stderr_that_cannot_be_written_is_no_panic() {
    let full = || {
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let output = trainer()
        .args(["--iterations", "1"])
        .stderr(full())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let output = trainer()
        .args(["--data", "nowhere"])
        .stderr(full())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = trainer()
        .args(["--iterations", "1"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("error: stdout: "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn errata_has_a_row_for_the_listing_each_fix_and_all() {
    let table = succeeds(&run(&["errata", "--iterations", "2"]));
    let rows: Vec<&str> = table
        .lines()
        .skip(1)
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    assert_eq!(
        rows,
        [
            "(the listing)",
            "kernel-sign",
            "last-position",
            "delta-scale",
            "tanh-derivative",
            "dropout-gradient",
            "train-denominator",
            "last-batch",
            "softmax-overflow",
            "all"
        ]
    );
    // The book's I:1, and the same with the kernels descending.
    let cells = |row: usize| {
        table
            .lines()
            .nth(row)
            .unwrap()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(cells(1)[2..6], ["0.0273", "+0.00", "0.0370", "+0.00"]);
    assert_ne!(cells(2)[1], "0.0273");
}

#[test]
fn compare_counts_the_parameters_of_each_network() {
    let table = succeeds(&run(&["compare", "--iterations", "1"]));
    let row = |name: &str| {
        let line = table
            .lines()
            .find(|line| line.starts_with(&format!("{name}  ")))
            .unwrap();
        line[name.len()..]
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(row("dense")[..3], ["79400", "78400", "0.1013"]);
    assert_eq!(row("convolution")[..3], ["100144", "144", "0.1277"]);
    for pooling in ["sum", "mean", "max"] {
        let cells = row(&format!("convolution, {pooling}"));
        assert_eq!(cells[..3], ["6394", "144", "0.0082"]);
        let number = |i: usize| cells[i].parse::<f64>().unwrap();
        assert!(
            (number(3) - number(4) - number(5)).abs() < 2e-4,
            "{cells:?}"
        );
    }
}
