//! The reasons of changes of route, and of the absence of endpoints, in words.

use std::time::Duration;

use mainstay_circuit_breaker::{State, Transition};

use crate::{
    endpoint_state::EndpointState,
    route::{FailoverState, Route},
    selector::{EndpointView, News},
};

/// What precedes each reason in a dry run.
pub(crate) const DRY_RUN: &str = "dry run, nothing changes, no failure is compared: ";

/// Returns the reason of an operator's order, or of the endpoint that was left and of the one that is back.
pub(crate) fn reason(
    ordered: Option<&str>,
    endpoints: &[EndpointState],
    from: Route,
    to: Route,
    dry_run: bool,
) -> String {
    let reason = ordered.map_or_else(|| from_states(endpoints, from, to), str::to_owned);
    format!("{}{reason}", if dry_run { DRY_RUN } else { "" })
}

/// Returns a text about an endpoint, after its name.
pub(crate) fn named(endpoint: &EndpointState, what: &str) -> String {
    format!("{}: {what}", endpoint.name)
}

/// Returns why an endpoint that is not usable was left.
pub(crate) fn departure(endpoint: &EndpointState) -> String {
    newest_opening(endpoint).map(|opening| opening.reason).unwrap_or_default()
}

/// Returns the hold of the endpoint that a change of route leaves for a backup.
pub(crate) fn hold(endpoints: &[EndpointState], from: Route, to: Route) -> Option<Duration> {
    let left = left(endpoints, from).filter(|_| to.state == FailoverState::OnBackup)?;
    newest_opening(&endpoints[left])?.open_for
}

// Not by a snapshot: that would bring the breaker up to date, which emits tracing events.
fn newest_opening(endpoint: &EndpointState) -> Option<Transition> {
    endpoint.breaker.transitions().into_iter().rev().find(|change| change.to == State::Open)
}

/// Returns the endpoint that was in use and is not usable any more.
fn left(endpoints: &[EndpointState], from: Route) -> Option<usize> {
    from.index.filter(|index| from.state != FailoverState::AllDown && !endpoints[*index].is_usable())
}

fn from_states(endpoints: &[EndpointState], from: Route, to: Route) -> String {
    let newest = |index: usize| {
        let endpoint = &endpoints[index];
        let newest = endpoint.breaker.transitions().pop();
        named(endpoint, &newest.map(|newest| newest.reason).unwrap_or_default())
    };
    let left = left(endpoints, from).map(|left| named(&endpoints[left], &departure(&endpoints[left])));
    // An earlier endpoint is back.
    let back = to.index.filter(|to| from.index.is_none_or(|from| *to < from) && endpoints[*to].is_usable());
    match (left, back) {
        (Some(left), Some(back)) => return format!("{left}; {}", newest(back)),
        (Some(left), None) => return left,
        (None, _) => {}
    }
    match (from.index, to.index) {
        (_, None) => "no endpoint is usable".to_owned(),
        (from, Some(index)) if to.state == FailoverState::AllDown => match endpoints[index].news() == News::Good {
            true => named(&endpoints[index], "its newest request or probe succeeded"),
            false => named(&endpoints[from.unwrap_or(index)], "its newest request or probe failed"),
        },
        (_, Some(index)) => newest(index),
    }
}
