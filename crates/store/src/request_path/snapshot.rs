//! The figures of a storage on the path of requests.

use mainstay_core::{Level, Name};

/// The figures of one [`RequestPath`](crate::RequestPath).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RequestPathSnapshot {
    /// The name of the path.
    pub name: Name,
    /// Whether the storage counts as lost: calls fail without it.
    pub is_lost: bool,
    /// Healthy, or unhealthy while the storage is lost.
    pub level: Level,
    /// Why the storage is lost; empty while it is not.
    pub reason: String,
    /// The number of calls that used the storage.
    pub calls: u64,
    /// The number of calls that ended in an error within the time limit.
    pub errors: u64,
    /// The number of calls that reached the time limit.
    pub timeouts: u64,
    /// How often the storage was lost.
    pub outages: u64,
    /// The number of calls that failed at once because the storage was lost.
    pub skipped: u64,
}
