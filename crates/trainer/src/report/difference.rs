//! Two texts line by line: what stands in one and not in the other.

use maud::{Markup, html};

/// Lines of a text, at most; a recipe has some fifty. The comparison takes the product of both.
const LINES: usize = 2_000;

/// A line of the one, of the other, or of both.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Line<'a> {
    Both(&'a str),
    First(&'a str),
    Second(&'a str),
}

/// The lines in which two TOML files differ, each under its table's name.
pub(crate) fn differing(first: &str, second: &str) -> Markup {
    if first.lines().count().max(second.lines().count()) > LINES {
        return html! { p { "The recipes have too many lines to compare." } };
    }
    let lines = compare(first, second);
    let mut table = None;
    let mut shown = Vec::new();
    for line in lines {
        match line {
            Line::Both(text) if text.starts_with('[') => table = Some(line),
            Line::Both(_) => {}
            Line::First(_) | Line::Second(_) => {
                shown.extend(table.take());
                shown.push(line);
            }
        }
    }
    html! {
        @if shown.is_empty() {
            p { "The recipes are the same." }
        } @else {
            pre.scroll.lines tabindex="0" role="region" aria-label="Differing lines of the recipes" {
                @for line in &shown {
                    @match line {
                        Line::Both(text) => span.both { "  " (text) "\n" },
                        Line::First(text) => span.a { "A " (text) "\n" },
                        Line::Second(text) => span.b { "B " (text) "\n" },
                    }
                }
            }
        }
    }
}

/// The longest common subsequence of the lines, and between them what only one has. Lines without content do
/// not count.
fn compare<'a>(first: &'a str, second: &'a str) -> Vec<Line<'a>> {
    let lines = |text: &'a str| -> Vec<&'a str> {
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .collect()
    };
    let (first, second) = (lines(first), lines(second));
    // longest[i][j]: of what follows i and j.
    let mut longest = vec![vec![0_u32; second.len() + 1]; first.len() + 1];
    for (i, a) in first.iter().enumerate().rev() {
        for (j, b) in second.iter().enumerate().rev() {
            longest[i][j] = match a == b {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut all = Vec::new();
    while i < first.len() || j < second.len() {
        match (first.get(i), second.get(j)) {
            (Some(a), Some(b)) if a == b => {
                all.push(Line::Both(a));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || longest[i + 1][j] >= longest[i][j + 1] => {
                all.push(Line::First(a));
                i += 1;
            }
            (_, Some(b)) => {
                all.push(Line::Second(b));
                j += 1;
            }
            _ => break,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::Line::{Both, First, Second};
    use super::{compare, differing};

    #[test]
    fn what_only_one_has_stands_between_what_both_have() {
        let lines = compare(
            "seed = 1\n\n[a]\nx = 1\ny = 2\n",
            "seed = 1\n[a]\nx = 3\ny = 2\nz = 4\n",
        );
        let expected = [
            Both("seed = 1"),
            Both("[a]"),
            First("x = 1"),
            Second("x = 3"),
            Both("y = 2"),
            Second("z = 4"),
        ];
        assert_eq!(lines, expected);
        assert_eq!(compare("", "a"), [Second("a")]);
        assert_eq!(compare("a", ""), [First("a")]);
    }

    #[test]
    fn only_what_differs_is_shown_under_its_table() {
        let page = differing(
            "[data]\nimages = 5\n[rate]\nx = 1\n",
            "[data]\nimages = 5\n[rate]\nx = 2\n",
        )
        .into_string();
        assert!(
            page.contains("[rate]") && !page.contains("images"),
            "{page}"
        );
        assert!(
            differing("x = 1\n", "x = 1\n\n")
                .into_string()
                .contains("the same")
        );
        let long = "x\n".repeat(3_000);
        assert!(differing(&long, "y").into_string().contains("too many"));
    }
}
