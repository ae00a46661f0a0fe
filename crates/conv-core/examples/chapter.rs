//! The listing of chapter 10, "A simple implementation in NumPy", block by block in Rust: the same arrays, the same faults,
//! the same lines. NumPy computes in `f64`, and so does `conv_core::reference`, which is used here; `ops` is for `f32`.
//!
//! ```sh
//! cargo run -p conv-core --example chapter       # the nine lines that the page shows first
//! cargo run -p conv-core --example chapter 300   # all of them, in some minutes
//! ```
//!
//! `cargo run -p trainer` prints the same 300 lines in seconds, by the fused network of `conv_core::chapter`.

use conv_core::reference::{sections, tanh};
use conv_core::shape::Window;
use conv_core::{Bits, NumpyRandom};
use mnist_data::{Dataset, embedded};
use ndarray::{Array2, Array3, ArrayView1, ArrayView2, ArrayView3, Axis, ShapeError, s};

const ALPHA: f64 = 2.0;
const BATCH_SIZE: usize = 128;
const NUM_LABELS: usize = 10;
const NUM_KERNELS: usize = 16;
const KERNEL_ROWS: usize = 3;
const KERNEL_COLS: usize = 3;
/// Positions of a kernel: the listing's loops end one too early, so that the last row and the last column are forgotten.
const POSITIONS: usize = (28 - KERNEL_ROWS) * (28 - KERNEL_COLS);

fn main() -> Result<(), ShapeError> {
    let iterations = std::env::args().nth(1).and_then(|n| n.parse().ok());
    train(iterations.unwrap_or(9), |line| println!("{line}"))
}

/// The loop over the iterations; each gives a line.
///
/// # Errors
/// None: all shapes fit.
pub fn train(iterations: usize, mut print: impl FnMut(&str)) -> Result<(), ShapeError> {
    // (x_train, y_train), (x_test, y_test) = mnist.load_data(), each pixel divided by 255
    let digits = embedded::load();
    let (images, labels) = (pixels(&digits.train), one_hot_labels(&digits.train));
    let (test_images, test_labels) = (pixels(&digits.test), one_hot_labels(&digits.test));

    // np.random.seed(1); "lots of very small linear layers": a kernel a column
    let mut random = NumpyRandom::new(1);
    let taps = KERNEL_ROWS * KERNEL_COLS;
    let mut draw = |shape, scale: f64, less: f64| {
        Array2::from_shape_simple_fn(shape, || scale * random.random() - less)
    };
    let mut kernels = draw((taps, NUM_KERNELS), 0.02, 0.01);
    let mut weights_1_2 = draw((POSITIONS * NUM_KERNELS, NUM_LABELS), 0.2, 0.1);

    for j in 0..iterations {
        let mut correct_cnt = 0;
        // Images that do not fill a batch are left out: 896 of 1,000 are trained on.
        for i in 0..images.len_of(Axis(0)) / BATCH_SIZE {
            let batch = i * BATCH_SIZE..(i + 1) * BATCH_SIZE;
            let layer_0 = images.slice(s![batch.clone(), .., ..]);
            let labels = labels.slice(s![batch, ..]);

            // Forward. "The convolutional layer": the small kernels at every position. Then tanh, dropout, a dense layer.
            let flattened_input = image_sections(layer_0)?;
            let kernel_output = flattened_input.dot(&kernels);
            let shape = (BATCH_SIZE, POSITIONS * NUM_KERNELS);
            let mut layer_1 = kernel_output.into_shape_with_order(shape)?;
            layer_1.mapv_inplace(tanh);
            let dropout_mask = randint_2(&mut random, shape);
            layer_1 *= &(&dropout_mask * 2.0);
            let layer_2 = softmax(layer_1.dot(&weights_1_2));
            correct_cnt += correct(layer_2.view(), labels);

            // Backward: the delta of the output, back through the dense layer, through tanh (of what dropout doubled
            // already) and dropout.
            let layer_2_delta = (&labels - &layer_2) / (BATCH_SIZE * BATCH_SIZE) as f64;
            let tanh_2_deriv = layer_1.mapv(|output| 1.0 - output * output);
            let mut layer_1_delta = layer_2_delta.dot(&weights_1_2.t()) * tanh_2_deriv;
            layer_1_delta *= &dropout_mask;

            // "Reuse weights in multiple places": every section of every image adds to the same nine weights of a
            // kernel. The listing subtracts this gradient, which points the other way.
            weights_1_2.scaled_add(ALPHA, &layer_1.t().dot(&layer_2_delta));
            let shape = (BATCH_SIZE * POSITIONS, NUM_KERNELS);
            let l1d_reshape = layer_1_delta.into_shape_with_order(shape)?;
            let k_update = flattened_input.t().dot(&l1d_reshape);
            kernels.scaled_add(-ALPHA, &k_update);
        }

        // "Review": without dropout, over the test images; a hundred at a time instead of one changes no prediction.
        let mut test_correct_cnt = 0;
        for (layer_0, labels) in test_images
            .axis_chunks_iter(Axis(0), 100)
            .zip(test_labels.axis_chunks_iter(Axis(0), 100))
        {
            let kernel_output = image_sections(layer_0)?.dot(&kernels);
            let shape = (layer_0.len_of(Axis(0)), POSITIONS * NUM_KERNELS);
            let layer_1 = kernel_output.into_shape_with_order(shape)?;
            let layer_2 = layer_1.mapv_into(tanh).dot(&weights_1_2);
            test_correct_cnt += correct(layer_2.view(), labels);
        }
        let test = test_correct_cnt as f64 / test_images.len_of(Axis(0)) as f64;
        let train = correct_cnt as f64 / images.len_of(Axis(0)) as f64;
        print(&format!("I:{j} Test-Acc:{test:?} Train-Acc:{train:?}"));
    }
    Ok(())
}

