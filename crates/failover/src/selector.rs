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

    /// What the newest evidence says, of a request or a probe.
    fn news(&self) -> News;
}

/// What the newest evidence says of an endpoint that is not usable, from the worst to the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum News {
    /// A request could not be handed over.
    Unsent,
    /// A request failed.
    Failed,
    /// No request has told anything since the endpoint was left, and the newest probe was not good.
    Unknown,
    /// A request succeeded, or a probe after the newest failed request.
    Good,
}

/// The share of the first attempts that goes to the next endpoint while two are compared.
const COMPARED_SHARE: f64 = 0.5;

/// Where one request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// To the endpoints that admit it, in order from this one on, and after the last from the first on.
    From(usize),
    /// To the endpoints in the same order, whatever their states, because none is usable.
    Any(usize),
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
    let when_all_down = || Route { state: FailoverState::AllDown, index: when_all_down(endpoints, current, all_down) };
    usable.map_or_else(when_all_down, Route::on)
}

/// Chooses where one request goes. `share` is the share of requests that the ramp admits; `chance` is a uniform number
/// below 1, which matters during a ramp and a comparison.
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
            (None, Some(index)) => Selection::Any(index),
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
        (_, Some(index)) if control.has(Flag::Comparing) && chance < COMPARED_SHARE => {
            Selection::From(next_usable(endpoints, index).unwrap_or(index))
        }
        _ => Selection::From(first(route, control)),
    }
}

/// Returns the next endpoint in order that is usable for first attempts. By what requests say, an endpoint may be left or
/// suspended only if there is one.
pub(crate) fn next_usable(endpoints: &[impl EndpointView], index: usize) -> Option<usize> {
    let is_free = |other: &usize| endpoints[*other].is_usable() && !endpoints[*other].is_suspended();
    order(index + 1, endpoints.len()).filter(|other| *other != index).find(is_free)
}

/// Whether a request may go to this endpoint by this selection. `refuses`: while no endpoint is usable, requests are
/// refused unless one has good news.
pub(crate) fn is_candidate(endpoints: &[impl EndpointView], selection: Selection, index: usize, refuses: bool) -> bool {
    match selection {
        Selection::From(_) => endpoints[index].admits(),
        Selection::Any(_) => !refuses || endpoints[index].news() == News::Good,
        Selection::Only(only) => index == only,
        Selection::Refuse => false,
    }
}

/// Chooses the target of a second attempt: the first endpoint that admits it, other than those that were tried. One that
/// the request has not asked goes first. While no endpoint is usable, any may be the target, as for a first attempt.
pub(crate) fn second_target(
    endpoints: &[impl EndpointView],
    tried: &[usize],
    route: Route,
    control: Control,
    refuses: bool,
    is_asked: impl Fn(usize) -> bool,
) -> Option<usize> {
    if control.has(Flag::DryRun) || control.forced().is_some() {
        return None;
    }
    let choose = |first: usize, admits: &dyn Fn(usize) -> bool| {
        let targets = || order(first, endpoints.len()).filter(|index| !tried.contains(index) && admits(*index));
        targets().find(|index| !is_asked(*index)).or_else(|| targets().next())
    };
    let target = choose(first(route, control), &|index| endpoints[index].admits_second_attempt());
    match (target, route) {
        (None, Route { state: FailoverState::AllDown, index: Some(first) }) => {
            choose(first, &|index| is_candidate(endpoints, Selection::Any(first), index, refuses))
        }
        (target, _) => target,
    }
}

/// Chooses where a repeat goes, instead of where the selection leads: to the first endpoint that is usable, or while none is
/// to any, and that the request has not asked. `None` if there is none, or if the selection leaves no choice.
pub(crate) fn repeat_target(
    endpoints: &[impl EndpointView],
    selection: Selection,
    refuses: bool,
    is_asked: impl Fn(usize) -> bool,
) -> Option<usize> {
    let is_free = |index: &usize| endpoints[*index].is_usable() && !endpoints[*index].is_suspended();
    let (first, is_last_resort) = match selection {
        Selection::From(first) => (first, false),
        Selection::Any(first) => (first, true),
        Selection::Only(_) | Selection::Refuse => return None,
    };
    let may_go = |index: &usize| match is_last_resort {
        true => is_candidate(endpoints, selection, *index, refuses),
        false => is_free(index),
    };
    order(first, endpoints.len()).find(|index| may_go(index) && !is_asked(*index))
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

/// Chooses by the newest evidence: the first endpoint with good news. Without any, an endpoint with the best news there
/// are: the one in use, or else the one that the policy names, or else the first.
fn when_all_down(endpoints: &[impl EndpointView], current: Route, all_down: AllDown) -> Option<usize> {
    let news: Vec<_> = endpoints.iter().map(EndpointView::news).collect();
    let best = *news.iter().max()?;
    let first = || news.iter().position(|news| *news == best);
    let by_policy = match all_down {
        _ if best == News::Good => return first(),
        AllDown::Refuse => return None,
        AllDown::LastResort => endpoints.len() - 1,
        AllDown::PreferPrimary => 0,
    };
    let in_use = current.index.filter(|_| current.state == FailoverState::AllDown);
    in_use.into_iter().chain([by_policy]).find(|index| news.get(*index) == Some(&best)).or_else(first)
}
