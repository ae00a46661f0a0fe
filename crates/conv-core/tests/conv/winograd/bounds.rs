//! The bounds: the formulas of docs/notes/2026-11-winograd.md, in plain loops.

use ndarray::{Array4, s};

use super::cases::Case;

/// The unit roundoff of `f32`.
const ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;

/// The matrices' absolute values, as in Lavin and Gray: of the points 0, ±¾, ±1½ and infinity.
const OUTPUT: [[f64; 6]; 4] = [
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    [0.0, 0.75, 0.75, 1.5, 1.5, 0.0],
    [0.0, 0.5625, 0.5625, 2.25, 2.25, 0.0],
    [0.0, 0.421875, 0.421875, 3.375, 3.375, 1.0],
];
const KERNEL: [[f64; 3]; 6] = [
    [64.0 / 81.0, 0.0, 0.0],
    [128.0 / 243.0, 96.0 / 243.0, 72.0 / 243.0],
    [128.0 / 243.0, 96.0 / 243.0, 72.0 / 243.0],
    [32.0 / 243.0, 48.0 / 243.0, 72.0 / 243.0],
    [32.0 / 243.0, 48.0 / 243.0, 72.0 / 243.0],
    [0.0, 0.0, 1.0],
];
const INPUT: [[f64; 6]; 6] = [
    [1.265625, 0.0, 2.8125, 0.0, 1.0, 0.0],
    [0.0, 1.6875, 2.25, 0.75, 1.0, 0.0],
    [0.0, 1.6875, 2.25, 0.75, 1.0, 0.0],
    [0.0, 0.84375, 0.5625, 1.5, 1.0, 0.0],
    [0.0, 0.84375, 0.5625, 1.5, 1.0, 0.0],
    [0.0, 1.265625, 0.0, 2.8125, 0.0, 1.0],
];

fn transposed<const N: usize, const M: usize>(matrix: &[[f64; N]; M]) -> [[f64; M]; N] {
    std::array::from_fn(|column| std::array::from_fn(|row| matrix[row][column]))
}

/// `L x Lᵀ`
fn transform<const N: usize, const M: usize>(
    matrix: &[[f64; N]; M],
    x: impl Fn(usize, usize) -> f64,
) -> [[f64; M]; M] {
    let mut y = [[0.0; M]; M];
    for (row, y) in y.iter_mut().enumerate() {
        for (column, y) in y.iter_mut().enumerate() {
            for i in 0..N {
                for j in 0..N {
                    *y += matrix[row][i] * matrix[column][j] * x(i, j);
                }
            }
        }
    }
    y
}

/// Transformed tiles of images, or transformed kernels: (tiles, channels), or (channels, channels).
type Transformed = Vec<Vec<[[f64; 6]; 6]>>;

/// Images with tiles whose first rows and columns are four apart, `before` pixels of zeros before the first. Beyond the images
/// there are zeros.
struct Tiles {
    images: usize,
    rows: usize,
    cols: usize,
    before: usize,
}

impl Tiles {
    fn of(output: &Array4<f64>, before: usize) -> Self {
        let (images, rows, cols, _) = output.dim();
        Self {
            images,
            rows: rows.div_ceil(4),
            cols: cols.div_ceil(4),
            before,
        }
    }

    fn each(&self) -> impl Iterator<Item = [usize; 3]> {
        let (rows, cols) = (self.rows, self.cols);
        (0..self.images * rows * cols).map(move |tile| {
            [
                tile / (rows * cols),
                tile / cols % rows * 4,
                tile % cols * 4,
            ]
        })
    }

    fn transform<const N: usize>(
        &self,
        matrix: &[[f64; N]; 6],
        images: &Array4<f64>,
    ) -> Transformed {
        let pixel = |n, y: usize, x: usize, channel| {
            let at = (y.checked_sub(self.before), x.checked_sub(self.before));
            let (Some(y), Some(x)) = at else { return 0.0 };
            images.get((n, y, x, channel)).copied().unwrap_or(0.0)
        };
        let tile = |[n, y, x]: [usize; 3]| {
            (0..images.dim().3)
                .map(|channel| transform(matrix, |i, j| pixel(n, y + i, x + j, channel)))
                .collect()
        };
        self.each().map(tile).collect()
    }
}

