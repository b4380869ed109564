//! The handles of all layers, for the status page and the metrics.

use std::sync::Arc;

use mainstay_bulkhead::Limit;
use mainstay_drain::{ConnectionLimit, Drain};
use mainstay_failover::stack::StandardHandles;
use mainstay_health::Health;
use tokio::time::Instant;

use crate::{responses::Responses, settings::Environment};

/// The handles that the pages read.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) environment: Environment,
    pub(crate) started: Instant,
    pub(crate) health: Health,
    pub(crate) drain: Drain,
    pub(crate) entrance: Limit,
    pub(crate) connections: ConnectionLimit,
    pub(crate) responses: Arc<Responses>,
    pub(crate) stack: StandardHandles,
}
