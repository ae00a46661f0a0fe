//! Several processes that train one network: each computes some shards of every batch.

use std::fmt::Debug;
use std::ops::Range;

use super::Network;
use super::division::Division;
use crate::Error;

/// How the processes that train one network together exchange what they computed; a process is a *rank*, counted from 0,
/// as in MPI. [`Workspace::set_exchange`](super::Workspace::set_exchange) has a workspace compute as one of them.
///
/// Every rank calls [`Network::gradient`](super::Network::gradient) or
/// [`train_step`](super::Network::train_step) with the same batch, seed and parameters, computes the images of
/// [`Network::images_of_rank`](super::Network::images_of_rank), and is given the gradient of the whole batch. A batch is
/// divided into shards by its size alone, and their sums are added in their order, wherever they were computed: the bits are
/// those of one process, for any number of ranks.
///
/// A rank that waits for another one keeps the thread that it computes on: ranks in one process need a rayon pool each.
///
/// All ranks call the methods in the same order with the same lengths. A rank that meets an error calls none of them any
/// more. So an implementation must notice that another rank is gone, and return [`Error::Exchange`] instead of waiting for
/// ever.
///
/// ```
/// use conv_core::Error;
/// use conv_core::network::Exchange;
///
/// /// A single rank, which has nobody to exchange anything with.
/// #[derive(Debug)]
/// struct Alone;
///
/// impl Exchange for Alone {
///     fn rank(&self) -> usize {
///         0
///     }
///     fn ranks(&self) -> usize {
///         1
///     }
///     fn gather(&mut self, _: &mut [f64], _: usize) -> Result<(), Error> {
///         Ok(())
///     }
///     fn sum(
///         &mut self,
///         values: &mut [f32],
///         ready: usize,
///         add: &mut dyn FnMut(usize, &mut [f32]),
///     ) -> Result<(), Error> {
///         if ready == 0 {
///             add(0, values);
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Exchange: Debug + Send + Sync {
    /// The number of this rank, below [`ranks`](Self::ranks).
    fn rank(&self) -> usize;

    /// How many ranks there are, at least 1.
    fn ranks(&self) -> usize;

    /// Gives all ranks the records of all. `values` has records of `len` values, one for each shard of the batch; those of
    /// this rank's [`share`] are there, and the others are to be written.
    ///
    /// # Errors
    /// [`Error::Exchange`] if they could not be exchanged.
    fn gather(&mut self, values: &mut [f64], len: usize) -> Result<(), Error>;

    /// Sums over the ranks in their order: `add(first, part)` adds this rank's values from number `first` on to a part of the
    /// sum, which rank 0 begins with zeros and every other rank with the sum of the ranks before. Implementations may divide
    /// `values` into parts of any length.
    ///
    /// In a training step it is called several times with the same `values`, which are zero before the first call. This rank's
    /// values are there from number `ready` on, which falls from call to call, since the last layers have their gradients first.
    /// Such a call is to do what it can without waiting for another rank. The last call has `ready` 0; at its end all ranks
    /// have the sum of all in `values`.
    ///
    /// # Errors
    /// [`Error::Exchange`] if they could not be exchanged.
    fn sum(
        &mut self,
        values: &mut [f32],
        ready: usize,
        add: &mut dyn FnMut(usize, &mut [f32]),
    ) -> Result<(), Error>;
}

/// Which of `count` shards a rank computes: a contiguous range, as long as that of any other rank or one shorter or longer.
///
/// ```
/// use conv_core::network::share;
///
/// let shares: Vec<_> = (0..3).map(|rank| share(16, rank, 3)).collect();
/// assert_eq!(shares, [0..5, 5..10, 10..16]);
/// ```
///
/// # Panics
/// If there are no ranks.
#[must_use]
pub fn share(count: usize, rank: usize, ranks: usize) -> Range<usize> {
    let end = |rank: usize| (count as u128 * rank as u128 / ranks as u128) as usize;
    end(rank)..end(rank.saturating_add(1))
}

impl Network {
    /// Into how many shards a batch of so many images is divided, which may be computed at the same time: as many threads and
    /// [ranks](Exchange) have work in a step, 16 at most.
    #[must_use]
    pub fn shards(&self, images: usize) -> usize {
        match images {
            0 => 0,
            _ => Division::new(&self.program, images, false).shards(),
        }
    }

    /// Which images of a batch of so many a [rank](Exchange) computes: it reads no others, which may be anything finite, but
    /// the labels of all.
    ///
    /// ```
    /// use conv_core::network::Network;
    /// use conv_core::spec::{Layers, Spec};
    ///
    /// let network = Network::new(&Spec::new((1, 1, 3), Layers::new().dense(2)), 1)?;
    /// assert_eq!(network.shards(50), 8);
    /// // Seven shards of seven images, and one image.
    /// assert_eq!(network.images_of_rank(50, 0, 2), 0..28);
    /// assert_eq!(network.images_of_rank(50, 1, 2), 28..50);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Panics
    /// If there are no ranks.
    #[must_use]
    pub fn images_of_rank(&self, images: usize, rank: usize, ranks: usize) -> Range<usize> {
        if images == 0 {
            return 0..0;
        }
        let division = Division::new(&self.program, images, false);
        let shards = share(division.shards(), rank, ranks);
        let image = |shard: usize| (shard * division.images_per_shard).min(images);
        image(shards.start)..image(shards.end)
    }
}