/// Kernels (3, 3, Cin, Cout) as (Cin, Cout).
fn transform_kernels(kernels: &Array4<f64>) -> Transformed {
    let (_, _, cin, cout) = kernels.dim();
    let of = |i, o| transform(&KERNEL, |y, x| kernels[(y, x, i, o)]);
    (0..cin)
        .map(|i| (0..cout).map(|o| of(i, o)).collect())
        .collect()
}

/// `Σ u v` over the last index of `u` and the first of `v`, value by value.
fn products(u: &Transformed, v: &Transformed) -> Transformed {
    let sum = |u: &Vec<[[f64; 6]; 6]>, o: usize| {
        let mut sum = [[0.0; 6]; 6];
        for (u, v) in u.iter().zip(v) {
            for (sum, (u, v)) in sum
                .iter_mut()
                .flatten()
                .zip(u.iter().flatten().zip(v[o].iter().flatten()))
            {
                *sum += u * v;
            }
        }
        sum
    };
    u.iter()
        .map(|u| (0..v[0].len()).map(|o| sum(u, o)).collect())
        .collect()
}

fn swapped(x: &Transformed) -> Transformed {
    (0..x[0].len())
        .map(|j| x.iter().map(|x| x[j]).collect())
        .collect()
}

/// Adds `L m Lᵀ` to tiles of images that begin `before` pixels before them.
fn add<const N: usize>(
    tiles: &Tiles,
    matrix: &[[f64; 6]; N],
    values: &Transformed,
    images: &mut Array4<f64>,
) {
    for ([n, y, x], values) in tiles.each().zip(values) {
        for (channel, values) in values.iter().enumerate() {
            let tile = transform(matrix, |i, j| values[i][j]);
            for (i, row) in tile.iter().enumerate() {
                for (j, value) in row.iter().enumerate() {
                    let at = (
                        (y + i).checked_sub(tiles.before),
                        (x + j).checked_sub(tiles.before),
                    );
                    if let (Some(y), Some(x)) = at
                        && let Some(pixel) = images.get_mut((n, y, x, channel))
                    {
                        *pixel += value;
                    }
                }
            }
        }
    }
}

/// The most that outputs, `d_input` and `d_kernels` may be off, of absolute values of what goes in.
pub(crate) fn bounds(
    case: &Case,
    [input, kernels, d_output]: [&Array4<f64>; 3],
) -> [Array4<f64>; 3] {
    let before = case.padding;
    let (cin, cout) = (input.dim().3 as f64, d_output.dim().3 as f64);
    let tiles = Tiles::of(d_output, before);
    let own = Tiles {
        before: 0,
        ..Tiles::of(d_output, 0)
    };
    let (x, u) = (tiles.transform(&INPUT, input), transform_kernels(kernels));
    let y = own.transform(&transposed(&OUTPUT), d_output);

    let mut output = Array4::zeros(d_output.raw_dim());
    add(&own, &OUTPUT, &products(&x, &u), &mut output);

    let mut d_input = Array4::zeros(input.raw_dim());
    if case.overlapping {
        let values = products(&y, &swapped(&u));
        add(&tiles, &transposed(&INPUT), &values, &mut d_input);
    } else {
        // The convolution of d_output by the flipped kernels.
        let flipped = kernels.slice(s![..;-1, ..;-1, .., ..]).to_owned();
        let own = Tiles {
            before: 0,
            ..Tiles::of(&d_input, 0)
        };
        let y = Tiles::of(&d_input, 2 - before).transform(&INPUT, d_output);
        let u = swapped(&transform_kernels(&flipped));
        add(&own, &OUTPUT, &products(&y, &u), &mut d_input);
    }

    let mut d_kernels = Array4::zeros(kernels.raw_dim());
    let values = products(&swapped(&x), &y);
    for (i, values) in values.iter().enumerate() {
        for (o, values) in values.iter().enumerate() {
            let taps = transform(&transposed(&KERNEL), |y, x| values[y][x]);
            for (at, tap) in taps.iter().flatten().enumerate() {
                d_kernels[(at / 3, at % 3, i, o)] = *tap;
            }
        }
    }
    let roundings = |n: f64| 1.01 * n * ROUNDOFF;
    let back = if case.overlapping { 24.0 } else { 18.0 };
    [
        output * roundings(cin + 19.0),
        d_input * roundings(cout + back),
        d_kernels * roundings(x.len() as f64 + 50.0),
    ]
}
