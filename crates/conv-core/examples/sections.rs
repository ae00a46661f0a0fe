//! The chapter's figure in the terminal: four kernels look at every section of an image of a 2, and what they
//! predict is pooled.
//!
//! ```sh
//! cargo run -p conv-core --example sections
//! ```

use conv_core::Error;
use conv_core::ops::kernel_pool::Pooling;
use conv_core::ops::{dense, kernel_pool, sections};
use conv_core::shape::Window;
use ndarray::{Array2, Array3, ArrayView2, Axis};

/// An 8 × 8 image of a 2.
const TWO: [&str; 8] = [
    "..###...", ".#...#..", ".....#..", "....#...", "...#....", "..#.....", ".######.", "........",
];

/// Four kernels of 3 × 3: a weight of 2 on the line, −1 beside it.
const KERNELS: [(&str, [&str; 3]); 4] = [
    ("horizontal line", ["...", "###", "..."]),
    ("diagonal up", ["..#", ".#.", "#.."]),
    ("vertical line", [".#.", ".#.", ".#."]),
    ("diagonal down", ["#..", ".#.", "..#"]),
];

const POOLINGS: [(&str, Pooling); 3] = [
    ("sum pooling", Pooling::Sum),
    ("mean pooling", Pooling::Mean),
    ("max pooling", Pooling::Max),
];

fn main() -> Result<(), Error> {
    let ink = |rows: &[&str], y: usize, x: usize| rows[y].as_bytes()[x] == b'#';
    let image = Array3::from_shape_fn((1, 8, 8), |(_, y, x)| f32::from(u8::from(ink(&TWO, y, x))));
    let weight = |on: bool| if on { 2.0 } else { -1.0 };
    // As in the listing: a row a tap, a column a kernel.
    let kernels = Array2::from_shape_fn((9, KERNELS.len()), |(tap, kernel)| {
        weight(ink(&KERNELS[kernel].1, tap / 3, tap % 3))
    });

    // One section a position, and each kernel is a small dense layer over it.
    let window = Window::new(3, 3);
    let (rows, cols) = window.output(8, 8)?.into();
    let mut sects = Array3::zeros((1, rows * cols, 9));
    sections::forward(&window, image.view(), sects.view_mut())?;
    let mut predictions = Array3::zeros((1, rows * cols, KERNELS.len()));
    dense::forward(
        sects.index_axis(Axis(0), 0),
        kernels.view(),
        None,
        predictions.index_axis_mut(Axis(0), 0),
    )?;

    println!("An 8 × 8 image of a 2:\n");
    for row in TWO {
        println!("  {}", draw(row));
    }
    println!("\nFour 3 × 3 kernels; a weight is 2 on the line (#) and −1 beside it:\n");
    beside(
        KERNELS
            .map(|(name, rows)| block(name, 20, rows.map(draw).to_vec()))
            .to_vec(),
    );
    println!(
        "\nWhat each predicts at each of the {rows} × {cols} positions; 6 is its line and nothing else:\n"
    );
    let matrix = |numbers: Vec<f32>| Array2::from_shape_vec((rows, cols), numbers);
    let mut blocks = Vec::new();
    for (kernel, (name, _)) in KERNELS.iter().enumerate() {
        let numbers = predictions
            .index_axis(Axis(2), kernel)
            .iter()
            .copied()
            .collect();
        if let Ok(matrix) = matrix(numbers) {
            blocks.push(block(name, 20, lines(matrix.view(), 3, 0)));
        }
    }
    beside(blocks);

    println!("\nThe four matrices pooled, elementwise across the kernels:\n");
    let mut blocks = Vec::new();
    for (name, pooling) in POOLINGS {
        let mut pooled = Array2::zeros((1, rows * cols));
        kernel_pool::forward(pooling, predictions.view(), pooled.view_mut())?;
        let (width, decimals) = if pooling == Pooling::Mean {
            (6, 2)
        } else {
            (3, 0)
        };
        if let Ok(matrix) = matrix(pooled.iter().copied().collect()) {
            blocks.push(block(
                name,
                width * cols + 4,
                lines(matrix.view(), width, decimals),
            ));
        }
    }
    beside(blocks);
    Ok(())
}

/// A row of pixels, two characters each, so that they are about square.
fn draw(row: &str) -> String {
    row.chars()
        .map(|pixel| if pixel == '#' { "██" } else { "··" })
        .collect()
}

/// A matrix as lines of text.
fn lines(matrix: ArrayView2<'_, f32>, width: usize, decimals: usize) -> Vec<String> {
    let row = |row: ndarray::ArrayView1<'_, f32>| {
        row.iter()
            .map(|x| format!("{x:width$.decimals$}"))
            .collect::<String>()
    };
    matrix.rows().into_iter().map(row).collect()
}

/// A title over lines, all of them `width` wide.
fn block(title: &str, width: usize, lines: Vec<String>) -> Vec<String> {
    let all = std::iter::once(title.to_owned()).chain(lines);
    all.map(|line| format!("  {line:<width$}")).collect()
}

/// Prints blocks side by side.
fn beside(blocks: Vec<Vec<String>>) {
    for line in 0..blocks.iter().map(Vec::len).max().unwrap_or(0) {
        let text: String = blocks
            .iter()
            .filter_map(|block| block.get(line))
            .cloned()
            .collect();
        println!("{}", text.trim_end());
    }
}
