//! The status that a failover publishes, from its route and from what requests say.

use std::sync::atomic::Ordering::Relaxed;

use mainstay_core::Level;

use crate::{
    endpoint_state::EndpointState,
    everywhere::Everywhere,
    route::{FailoverState, Route},
};

/// Why the status is what it is. The status is published again when this changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The route, since this change of it.
    Route(u64),
    /// Requests fail at the last usable endpoint.
    Condemned(usize),
    /// Many requests fail at every endpoint.
    Everywhere,
}

/// Returns the cause of the status.
pub(crate) fn cause(endpoints: &[EndpointState], everywhere: &Everywhere, route: Route, change: u64) -> Cause {
    let condemned = route.index.filter(|index| endpoints[*index].is_condemned.load(Relaxed));
    match condemned {
        _ if route.state == FailoverState::AllDown => Cause::Route(change),
        Some(index) => Cause::Condemned(index),
        None if everywhere.is_notable() => Cause::Everywhere,
        None => Cause::Route(change),
    }
}

/// Returns level and reason of the status. `reason` is the reason of the last change of route.
pub(crate) fn describe(
    cause: Cause,
    endpoints: &[EndpointState],
    everywhere: &Everywhere,
    route: Route,
    reason: &str,
) -> (Level, String) {
    let level = route.state.level();
    match cause {
        Cause::Route(_) if level == Level::Healthy => (level, String::new()),
        Cause::Route(_) => (level, reason.to_owned()),
        Cause::Condemned(index) => {
            let name = &endpoints[index].name;
            (Level::Unhealthy, format!("{name}: requests fail, and no other endpoint is usable"))
        }
        Cause::Everywhere => {
            let tally = everywhere.tally();
            let failed = format!("{} of the last {} requests failed at every endpoint", tally.hits, tally.calls);
            (if level == Level::Healthy { Level::Degraded } else { level }, failed)
        }
    }
}
