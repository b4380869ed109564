//! Where and when an attempt was sent, and whether its failure still counts.

use crate::{ask, endpoint_state::EndpointState, permit::EndpointPermit, switchboard::Switchboard};

/// Where and when an attempt was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) index: usize,
    /// The epoch of the endpoint's breaker.
    pub(crate) epoch: u64,
    /// The endpoint's period.
    pub(crate) period: u64,
}

// === impl Sent ===

impl Sent {
    pub(crate) fn of(permit: &EndpointPermit) -> Self {
        Self { index: permit.index, epoch: permit.epoch, period: permit.period }
    }
}

impl Switchboard {
    /// Whether the failure of an attempt that was sent then counts.
    pub(crate) fn is_current(&self, sent: Sent) -> bool {
        let is_current =
            |endpoint: &EndpointState| endpoint.breaker.epoch() == sent.epoch && endpoint.ask.period() == sent.period;
        self.endpoints.get(sent.index).is_some_and(is_current)
    }

    /// Whether the endpoint has changed or has been suspended since then.
    pub(crate) fn is_left_since(&self, sent: Sent) -> bool {
        let Some(endpoint) = self.endpoints.get(sent.index) else { return true };
        endpoint.breaker.epoch() != sent.epoch || endpoint.ask.suspensions() != ask::suspensions(sent.period)
    }
}
