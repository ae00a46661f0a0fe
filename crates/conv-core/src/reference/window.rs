use crate::shape::Window;

/// Calls `visit` with (output row, output column, kernel row, kernel column, input row, input column) for every
/// tap of every position that lies on a pixel, not on the padding: `y = oy · stride + ky · dilation − before`.
pub(super) fn taps(window: &Window, (h, w): (usize, usize), mut visit: impl FnMut([usize; 6])) {
    let (rows, cols) = window.output(h, w).expect("the window fits");
    let (top, left) = window.before(h, w).expect("the window fits");
    for oy in 0..rows {
        for ox in 0..cols {
            for ky in 0..window.size.0 {
                for kx in 0..window.size.1 {
                    let y = (oy * window.stride.0 + ky * window.dilation.0).checked_sub(top);
                    let x = (ox * window.stride.1 + kx * window.dilation.1).checked_sub(left);
                    if let (Some(y), Some(x)) = (y.filter(|&y| y < h), x.filter(|&x| x < w)) {
                        visit([oy, ox, ky, kx, y, x]);
                    }
                }
            }
        }
    }
}
