//! The runs of the chapters' listings.

pub(crate) mod compare;
pub(crate) mod errata;
pub(crate) mod fix;
pub(crate) mod listing;
pub(crate) mod table;
