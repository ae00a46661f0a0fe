//! `cargo xtask bench layers`: single convolution layers, forward and backward.

use anyhow::Result;

use super::contest::{Entrant, threads};
use super::grid::{self, Column, Unit};
use super::line::Line;
use super::stacked::{self, Work};

pub(crate) use super::stacked::Args;

/// A layer's name, shape, and multiply-adds forward; those on padding count.
struct Layer {
    name: &'static str,
    shape: &'static str,
    multiply_adds: u64,
}

const LAYERS: [Layer; 5] = [
    layer("S1", "(128,28,28,1→16,3,0)", 128 * 26 * 26 * 3 * 3 * 16),
    layer("S2", "(64,12,12,8→16,5,0)", 64 * 8 * 8 * 5 * 5 * 8 * 16),
    layer("S3", "(64,28,28,16→32,3,1)", 64 * 28 * 28 * 3 * 3 * 16 * 32),
    layer("S4", "(32,14,14,64→64,3,1)", 32 * 14 * 14 * 3 * 3 * 64 * 64),
    layer("S5", "(16,7,7,128→256,3,1)", 16 * 7 * 7 * 3 * 3 * 128 * 256),
];

const fn layer(name: &'static str, shape: &'static str, multiply_adds: u64) -> Layer {
    Layer {
        name,
        shape,
        multiply_adds,
    }
}

/// What is timed: its name, its title, and how many times the multiply-adds of forward it takes.
const PASSES: [(&str, &str, u64); 2] =
    [("forward", "Forward", 1), ("both", "Forward + backward", 3)];

pub(super) fn run(args: &Args) -> Result<()> {
    let work = Work {
        name: "layers",
        threads: stacked::THREADS,
        window: 120,
        data: None,
        needs,
        tables,
    };
    stacked::run(args, &work)
}

/// `S1 forward` → what must be right.
fn needs(time: &str, _: &Line) -> Vec<String> {
    let all = ["output", "d_input", "d_kernels", "d_bias"];
    let (layer, pass) = time.split_once(' ').unwrap_or((time, ""));
    let checks = if pass == "forward" {
        &all[..1]
    } else {
        &all[..]
    };
    checks
        .iter()
        .map(|check| format!("{layer} {check}"))
        .collect()
}

fn tables(entrants: &[Entrant]) -> String {
    let shapes: Vec<String> = LAYERS
        .iter()
        .map(|layer| format!("{} {}", layer.name, layer.shape))
        .collect();
    let mut out = format!("(N,H,W,Cin→Cout,K,pad): {}.\n", shapes.join("; "));
    for n in [1, 2] {
        for (pass, title, times) in PASSES {
            let columns: Vec<Column> = LAYERS
                .iter()
                .map(|layer| Column {
                    title: layer.name.to_owned(),
                    time: format!("{} {pass}", layer.name),
                    threads: n,
                    unit: Unit::Milliseconds,
                })
                .collect();
            let ours = entrants.iter().filter(|it| it.ours && it.threads == n);
            let shares = ours.filter_map(|entrant| shares(entrant, pass, times));
            out += &format!("\n{title}, {}, milliseconds:\n\n", threads(n));
            out += &grid::markdown(entrants, &columns, shares);
        }
    }
    out
}

/// The row of what part of the measured peak a program reached.
fn shares(entrant: &Entrant, pass: &str, times: u64) -> Option<Vec<String>> {
    let peak = entrant.peak()?.median;
    let share = |layer: &Layer| {
        let time = entrant.time(&format!("{} {pass}", layer.name))?;
        let operations = 2 * times * layer.multiply_adds;
        let gflops = operations as f64 / time.median / 1e6;
        Some(format!("{:.0} %", 100.0 * gflops / peak))
    };
    let mut row = vec![
        format!("{}: of the peak", entrant.name),
        format!("{peak:.0} GFLOP/s"),
    ];
    row.extend(
        LAYERS
            .iter()
            .map(|layer| share(layer).unwrap_or_else(|| "–".to_owned())),
    );
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_needs_its_output_and_both_need_the_gradients_as_well() {
        assert_eq!(needs("S3 forward", &Line::default()), ["S3 output"]);
        assert_eq!(
            needs("S1 both", &Line::default()),
            ["S1 output", "S1 d_input", "S1 d_kernels", "S1 d_bias"]
        );
    }

    #[test]
    fn the_share_of_the_peak_counts_a_multiply_add_as_two() {
        let mut entrant = Entrant {
            name: "this project".to_owned(),
            threads: 1,
            ours: true,
            peak_gflops: vec![100.0],
            ..Entrant::default()
        };
        assert_eq!(LAYERS[3].multiply_adds, 231_211_008);
        // 462,422,016 operations in 10 ms are 46.2 · 10⁹ a second.
        entrant.times.insert("S4 forward".to_owned(), vec![10.0]);
        entrant.times.insert("S4 both".to_owned(), vec![30.0]);
        for (pass, _, times) in PASSES {
            let row = shares(&entrant, pass, times).expect("a peak");
            assert_eq!(
                row,
                [
                    "this project: of the peak",
                    "100 GFLOP/s",
                    "–",
                    "–",
                    "–",
                    "46 %",
                    "–"
                ]
            );
        }
        entrant.peak_gflops.clear();
        assert_eq!(shares(&entrant, "forward", 1), None);
    }

    #[test]
    fn there_is_a_table_for_each_pass_and_number_of_threads() {
        let entrant = |n| Entrant {
            name: "this project".to_owned(),
            threads: n,
            ours: true,
            times: [("S5 both".to_owned(), vec![7.5 * n as f64])].into(),
            ..Entrant::default()
        };
        let text = tables(&[entrant(1), entrant(2)]);
        let heads = text.lines().filter(|line| line.ends_with("milliseconds:"));
        assert_eq!(
            heads.collect::<Vec<_>>(),
            [
                "Forward, 1 thread, milliseconds:",
                "Forward + backward, 1 thread, milliseconds:",
                "Forward, 2 threads, milliseconds:",
                "Forward + backward, 2 threads, milliseconds:",
            ]
        );
        assert_eq!(text.matches(" 15.0 |").count(), 1, "{text}");
    }
}
