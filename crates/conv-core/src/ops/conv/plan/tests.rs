//! What plans take and give, whatever the algorithm.

use super::*;
use crate::ops::conv::geometry::Conv;
use crate::shape::{ImageShape, Window};
use crate::tuning::{LANES_KEPT, WINOGRAD_CHANNELS as CHANNELS};

/// Tiles at the edges of an image read zeros, and give the bits of padded images.
#[test]
fn images_as_they_are_give_the_bits_of_padded_ones() {
    use crate::parallel::scratch::with_kernels;
    use crate::shape::Padding;
    let values = |len: usize, seed: usize| -> Vec<f32> {
        let value = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
        (0..len).map(value).collect()
    };
    let mut tilings = Vec::new();
    for (size, rows, cols, before, after) in [
        (3, 7, 9, (1, 1), (1, 1)),
        (3, 4, 4, (1, 1), (1, 1)),
        (3, 8, 6, (2, 0), (0, 3)),
        (3, 4, 6, (0, 0), (0, 0)),
        (5, 8, 7, (2, 2), (2, 2)),
        (5, 6, 10, (4, 1), (0, 3)),
    ] {
        let window = Window::new(size, size).padding(Padding::Explicit {
            top: before.0,
            left: before.1,
            bottom: after.0,
            right: after.1,
        });
        let image = ImageShape::new(rows, cols, 19);
        let problem = Problem::new(&Conv::new(window), image, 37).unwrap();
        let plans = [Plan::new(&problem), Plan::of_padded(&problem)].map(Result::unwrap);
        assert!(plans[0].padded().is_image());
        tilings.push(plans[0].winograd().map(|_| size));
        let (images, taps) = (3, size * size * 19);
        let (input, kernels) = (values(images * image.len(), 1), values(taps * 37, 2));
        let d_output = values(images * problem.output.len(), 3);
        let found = plans.map(|plan| {
            let mut buffer = vec![0.0; plan.padded().buffer_len(images)];
            let padded = plan.padded().pad_all(&input, &mut buffer);
            let mut output = vec![f32::NAN; d_output.len()];
            with_kernels(plan.packed_len(), |packed| {
                plan.pack(&kernels, packed);
                plan.forward(padded, 0, packed, None, &mut output);
            });
            let mut d_kernels = vec![f32::NAN; kernels.len()];
            plan.d_kernels(padded, &d_output, &mut d_kernels);
            // What is written is what would be added to zeros: of products that vanish, zeros without a sign.
            let smallest = vec![f32::from_bits(1); d_output.len()];
            for d_output in [&d_output, &smallest] {
                let (mut written, mut added) =
                    (vec![f32::NAN; kernels.len()], vec![0.0; kernels.len()]);
                plan.d_kernels(padded, d_output, &mut written);
                plan.add_d_kernels(padded, d_output, 0, &mut added);
                let [written, added] =
                    [written, added].map(|all| all.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
                assert!(written == added, "{size}, {rows} x {cols}");
            }
            (output, d_kernels)
        });
        assert!(found[0].0.iter().chain(&found[0].1).all(|x| x.is_finite()));
        assert_eq!(found[0], found[1], "{size}, {rows} x {cols}");
    }
    assert_eq!(tilings, [3, 3, 3, 3, 5, 5].map(Some), "not by tiles");
}

/// A thread that does not keep its memory allocates and zeroes it in every pass.
#[test]
fn a_thread_keeps_the_memory_of_any_tiles() {
    for size in [3, 5] {
        let conv = Conv::new(Window::new(size, size));
        for cin in [16, 240, 256, 257, 320, CHANNELS] {
            for cout in [16, 256, 257, 416, CHANNELS, 4 * CHANNELS] {
                let image = ImageShape::new(8 + size - 1, 8 + size - 1, cin);
                let problem = Problem::new(&conv, image, cout).unwrap();
                let plan = Plan::new(&problem).unwrap();
                let by_tiles = plan.winograd().is_some();
                assert!(
                    by_tiles || (size, cout) == (5, 4 * CHANNELS),
                    "{size} {cin} {cout}"
                );
                let d_input = DInputPlan::new(&problem).unwrap();
                for len in [plan.scratch_len(), d_input.scratch_len()] {
                    assert!(len <= LANES_KEPT, "{size} {cin} {cout}: {len}");
                }
            }
        }
    }
}
