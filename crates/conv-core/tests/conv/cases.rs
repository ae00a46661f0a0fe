//! Convolutions of every kind.

use conv_core::ops::conv::Conv;
use conv_core::shape::{Padding, Window};

/// A convolution over images of a size: (conv, images, height, width, input channels, output channels).
pub(crate) type Case = (Conv, [usize; 5]);

fn explicit(top: usize, bottom: usize, left: usize, right: usize) -> Padding {
    Padding::Explicit {
        top,
        bottom,
        left,
        right,
    }
}

/// Every small window with every stride, dilation and padding, and then every kind of channels.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [(1, 1), (2, 3), (3, 2), (4, 4)] {
        for stride in [(1, 1), (2, 1), (3, 2)] {
            for dilation in [(1, 1), (1, 2), (2, 1)] {
                for padding in [Padding::Valid, Padding::Same, explicit(0, 2, 3, 1)] {
                    let window = Window::new(size.0, size.1)
                        .stride((stride.0, stride.1))
                        .dilation((dilation.0, dilation.1))
                        .padding(padding);
                    if window.output(7, 5).is_ok() {
                        cases.push((Conv::new(window), [2, 7, 5, 2, 3]));
                    }
                }
            }
        }
    }
    let window = Window::new(3, 3);
    for (cin, cout) in [(1, 1), (1, 8), (3, 16), (5, 17), (2, 33), (8, 70)] {
        cases.push((Conv::new(window), [3, 6, 5, cin, cout]));
        cases.push((
            Conv::new(window.padding(Padding::Same)),
            [1, 4, 9, cin, cout],
        ));
    }
    // By tiles of 2 × 2 outputs, whose transforms only halve and add: channels that are and are not whole vectors, outputs with
    // an odd row or column, one task of all kernels or several.
    let same = window.padding(Padding::Same);
    for (cin, cout) in [(16, 16), (17, 40), (24, 33), (32, 64)] {
        cases.push((Conv::new(same), [3, 6, 6, cin, cout]));
        cases.push((Conv::new(same), [5, 5, 6, cin, cout]));
        cases.push((Conv::new(same), [2, 2, 5, cin, cout]));
        let window = window.padding(explicit(2, 1, 0, 3));
        cases.push((Conv::new(window), [1, 5, 5, cin, cout]));
    }
    cases.push((Conv::new(same), [60, 6, 5, 16, 48]));
    // One channel under 3 × 3, whose gradient is added up by rows, beyond all edges of narrow and wide images.
    for (h, w) in [(3, 3), (4, 20), (1, 2)] {
        cases.push((Conv::new(same), [2, h, w, 1, 9]));
        let window = window.padding(explicit(3, 1, 2, 4));
        cases.push((Conv::new(window), [2, h, w, 1, 16]));
    }
    cases.push((
        Conv::new(window.padding(explicit(0, 2, 0, 2))),
        [2, 1, 1, 1, 3],
    ));
    // Groups, up to depthwise with one and with several kernels a channel.
    for (groups, cin, cout) in [
        (2, 4, 6),
        (3, 3, 3),
        (4, 4, 8),
        (2, 2, 64),
        (20, 20, 20),
        (2, 34, 40),
    ] {
        cases.push((Conv::new(window).groups(groups), [2, 5, 6, cin, cout]));
        let window = window.stride(2).padding(Padding::Same);
        cases.push((Conv::new(window).groups(groups), [2, 5, 6, cin, cout]));
    }
    // More pixels than a block of the kernels' gradient, small images by the dozen, kernels as large as the image.
    cases.push((Conv::new(window), [1, 21, 23, 1, 16]));
    cases.push((Conv::new(window), [40, 5, 5, 13, 5]));
    cases.push((Conv::new(Window::new(6, 4)), [2, 6, 4, 3, 9]));
    // Padding beyond what the kernel reaches, of which no pixel comes back.
    cases.push((
        Conv::new(Window::new(2, 2).padding(explicit(3, 4, 2, 5))),
        [1, 3, 3, 2, 2],
    ));
    cases
}

/// 3 × 3 kernels by tiles of 4 × 4 outputs, whose transforms have 81sts and 243rds: channels that are and are not whole
/// vectors, outputs that are and are not whole tiles, one task of all kernels or several.
pub(crate) fn cases_by_tiles_of_four() -> Vec<Case> {
    let window = Window::new(3, 3);
    let same = window.padding(Padding::Same);
    let mut cases = Vec::new();
    for (cin, cout) in [(16, 16), (16, 32), (17, 40), (24, 33), (32, 64)] {
        cases.push((Conv::new(window), [3, 6, 8, cin, cout]));
        cases.push((Conv::new(same), [5, 7, 9, cin, cout]));
        let window = window.padding(explicit(2, 1, 0, 3));
        cases.push((Conv::new(window), [1, 21, 12, cin, cout]));
    }
    cases.push((Conv::new(window), [3, 6, 5, 17, 48]));
    cases.push((Conv::new(same), [1, 4, 9, 17, 48]));
    cases.push((Conv::new(same), [19, 14, 13, 16, 48]));
    cases.push((Conv::new(same), [2, 37, 40, 16, 16]));
    // Back by overlapping tiles, of several tasks and blocks, padded and not, and of so many channels that blocks are smallest.
    cases.push((Conv::new(window), [7, 6, 6, 17, 40]));
    cases.push((Conv::new(window), [30, 14, 14, 16, 33]));
    cases.push((Conv::new(window), [5, 5, 5, 40, 70]));
    cases.push((
        Conv::new(window.padding(explicit(1, 0, 0, 0))),
        [3, 10, 6, 33, 16],
    ));
    cases.push((Conv::new(window), [3, 6, 6, 264, 16]));
    cases.push((Conv::new(same), [3, 7, 7, 16, 264]));
    cases
}

/// 5 × 5 kernels by tiles, whose transforms have ninths and ninetieths: channels that are and are not whole vectors, outputs
/// that are and are not whole tiles, images whose tiles are and are not whole vectors.
pub(crate) fn cases_of_five() -> Vec<Case> {
    let window = Window::new(5, 5);
    let mut cases = Vec::new();
    for (cin, cout) in [(8, 16), (9, 40), (16, 16), (24, 33), (17, 64)] {
        cases.push((Conv::new(window), [3, 8, 8, cin, cout]));
        cases.push((
            Conv::new(window.padding(Padding::Same)),
            [5, 7, 9, cin, cout],
        ));
        let window = window.padding(explicit(2, 1, 0, 3));
        cases.push((Conv::new(window), [1, 21, 12, cin, cout]));
    }
    cases.push((Conv::new(window), [19, 8, 8, 8, 64]));
    // By tiles in the backward pass alone, with so many channels that a block has fewer tiles.
    cases.push((Conv::new(window.padding(Padding::Same)), [3, 8, 8, 16, 8]));
    cases.push((Conv::new(window), [7, 5, 5, 16, 120]));
    cases.push((Conv::new(window), [5, 12, 12, 264, 16]));
    cases.push((Conv::new(window), [5, 12, 12, 16, 264]));
    cases.push((
        Conv::new(window.padding(Padding::Same)),
        [2, 37, 40, 16, 16],
    ));
    cases
}
