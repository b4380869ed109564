//! Choices among a few words: how traffic returns, where it goes while all are down, and the state at the start.

/// Whether traffic returns without an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ReturnMode {
    /// Traffic returns as soon as the hold has ended and the recovery is complete.
    #[default]
    Automatic,
    /// Traffic returns by an operator's order ([`FailoverHandle::return_now`](crate::FailoverHandle::return_now)), or
    /// when the endpoint in use fails.
    Manual,
}

mainstay_core::labels! {
    ReturnMode:
    Automatic => "automatic",
    Manual => "manual",
}

/// Where requests go when no endpoint is usable, and requests and probes tell of none that it works. A request that fails
/// there may go on to another endpoint, unless requests are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AllDown {
    /// To the primary.
    #[default]
    PreferPrimary,
    /// Nowhere: refused with [`Reason::NoHealthyEndpoint`](mainstay_core::Reason::NoHealthyEndpoint).
    Refuse,
    /// To the last endpoint of the list.
    LastResort,
}

mainstay_core::labels! {
    AllDown:
    PreferPrimary => "prefer_primary",
    Refuse => "refuse",
    LastResort => "last_resort",
}

/// Whether endpoints are usable before their first probe, which decides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Initial {
    /// Endpoints are usable.
    #[default]
    Up,
    /// Endpoints with a probe are not usable until a first successful probe, which needs no hold. Endpoints without a
    /// probe are usable.
    Down,
}

mainstay_core::labels! {
    Initial:
    Up => "up",
    Down => "down",
}
