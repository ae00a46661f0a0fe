use crate::shape::Window;

/// Calls `visit` with (output row, output column, kernel row, kernel column, input row, input column) for every
/// tap of every position that lies on a pixel, not on the padding: `y = oy · stride + ky · dilation − before`.
pub(super) fn taps(window: &Window, (h, w): (usize, usize), mut visit: impl FnMut([usize; 6])) {
    let (rows, cols) = window.output(h, w).expect("the window fits").into();
    let (top, left) = window.before(h, w).expect("the window fits").into();
    for oy in 0..rows {
        for ox in 0..cols {
            for ky in 0..window.size.down {
                for kx in 0..window.size.right {
                    let y = (oy * window.stride.down + ky * window.dilation.down).checked_sub(top);
                    let x =
                        (ox * window.stride.right + kx * window.dilation.right).checked_sub(left);
                    if let (Some(y), Some(x)) = (y.filter(|&y| y < h), x.filter(|&x| x < w)) {
                        visit([oy, ox, ky, kx, y, x]);
                    }
                }
            }
        }
    }
}
