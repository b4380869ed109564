//! The selector: which endpoint is in use, and where one request goes.
//!
//! Pure functions over the states of the endpoints: the same states give the same choice. They are generic over what
//! they read of an endpoint, so that an endpoint's state is loaded only when the choice depends on it.

use crate::{
    control::{Control, Flag},
    route::{FailoverState, Route},
    settings::AllDown,
};

#[cfg(test)]
mod tests;

/// What the selector reads of one endpoint.
pub(crate) trait EndpointView {
    /// Whether traffic may stay at the endpoint.
    fn is_usable(&self) -> bool;

    /// Whether first attempts should go elsewhere while a probe decides on the endpoint.
    fn is_suspended(&self) -> bool;

    /// Whether one request may go to the endpoint: it is usable, or has a trial call free.
    fn admits(&self) -> bool;

    /// The same for a second attempt, which may also go to an endpoint in its hold whose newest probe is good. Reads the
    /// breaker itself, because for an endpoint that is not in use no request has noticed yet that its hold has ended.
    fn admits_second_attempt(&self) -> bool;

    /// Whether the newest evidence is good, of a request or a probe.
    fn has_good_news(&self) -> bool;
}

/// Where one request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// To the endpoints that admit it, in order from this one on, and after the last from the first on.
    From(usize),
    /// To this endpoint, whatever its state.
    Only(usize),
    /// To no endpoint: the request is refused.
    Refuse,
}

/// Chooses the endpoint that should be in use, given the route in force.
pub(crate) fn choose_route(
    endpoints: &[impl EndpointView],
    current: Route,
    control: Control,
    all_down: AllDown,
) -> Route {
    if let Some(index) = control.forced() {
        return Route { state: FailoverState::Forced, index: Some(index) };
    }
    let usable = order(first(current, control), endpoints.len()).find(|index| endpoints[*index].is_usable());
    usable.map_or_else(|| Route { state: FailoverState::AllDown, index: when_all_down(endpoints, all_down) }, Route::on)
}

/// Chooses where one request goes. `share` is the share of requests that the ramp admits, `chance` a uniform number
/// below 1; both matter only during a ramp.
pub(crate) fn select(
    endpoints: &[impl EndpointView],
    route: Route,
    control: Control,
    share: f64,
    chance: f64,
) -> Selection {
    match (route.state, route.index) {
        _ if control.has(Flag::DryRun) => Selection::Only(0),
        (FailoverState::AllDown, index) => match (endpoints.iter().position(EndpointView::admits), index) {
            (Some(trial), _) => Selection::From(trial),
            (None, Some(index)) => Selection::Only(index),
            (None, None) => Selection::Refuse,
        },
        (_, None) => Selection::Refuse,
        (FailoverState::Forced, Some(index)) => Selection::Only(index),
        (_, Some(index)) if control.has(Flag::Ramping) => {
            let next = || (index + 1..endpoints.len()).find(|next| endpoints[*next].is_usable());
            Selection::From(if chance < share { index } else { next().unwrap_or(index) })
        }
        _ if control.has(Flag::Suspended) => {
            let first = first(route, control);
            let mut order = order(first, endpoints.len());
            let free = order.find(|index| endpoints[*index].is_usable() && !endpoints[*index].is_suspended());
            Selection::From(free.unwrap_or(first))
        }
        _ => Selection::From(first(route, control)),
    }
}

/// Whether an endpoint may be left, or suspended, by what requests say: another endpoint must be usable for first
/// attempts.
pub(crate) fn has_alternative(endpoints: &[impl EndpointView], index: usize) -> bool {
    let mut others = endpoints.iter().enumerate().filter(|(other, _)| *other != index);
    others.any(|(_, other)| other.is_usable() && !other.is_suspended())
}

/// Chooses the target of a second attempt: the first endpoint that admits it, other than those that were tried. One that
/// the request has not asked goes first.
pub(crate) fn second_target(
    endpoints: &[impl EndpointView],
    tried: &[usize],
    route: Route,
    control: Control,
    is_asked: impl Fn(usize) -> bool,
) -> Option<usize> {
    if control.has(Flag::DryRun) || control.forced().is_some() {
        return None;
    }
    let targets = || {
        let order = order(first(route, control), endpoints.len());
        order.filter(|index| !tried.contains(index) && endpoints[*index].admits_second_attempt())
    };
    targets().find(|index| !is_asked(*index)).or_else(|| targets().next())
}

/// Chooses where a repeat goes, instead of where the selection leads: to the first usable endpoint that the request has
/// not asked. `None` if there is none, or if the selection leaves no choice.
pub(crate) fn repeat_target(
    endpoints: &[impl EndpointView],
    selection: Selection,
    is_asked: impl Fn(usize) -> bool,
) -> Option<usize> {
    let Selection::From(first) = selection else { return None };
    let is_free = |index: &usize| endpoints[*index].is_usable() && !endpoints[*index].is_suspended();
    order(first, endpoints.len()).find(|index| is_free(index) && !is_asked(*index))
}

/// Returns every index below `n` once, in order from `first` on, and after the last from the first on.
#[inline]
pub(crate) fn order(first: usize, n: usize) -> impl Iterator<Item = usize> {
    (first..n).chain(0..first.min(n))
}

/// Returns where the search begins: at the primary, or, while traffic returns only by an order, at the endpoint in use.
fn first(route: Route, control: Control) -> usize {
    match route {
        Route { state: FailoverState::OnBackup, index: Some(index) } if control.has(Flag::ManualReturn) => index,
        _ => 0,
    }
}

/// Chooses by the newest evidence: the first endpoint with good news. Without any, the policy decides.
fn when_all_down(endpoints: &[impl EndpointView], all_down: AllDown) -> Option<usize> {
    let by_policy = match all_down {
        AllDown::Refuse => None,
        AllDown::LastResort => Some(endpoints.len() - 1),
        AllDown::PreferPrimary => Some(0),
    };
    endpoints.iter().position(EndpointView::has_good_news).or(by_policy)
}
