//! A rectangle of pixels.

use std::ops::Range;

use ndarray::{Axis, AxisDescription, Slice};
use serde::Serialize;

/// Rows and columns of a plane, `bottom` and `right` not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Area {
    /// The first row.
    pub top: usize,
    /// The row after the last.
    pub bottom: usize,
    /// The first column.
    pub left: usize,
    /// The column after the last.
    pub right: usize,
}

impl Area {
    pub(super) fn new(rows: Range<usize>, columns: Range<usize>) -> Self {
        Self {
            top: rows.start,
            bottom: rows.end,
            left: columns.start,
            right: columns.end,
        }
    }

    /// All of a plane of so many rows and columns.
    pub(super) fn of((rows, columns): (usize, usize)) -> Self {
        Self {
            top: 0,
            bottom: rows,
            left: 0,
            right: columns,
        }
    }

    pub(super) fn height(&self) -> usize {
        self.bottom - self.top
    }

    pub(super) fn width(&self) -> usize {
        self.right - self.left
    }

    pub(super) fn longer(&self) -> usize {
        self.height().max(self.width())
    }

    /// The same area where each of its pixels is a block of `factor` × `factor`, within (height, width).
    pub(super) fn scaled(self, factor: usize, (height, width): (usize, usize)) -> Self {
        Self {
            top: self.top * factor,
            bottom: (self.bottom * factor).min(height),
            left: self.left * factor,
            right: (self.right * factor).min(width),
        }
    }

    /// The smallest that contains both.
    pub(super) fn union(self, other: Self) -> Self {
        Self {
            top: self.top.min(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.min(other.left),
            right: self.right.max(other.right),
        }
    }

    /// Rows or columns between the two, the more of both; 0 where they touch or overlap.
    pub(super) fn gap(&self, other: &Self) -> usize {
        let between = |end: usize, start: usize| start.saturating_sub(end);
        let down = between(self.bottom, other.top).max(between(other.bottom, self.top));
        let right = between(self.right, other.left).max(between(other.right, self.left));
        down.max(right)
    }

    /// These rows and columns, of all that lies in further axes.
    pub(super) fn window(self) -> impl Fn(AxisDescription) -> Slice {
        move |about| match about.axis {
            Axis(0) => (self.top..self.bottom).into(),
            Axis(1) => (self.left..self.right).into(),
            _ => Slice::from(..),
        }
    }
}
