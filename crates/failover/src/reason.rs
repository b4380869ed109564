//! The reason of a change of route, in words.

use crate::{
    endpoint_state::EndpointState,
    route::{FailoverState, Route},
    selector::EndpointView,
};

/// Returns the reason of an operator's order, of the endpoint that was left, or of the one that is back.
pub(crate) fn reason(
    ordered: Option<&str>,
    endpoints: &[EndpointState],
    from: Route,
    to: Route,
    dry_run: bool,
) -> String {
    let reason = ordered.map_or_else(|| from_states(endpoints, from, to), str::to_owned);
    match dry_run {
        true => format!("dry run, nothing changes, no failure is compared: {reason}"),
        false => reason,
    }
}

fn from_states(endpoints: &[EndpointState], from: Route, to: Route) -> String {
    let named = |index: usize, what: Option<&str>| {
        let EndpointState { name, breaker, .. } = &endpoints[index];
        // Not by a snapshot: that would bring the breaker up to date, which emits tracing events.
        let own = || breaker.transitions().pop().map(|last| last.reason).unwrap_or_default();
        format!("{}: {}", name, what.map_or_else(own, str::to_owned))
    };
    let left = from.index.filter(|index| from.state != FailoverState::AllDown && !endpoints[*index].is_usable());
    match (left, to.index) {
        (Some(left), _) => named(left, None),
        (None, None) => "no endpoint is usable".to_owned(),
        (None, Some(index)) if to.state == FailoverState::AllDown => match endpoints[index].has_good_news() {
            true => named(index, Some("its newest evidence is good")),
            false => named(index, Some("no endpoint is better")),
        },
        (None, Some(index)) => named(index, None),
    }
}
