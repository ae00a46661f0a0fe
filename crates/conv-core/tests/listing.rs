//! The listing as a page of Rust prints what the book's page prints.

#[allow(dead_code, unreachable_pub)]
#[path = "../examples/chapter.rs"]
mod chapter;

#[test]
fn the_first_lines_are_the_page_s() {
    let mut lines = Vec::new();
    chapter::train(3, |line| lines.push(line.to_owned())).unwrap();
    assert_eq!(
        lines,
        [
            "I:0 Test-Acc:0.0288 Train-Acc:0.055",
            "I:1 Test-Acc:0.0273 Train-Acc:0.037",
            "I:2 Test-Acc:0.028 Train-Acc:0.037",
        ]
    );
}

#[test]
fn it_is_one_page() {
    let lines = include_str!("../examples/chapter.rs").lines().count();
    assert!(lines < 150, "{lines} lines");
}
