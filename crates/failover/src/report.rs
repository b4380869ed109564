//! The report of a check on demand.

use mainstay_core::Name;

use crate::probe::ProbeReport;

/// The report of [`check_now`](crate::FailoverHandle::check_now).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CheckReport {
    /// The failover's name.
    pub name: Name,
    /// The endpoint in use after the check; `None` while requests are refused.
    pub active: Option<Name>,
    /// Every endpoint's report, in order.
    pub endpoints: Vec<EndpointReport>,
}

/// The report of a check of one endpoint.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct EndpointReport {
    /// The endpoint's name.
    pub name: Name,
    /// Whether the probe succeeded.
    pub healthy: bool,
    /// The round's outcome, attempts and duration. An endpoint without a probe is unhealthy after no attempt.
    pub report: ProbeReport,
}