/// `get_image_section` at every position, as the rows of one matrix: (images · positions, 9).
fn image_sections(layer_0: ArrayView3<'_, f64>) -> Result<Array2<f64>, ShapeError> {
    // Without the last row and column of pixels there are as many positions as the listing's loops visit.
    let layer_0 = layer_0.slice(s![.., ..-1, ..-1]);
    let sects = sections(layer_0, &Window::new(KERNEL_ROWS, KERNEL_COLS));
    let rows = sects.len_of(Axis(0)) * POSITIONS;
    let shape = (rows, KERNEL_ROWS * KERNEL_COLS);
    sects.into_shape_with_order(shape)
}

fn pixels(dataset: &Dataset) -> Array3<f64> {
    dataset.images().mapv(|pixel| f64::from(pixel) / 255.0)
}

fn one_hot_labels(dataset: &Dataset) -> Array2<f64> {
    let labels = dataset.labels();
    Array2::from_shape_fn((labels.len(), NUM_LABELS), |(image, class)| {
        f64::from(u8::from(usize::from(labels[image]) == class))
    })
}

/// `np.random.randint(2, size=shape)`
fn randint_2(random: &mut NumpyRandom, shape: (usize, usize)) -> Array2<f64> {
    let mut bits = Bits::default();
    random.randint2(shape.0 * shape.1, &mut bits);
    Array2::from_shape_fn(shape, |(row, column)| {
        f64::from(u8::from(bits.get(row * shape.1 + column)))
    })
}

/// As the listing has it, without subtracting the largest: exp may overflow.
fn softmax(x: Array2<f64>) -> Array2<f64> {
    let temp = x.mapv_into(f64::exp);
    let sums = temp.sum_axis(Axis(1)).insert_axis(Axis(1));
    temp / sums
}

/// Rows whose argmax is the label's.
fn correct(outputs: ArrayView2<'_, f64>, labels: ArrayView2<'_, f64>) -> usize {
    let argmax = |row: ArrayView1<'_, f64>| {
        (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
    };
    let rows = outputs.rows().into_iter().zip(labels.rows());
    rows.filter(|&(output, label)| argmax(output) == argmax(label))
        .count()
}
