//! [`Statistics`] and [`Sums`] as one slice of numbers, which can be sent to another process.

use super::{Statistics, Sums};

impl Statistics {
    /// Values of a record of so many channels.
    pub(crate) fn record_len(channels: usize) -> usize {
        1 + 2 * channels
    }

    /// Writes all of it as one slice: the count, which an `f64` holds exactly, the means, the variances.
    pub(crate) fn write_record(&self, record: &mut [f64]) {
        write_record(self.count, &self.mean, &self.variance, record);
    }

    /// [`merge`](Self::merge) of what such a slice says.
    pub(crate) fn merge_record(&mut self, record: &[f64]) {
        let (mean, variance) = record[1..].split_at(self.mean.len());
        self.merge_values(record[0] as usize, mean, variance);
    }
}

impl Sums {
    /// Values of a record of so many channels.
    pub(crate) fn record_len(channels: usize) -> usize {
        1 + 2 * channels
    }

    /// Writes all of it as one slice: the count, the sums for beta, the sums for gamma.
    pub(crate) fn write_record(&self, record: &mut [f64]) {
        write_record(self.count, &self.d_beta, &self.d_gamma, record);
    }

    /// [`add`](Self::add) of what such a slice says.
    pub(crate) fn add_record(&mut self, record: &[f64]) {
        let (d_beta, d_gamma) = record[1..].split_at(self.d_beta.len());
        self.add_values(record[0] as usize, d_beta, d_gamma);
    }
}

/// A count and two values of each channel, one after the other.
fn write_record(count: usize, first: &[f64], second: &[f64], record: &mut [f64]) {
    record[0] = count as f64;
    let (to_first, to_second) = record[1..].split_at_mut(first.len());
    to_first.copy_from_slice(first);
    to_second.copy_from_slice(second);
}
