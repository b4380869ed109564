//! The figures of writes in the background.

use mainstay_core::Name;

/// The figures of one [`WriteBehind`](crate::WriteBehind).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct WriteBehindSnapshot {
    /// The name of the writes.
    pub name: Name,
    /// The number of keys whose write is not made yet.
    pub waiting: u64,
    /// The number of writes that were made.
    pub written: u64,
    /// The number of writes that were never made: too many waited, they expired, or the store had no room.
    pub dropped: u64,
    /// The number of writes that the store refused for their key or value.
    pub failed: u64,
}
