//! What a check on demand found.

use mainstay_core::Name;

use crate::ProbeReport;

/// What [`check_now`](crate::FailoverHandle::check_now) found.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CheckReport {
    /// The failover's name.
    pub name: Name,
    /// The endpoint in use after the check.
    pub active: Option<Name>,
    /// Every endpoint, in order.
    pub endpoints: Vec<EndpointReport>,
}

/// What a check found at one endpoint.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct EndpointReport {
    /// The endpoint.
    pub name: Name,
    /// Whether it answered well.
    pub healthy: bool,
    /// What was found, in how many attempts, in what time. An endpoint without a probe is unhealthy after no attempt.
    pub report: ProbeReport,
}
