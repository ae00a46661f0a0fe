//! A table with a program a row and a piece of work a column.

use super::contest::{self, Entrant};
use super::table::{Spread, aligned, figures, grouped};

/// A piece of work on so many threads.
pub(super) struct Column {
    pub(super) title: String,
    pub(super) time: String,
    pub(super) threads: usize,
    pub(super) unit: Unit,
}

/// How a time is told.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    Milliseconds,
    Microseconds,
    /// Images a second, of calls with so many.
    Images(u32),
}

impl Unit {
    fn tell(self, ms: f64) -> String {
        match self {
            Self::Milliseconds => figures(ms),
            Self::Microseconds => figures(ms * 1e3),
            Self::Images(batch) => grouped(f64::from(batch) * 1e3 / ms),
        }
    }
}

/// The table, and below the programs the best peer of each column and what else there is to say.
pub(super) fn markdown(
    entrants: &[Entrant],
    columns: &[Column],
    more: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let titles = columns.iter().map(|column| column.title.clone());
    let mut head = vec!["program".to_owned(), "version".to_owned()];
    head.extend(titles);
    let mut lines = vec![head];
    for (index, entrant) in entrants.iter().enumerate() {
        if entrants[..index].iter().any(|it| it.name == entrant.name) {
            continue;
        }
        let mut line = vec![entrant.name.clone(), entrant.version.clone()];
        line.extend(columns.iter().map(|column| cell(entrants, entrant, column)));
        lines.push(line);
    }
    if entrants.iter().any(|entrant| !entrant.ours) {
        let mut line = vec!["**the best peer**".to_owned(), String::new()];
        line.extend(columns.iter().map(|column| best(entrants, column)));
        lines.push(line);
    }
    lines.extend(more);
    aligned(&lines, 2)
}

fn find<'a>(entrants: &'a [Entrant], name: &str, column: &Column) -> Option<&'a Entrant> {
    let mut all = entrants.iter();
    all.find(|it| it.name == name && it.threads == column.threads)
}

/// This project's time, with which the others are compared.
fn ours(entrants: &[Entrant], column: &Column) -> Option<Spread> {
    find(entrants, &entrants.first()?.name, column)?.time(&column.time)
}

fn cell(entrants: &[Entrant], row: &Entrant, column: &Column) -> String {
    let Some(entrant) = find(entrants, &row.name, column) else {
        return "–".to_owned();
    };
    if entrant.unavailable.is_some() {
        return "not measured".to_owned();
    }
    if entrant.disagrees.contains_key(&column.time) {
        return "disagrees".to_owned();
    }
    let Some(time) = entrant.time(&column.time) else {
        return "–".to_owned();
    };
    let mut text = column.unit.tell(time.median);
    if entrant.times[&column.time].len() > 1 {
        text += &format!(" ±{:.0} %", 50.0 * (time.max - time.min) / time.median);
    }
    if row.name != entrants[0].name
        && let Some(ours) = ours(entrants, column)
    {
        text += &format!(", {}×", figures(time.median / ours.median));
    }
    text
}

/// The fastest peer of a column, and how many times our time it takes.
fn best(entrants: &[Entrant], column: &Column) -> String {
    let peers = entrants
        .iter()
        .filter(|it| !it.ours && it.threads == column.threads);
    let times = peers.filter_map(|peer| Some((peer, peer.time(&column.time)?.median)));
    let best = times.min_by(|(_, a), (_, b)| a.total_cmp(b));
    match best.zip(ours(entrants, column)) {
        Some(((peer, median), ours)) => {
            format!("{}, **{}×**", peer.name, figures(median / ours.median))
        }
        None => "–".to_owned(),
    }
}

