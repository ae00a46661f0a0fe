//! Medians, numbers as people read them, and Markdown tables.

use serde::Serialize;

/// The middle of some values and their ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

/// The spread of finite values; of none there is none.
pub(super) fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    Some(Spread { median, min, max })
}

/// Three significant figures.
pub(super) fn figures(x: f64) -> String {
    let decimals = match x {
        ..1.0 => 3,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{x:.decimals$}")
}

/// A whole number, its thousands apart: `16,172`.
pub(super) fn grouped(x: f64) -> String {
    let digits = format!("{x:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Lines of cells as a Markdown table with its columns aligned, the first line its head; the first `words`
/// columns to the left, figures to the right.
pub(super) fn aligned(lines: &[Vec<String>], words: usize) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| {
        let cells = lines.iter().filter_map(|line| line.get(i));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (i, &width) in widths.iter().enumerate() {
            let cell = line.get(i).map_or("", String::as_str);
            let cell = if i < words {
                format!("| {cell:<width$} ")
            } else {
                format!("| {cell:>width$} ")
            };
            out.push_str(&cell);
        }
        out.push_str("|\n");
        if number == 0 {
            for (i, &width) in widths.iter().enumerate() {
                let end = if i < words { '-' } else { ':' };
                out.push_str(&format!("|{}{end}", "-".repeat(width + 1)));
            }
            out.push_str("|\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(spread(&[]), None);
        assert_eq!(
            spread(&[3.0, 1.0, 2.0]),
            Some(Spread {
                median: 2.0,
                min: 1.0,
                max: 3.0
            })
        );
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]).map(|it| it.median), Some(2.5));
    }

    #[test]
    fn numbers_are_short_and_readable() {
        assert_eq!(
            [0.1234, 1.234, 12.34, 1234.5].map(figures),
            ["0.123", "1.23", "12.3", "1234"]
        );
        assert_eq!(
            [7.0, 999.4, 16_172.3, 1_234_567.0].map(grouped),
            ["7", "999", "16,172", "1,234,567"]
        );
    }

    #[test]
    fn columns_are_aligned() {
        let lines = [vec!["name", "ms"], vec!["a long name", "1"], vec!["é"]]
            .map(|line| line.into_iter().map(str::to_owned).collect());
        assert_eq!(
            aligned(&lines, 1),
            "| name        | ms |\n\
             |-------------|---:|\n\
             | a long name |  1 |\n\
             | é           |    |\n"
        );
    }
}
