//! Medians, and the table of them.

use serde::Serialize;

use super::figures::Figure;

/// One line of the table: a program and all that was measured of it, or why nothing was.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) figures: Vec<Figure>,
    /// Why there are no figures.
    pub(super) unavailable: Option<String>,
    pub(super) ms_per_iteration: Option<Spread>,
    pub(super) times_ours: Option<f64>,
}

/// The middle of some times and their ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Row {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: String::new(),
            figures: Vec::new(),
            unavailable: None,
            ms_per_iteration: None,
            times_ours: None,
        }
    }

    fn peak_bytes(&self) -> Option<u64> {
        self.figures
            .iter()
            .filter_map(|figure| figure.peak_bytes)
            .max()
    }
}

/// Works out every row's spread and, against the first row's median, its ratio.
pub(super) fn compare(rows: &mut [Row]) {
    for row in rows.iter_mut() {
        let times: Vec<f64> = row
            .figures
            .iter()
            .map(|figure| figure.ms_per_iteration)
            .collect();
        row.ms_per_iteration = spread(&times);
    }
    let ours = rows.first().and_then(|row| row.ms_per_iteration);
    for row in rows.iter_mut() {
        row.times_ours = ours
            .zip(row.ms_per_iteration)
            .map(|(ours, it)| it.median / ours.median);
    }
}

/// The spread of finite times; of none there is none.
pub(super) fn spread(times: &[f64]) -> Option<Spread> {
    let mut sorted = times.to_vec();
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

/// The rows as a Markdown table, its columns aligned; a row without figures says why.
pub(super) fn markdown(rows: &[Row]) -> String {
    let head = [
        "program",
        "version",
        "ms an iteration (median)",
        "min",
        "max",
        "times ours",
        "iterations × rounds",
        "peak MB",
        "test accuracy",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(rows.iter().map(cells));
    let mut out = aligned(&lines, 2);
    let mut reasons: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.unavailable.as_deref())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let names: Vec<&str> = rows
            .iter()
            .filter(|row| row.unavailable.as_deref() == Some(reason))
            .map(|row| row.name.as_str())
            .collect();
        out.push_str(&format!("\nNot measured: {}: {reason}\n", names.join("; ")));
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

fn cells(row: &Row) -> Vec<String> {
    let dash = || "–".to_owned();
    let last = row.figures.last();
    let name = match last.map(|figure| figure.detail.as_str()) {
        None | Some("") => row.name.clone(),
        Some(detail) => format!("{}, {detail}", row.name),
    };
    let Some(Spread { median, min, max }) = row.ms_per_iteration else {
        let mut cells = vec![name, row.version.clone(), "not measured".to_owned()];
        cells.resize_with(9, dash);
        return cells;
    };
    vec![
        name,
        row.version.clone(),
        time(median),
        time(min),
        time(max),
        row.times_ours
            .map_or_else(dash, |ratio| format!("{ratio:.2}")),
        last.map_or_else(dash, |figure| {
            format!("{} × {}", figure.iterations, row.figures.len())
        }),
        row.peak_bytes()
            .map_or_else(dash, |bytes| format!("{:.0}", bytes as f64 / 1e6)),
        last.map_or_else(dash, |figure| figure.test_accuracy.to_string()),
    ]
}

/// A time in three significant figures or more.
fn time(ms: f64) -> String {
    let decimals = if ms < 100.0 { 2 } else { 0 };
    format!("{ms:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, times: &[f64]) -> Row {
        let mut row = Row::new(name);
        row.version = "1.0".to_owned();
        row.figures = times
            .iter()
            .map(|&ms_per_iteration| Figure {
                iterations: 15,
                ms_per_iteration,
                test_accuracy: 0.5,
                peak_bytes: Some(104_000_000),
                detail: String::new(),
            })
            .collect();
        row
    }

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
    fn ratios_are_to_the_first_rows_median() {
        let mut rows = [
            row("ours", &[10.0, 30.0, 20.0]),
            row("peer", &[100.0]),
            row("absent", &[]),
        ];
        compare(&mut rows);
        assert_eq!(
            rows.each_ref().map(|row| row.times_ours),
            [Some(1.0), Some(5.0), None]
        );
    }

    #[test]
    fn table_is_aligned_and_names_who_is_absent() {
        let mut rows = [
            row("ours", &[20.0]),
            row("peer", &[250.4]),
            row("absent", &[]),
        ];
        rows[1].figures[0].detail = "chunks of 50".to_owned();
        rows[2].unavailable = Some("No module named 'jax'".to_owned());
        compare(&mut rows);
        let text = markdown(&rows);
        let table: Vec<&str> = text
            .lines()
            .take_while(|line| line.starts_with('|'))
            .collect();
        assert_eq!(table.len(), 5);
        let width = table[0].chars().count();
        assert!(
            table.iter().all(|line| line.chars().count() == width),
            "{text}"
        );
        let words: Vec<&str> = table[3].split('|').map(str::trim).collect();
        assert_eq!(
            words[1..=9],
            [
                "peer, chunks of 50",
                "1.0",
                "250",
                "250",
                "250",
                "12.52",
                "15 × 1",
                "104",
                "0.5"
            ]
        );
        assert!(table[4].contains("not measured"), "{text}");
        assert!(
            text.ends_with("\nNot measured: absent: No module named 'jax'\n"),
            "{text}"
        );
    }
}