/// Below the tables: who is absent and who disagrees, and why, a line each.
pub(super) fn reasons(entrants: &[Entrant]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for entrant in entrants {
        if let Some(reason) = &entrant.unavailable {
            lines.push(format!("Not measured: {}: {reason}", entrant.name));
        }
        for (what, difference) in &entrant.disagrees {
            let who = &entrant.name;
            let threads = match entrant.threads {
                0 => String::new(),
                n => format!(", {}", contest::threads(n)),
            };
            lines.push(format!("Disagrees: {who}{threads}, {what}: {difference}"));
        }
    }
    let mut seen: Vec<String> = Vec::new();
    for line in lines {
        if !seen.contains(&line) {
            seen.push(line);
        }
    }
    seen.iter().map(|line| format!("\n{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entrant(name: &str, threads: usize, times: &[f64]) -> Entrant {
        let mut entrant = Entrant {
            name: name.to_owned(),
            version: "1.0".to_owned(),
            threads,
            ours: name.starts_with("ours"),
            ..Entrant::default()
        };
        if !times.is_empty() {
            entrant
                .times
                .insert("S1 forward".to_owned(), times.to_vec());
        }
        entrant
    }

    fn column(threads: usize, unit: Unit) -> Column {
        Column {
            title: "S1".to_owned(),
            time: "S1 forward".to_owned(),
            threads,
            unit,
        }
    }

    fn cells(table: &str, row: usize) -> Vec<String> {
        let line = table.lines().nth(row).expect("the row");
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    }

    #[test]
    fn a_cell_has_the_median_its_spread_and_times_ours() {
        let entrants = [
            entrant("ours", 2, &[0.4, 0.5, 0.6]),
            entrant("ours, slower", 2, &[1.0]),
            entrant("peer", 2, &[5.0, 4.75, 5.25]),
            entrant("quicker", 2, &[0.25]),
        ];
        let table = markdown(&entrants, &[column(2, Unit::Milliseconds)], []);
        assert_eq!(cells(&table, 0), ["program", "version", "S1"]);
        assert_eq!(cells(&table, 2), ["ours", "1.0", "0.500 ±20 %"]);
        assert_eq!(cells(&table, 3), ["ours, slower", "1.0", "1.00, 2.00×"]);
        assert_eq!(cells(&table, 4), ["peer", "1.0", "5.00 ±5 %, 10.0×"]);
        assert_eq!(cells(&table, 5), ["quicker", "1.0", "0.250, 0.500×"]);
        assert_eq!(
            cells(&table, 6),
            ["**the best peer**", "", "quicker, **0.500×**"]
        );
    }

    #[test]
    fn a_program_is_one_row_whatever_its_threads() {
        let entrants = [
            entrant("ours", 1, &[2.0]),
            entrant("ours", 2, &[1.0]),
            entrant("peer", 1, &[4.0]),
        ];
        let columns = [column(1, Unit::Images(64)), column(2, Unit::Images(64))];
        let more = [vec!["more".to_owned()]];
        let table = markdown(&entrants, &columns, more);
        assert_eq!(cells(&table, 2), ["ours", "1.0", "32,000", "64,000"]);
        assert_eq!(cells(&table, 3), ["peer", "1.0", "16,000, 2.00×", "–"]);
        assert_eq!(
            cells(&table, 4),
            ["**the best peer**", "", "peer, **2.00×**", "–"]
        );
        assert_eq!(cells(&table, 5), ["more", "", "", ""]);
        let widths: Vec<usize> = table.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    }

    #[test]
    fn who_is_absent_or_wrong_has_no_figure_but_a_reason() {
        let mut entrants = [
            entrant("ours", 2, &[1.0]),
            entrant("absent", 1, &[]),
            entrant("absent", 2, &[]),
            entrant("wrong", 2, &[0.1]),
            entrant("right", 2, &[3.0]),
        ];
        for absent in &mut entrants[1..3] {
            absent.unavailable = Some("no such crate".to_owned());
        }
        let difference = "its S1 output is 1, ours is 2".to_owned();
        entrants[3]
            .disagrees
            .insert("S1 forward".to_owned(), difference);
        let table = markdown(&entrants, &[column(2, Unit::Microseconds)], []);
        assert_eq!(cells(&table, 2)[2], "1000");
        assert_eq!(cells(&table, 3)[2], "not measured");
        assert_eq!(cells(&table, 4)[2], "disagrees");
        assert_eq!(cells(&table, 6)[2], "right, **3.00×**");
        assert_eq!(
            reasons(&entrants),
            "\nNot measured: absent: no such crate\n\
             \nDisagrees: wrong, 2 threads, S1 forward: its S1 output is 1, ours is 2\n"
        );
    }

    #[test]
    fn alone_there_is_no_best_peer() {
        let table = markdown(
            &[entrant("ours", 2, &[1.0])],
            &[column(2, Unit::Milliseconds)],
            [],
        );
        assert_eq!(table.lines().count(), 3);
        assert_eq!(reasons(&[entrant("ours", 2, &[1.0])]), "");
    }

    #[test]
    fn numbers_are_told_for_people() {
        assert_eq!(
            [0.0456, 1.456, 14.56, 145.6].map(figures),
            ["0.046", "1.46", "14.6", "146"]
        );
        assert_eq!(
            [7.0, 999.0, 1000.4, 1_234_567.0].map(grouped),
            ["7", "999", "1,000", "1,234,567"]
        );
    }
}
