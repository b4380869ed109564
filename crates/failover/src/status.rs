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
    change: u64,
    /// The sum of the epochs of the endpoints.
    epochs: u64,
    /// The endpoint in use, if requests fail there and no other endpoint is usable.
    condemned: Option<usize>,
    /// Whether many requests fail at every endpoint.
    pub(crate) everywhere: bool,
    /// The first endpoint that is overdue.
    overdue: Option<usize>,
    dry_run: bool,
}

/// Returns what the status depends on.
pub(crate) fn basis(
    endpoints: &[EndpointState],
    route: Route,
    change: u64,
    epochs: u64,
    everywhere: bool,
    dry_run: bool,
) -> Basis {
    let is_condemned = |index: &usize| {
        endpoints[*index].is_condemned.load(Relaxed) && selector::next_usable(endpoints, *index).is_none()
    };
    Basis {
        change,
        epochs,
        condemned: route.index.filter(is_condemned).filter(|_| route.state != FailoverState::AllDown),
        everywhere,
        overdue: endpoints.iter().position(|endpoint| endpoint.overdue.is_reported()),
        dry_run,
    }
}

/// Returns level and reason of the status. `last` is the reason of the newest change of route.
pub(crate) fn describe(basis: Basis, endpoints: &[EndpointState], route: Route, last: &str) -> (Level, String) {
    let (mut level, mut texts) = (route.state.level(), Vec::new());
    if let Some(index) = basis.condemned {
        level = Level::Unhealthy;
        texts.push(named(&endpoints[index], "requests fail, and no other endpoint is usable"));
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
    if basis.everywhere {
        level = level.max(Level::Degraded);
        texts.push("many of the last 100 requests failed at every endpoint".to_owned());
    }
    if let Some(index) = basis.overdue {
        level = level.max(Level::Degraded);
        texts.push(named(&endpoints[index], "requests wait past the delay, and none is answered"));
    }
    let prefix = if basis.dry_run && level != Level::Healthy { DRY_RUN } else { "" };
    (level, format!("{prefix}{}", texts.join("; ")))
}
