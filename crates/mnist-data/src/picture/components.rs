//! The connected parts of a mask.

use ndarray::Array2;

use super::area::Area;

/// A connected part of a mask.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// Pixels.
    pub(super) count: usize,
    pub(super) area: Area,
    /// Pixels in the first and last row and the first and last column of the plane.
    pub(super) on_edges: [usize; 4],
}

impl Component {
    pub(super) fn touches_edges(&self) -> usize {
        self.on_edges.iter().filter(|&&count| count > 0).count()
    }
}

/// Numbers of the components from 1, 0 where the mask is false.
pub(super) type Labels = Array2<u32>;

/// The components of a mask; pixels that touch by a corner are connected if `diagonal`.
pub(super) fn components(mask: &Array2<bool>, diagonal: bool) -> (Labels, Vec<Component>) {
    let (height, width) = mask.dim();
    // With a line around it that is not set, every pixel has all its neighbours.
    let wide = width + 2;
    let mut open_pixels = vec![false; (height + 2) * wide];
    for ((y, x), &set) in mask.indexed_iter() {
        open_pixels[(y + 1) * wide + x + 1] = set;
    }
    // From the pixel above and to the left on.
    let all = [
        0,
        1,
        2,
        wide,
        wide + 2,
        2 * wide,
        2 * wide + 1,
        2 * wide + 2,
    ];
    let straight = [1, wide, wide + 2, 2 * wide + 1];
    let neighbours: &[usize] = if diagonal { &all } else { &straight };
    let mut labels = Labels::zeros((height, width));
    let mut found = Vec::new();
    let mut stack = Vec::new();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let start = (y + 1) * wide + x + 1;
        if !open_pixels[start] {
            continue;
        }
        let label = found.len() as u32 + 1;
        let mut component = Component {
            count: 0,
            area: Area::new(y..y + 1, x..x + 1),
            on_edges: [0; 4],
        };
        open_pixels[start] = false;
        stack.push(start);
        while let Some(at) = stack.pop() {
            let (y, x) = (at / wide - 1, at % wide - 1);
            labels[[y, x]] = label;
            component.add(y, x, height, width);
            for neighbour in neighbours {
                let next = at - wide - 1 + neighbour;
                if open_pixels[next] {
                    open_pixels[next] = false;
                    stack.push(next);
                }
            }
        }
        found.push(component);
    }
    (labels, found)
}

impl Component {
    fn add(&mut self, y: usize, x: usize, height: usize, width: usize) {
        self.count += 1;
        self.area = self.area.union(Area::new(y..y + 1, x..x + 1));
        let on_edges = [y == 0, y + 1 == height, x == 0, x + 1 == width];
        for (count, on_edge) in self.on_edges.iter_mut().zip(on_edges) {
            *count += usize::from(on_edge);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_touch_by_a_corner_are_connected_on_demand() {
        let drawn = ["##..#", "#....", ".#...", "....#"];
        let mask = Array2::from_shape_fn((4, 5), |(y, x)| drawn[y].as_bytes()[x] == b'#');
        let (labels, straight) = components(&mask, false);
        let counts: Vec<usize> = straight.iter().map(|part| part.count).collect();
        assert_eq!(counts, [3, 1, 1, 1]);
        assert_eq!(labels[[1, 0]], 1);
        assert_eq!(labels[[0, 2]], 0);
        let (_, diagonal) = components(&mask, true);
        let counts: Vec<usize> = diagonal.iter().map(|part| part.count).collect();
        assert_eq!(counts, [4, 1, 1]);
        assert_eq!(diagonal[0].on_edges, [2, 0, 2, 0]);
        let area = diagonal[0].area;
        assert_eq!((area.height(), area.width(), area.longer()), (3, 2, 3));
        assert_eq!(area.gap(&diagonal[1].area), 2);
        assert_eq!(area.gap(&diagonal[2].area), 2);
    }
}
