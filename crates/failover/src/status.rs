//! The status that a failover publishes, from its route, its endpoints, and what requests say.

use std::sync::atomic::Ordering::Relaxed;

use mainstay_core::Level;

use crate::{
    endpoint_state::EndpointState,
    reason::{DRY_RUN, departure, named},
    route::{FailoverState, Route},
    selector::{self, EndpointView},
};

/// What the status depends on. The status is published again when this changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Basis {
    /// The number of the newest change of route.
    pub(crate) change: u64,
    /// The sum of the epochs of the endpoints.
    pub(crate) epochs: u64,
    /// The endpoint in use, if requests have failed there for a while and no other endpoint is usable.
    pub(crate) condemned: Option<Condemned>,
    /// Whether many requests have failed at every endpoint for a while.
    pub(crate) everywhere: bool,
    /// The first endpoint that is overdue.
    pub(crate) overdue: Option<usize>,
    pub(crate) dry_run: bool,
}

/// An endpoint where requests fail, and that is not left because no other one is usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Condemned {
    pub(crate) index: usize,
    /// Whether its newest probe is good: then it works for some requests at least.
    pub(crate) has_good_probe: bool,
}

/// Returns the endpoint in use, if no other one is usable: what requests say about it cannot change the route.
pub(crate) fn last_usable(endpoints: &[EndpointState], route: Route) -> Option<usize> {
    let index = route.index.filter(|_| route.state != FailoverState::AllDown);
    index.filter(|index| selector::next_usable(endpoints, *index).is_none())
}

/// Whether requests say that the endpoint should be left.
pub(crate) fn is_condemned(endpoint: &EndpointState) -> bool {
    endpoint.is_condemned.load(Relaxed)
}

/// Returns the endpoints after the one in use that would not take over.
pub(crate) fn uncovered(endpoints: &[EndpointState], route: Route) -> impl Iterator<Item = (usize, &EndpointState)> {
    let is_chosen = matches!(route.state, FailoverState::OnPrimary | FailoverState::OnBackup);
    let first = route.index.filter(|_| is_chosen).map_or(endpoints.len(), |index| index + 1);
    endpoints.iter().enumerate().skip(first).filter(|(_, endpoint)| endpoint.is_open())
}

/// Returns level and reason of the status. `last` is the reason of the newest change of route.
pub(crate) fn describe(basis: Basis, endpoints: &[EndpointState], route: Route, last: &str) -> (Level, String) {
    let (mut level, mut texts) = (route.state.level(), Vec::new());
    if let Some(Condemned { index, has_good_probe }) = basis.condemned {
        let kinds = endpoints[index].kinds.in_parentheses();
        let (own, although) = match has_good_probe {
            true => (Level::Degraded, " although its probe is good"),
            false => (Level::Unhealthy, ""),
        };
        level = level.max(own);
        let what = format!("requests fail{kinds}{although}, and no other endpoint is usable");
        texts.push(named(&endpoints[index], &what));
    }
    let out = |endpoints: &[EndpointState]| {
        let out = endpoints.iter().filter(|endpoint| !endpoint.is_usable());
        out.map(|endpoint| named(endpoint, &departure(endpoint))).collect::<Vec<_>>()
    };
    match (route.state, route.index) {
        (FailoverState::AllDown, _) => texts.push(format!("all endpoints are down: {}", out(endpoints).join("; "))),
        (FailoverState::Forced, Some(index)) => {
            texts.push(last.to_owned());
            let forced = out(&endpoints[index..=index]);
            if !forced.is_empty() {
                level = Level::Unhealthy;
                texts.extend(forced);
            }
        }
        (FailoverState::OnBackup, Some(index)) => {
            let earlier = &endpoints[..index];
            texts.extend(out(earlier));
            if let Some(usable) = earlier.iter().find(|endpoint| endpoint.is_usable()) {
                texts.push(named(usable, "is usable; traffic returns when return_now() is called"));
            }
        }
        _ => {}
    }
    let active = route.index.map_or("", |index| &endpoints[index].name);
    for (_, standby) in uncovered(endpoints, route) {
        level = level.max(Level::Degraded);
        texts.push(named(standby, &no_cover(active, &departure(standby))));
    }
    if basis.everywhere {
        level = level.max(Level::Degraded);
        texts.push(format!("in the last minute many requests {FAILED_EVERYWHERE}"));
    }
    if let Some(index) = basis.overdue {
        level = level.max(Level::Degraded);
        texts.push(named(&endpoints[index], "requests wait past the delay, and none is answered"));
    }
    let prefix = if basis.dry_run && level != Level::Healthy { DRY_RUN } else { "" };
    (level, format!("{prefix}{}", texts.join("; ")))
}

/// What is known of requests that failed at every endpoint.
pub(crate) const FAILED_EVERYWHERE: &str = "failed at every endpoint that they were sent to: the cause is one route or \
                                            client, or something that all endpoints share";

/// Returns what the cause of a standby's departure means for the endpoint in use.
pub(crate) fn no_cover(active: &str, cause: &str) -> String {
    format!("no cover for {active}: {cause}")
}
