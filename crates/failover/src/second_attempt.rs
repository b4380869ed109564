//! When a second attempt of a request at another endpoint starts, and what pays for it.
//!
//! It starts when the first attempt fails, when the first attempt has given no answer within [the delay](delay), or,
//! where the budget refused that, when the first endpoint is left or suspended while the request still waits for it.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use mainstay_core::{Class, Cost, Outcome, Overload, Repeat, Reservation};
use tokio::time::Instant;

use crate::{
    counters::{SECOND_ON_DELAY, SECOND_ON_ERROR, SECOND_REFUSED},
    endpoint_state::EndpointState,
    history::History,
    live::LiveSettings,
    permit::EndpointPermit,
    switchboard::Switchboard,
};

/// Why a second attempt starts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    /// The first attempt failed. `unsent`: its request was not sent, so that any request may be sent elsewhere.
    Error { throttled: bool, unsent: bool },
    /// The first attempt gave no answer within the delay.
    Delay,
    /// The first endpoint was left while the request waited for it.
    Left,
}

/// Returns how long a request waits for an answer of this endpoint before its second attempt: the endpoint's 99th
/// percentile, within `delay` and `max_delay`; until there are enough answers `max_delay` or a second, the shorter. `None`
/// when only errors start a second attempt.
pub(crate) fn delay(endpoint: &EndpointState, live: &LiveSettings) -> Option<Duration> {
    let least = live.delay.load()?;
    let most = live.max_delay.load().max(least);
    let unknown = || Duration::from_secs(1).min(most);
    Some(endpoint.latency.p99().unwrap_or_else(unknown).clamp(least, most))
}

/// Whether the delay of an endpoint is an estimate of its own answers, or the operator's fixed one. Before, a missing answer
/// says little: of an endpoint that is usually slow every answer is missing. Without a probe it counts all the same, since
/// nothing else can decide.
pub(crate) fn is_delay_measured(endpoint: &EndpointState, live: &LiveSettings) -> bool {
    let is_fixed = live.delay.load().is_some_and(|least| live.max_delay.load() <= least);
    is_fixed || !endpoint.is_probed || endpoint.latency.p99().is_some()
}

/// Returns how long a request waits for an answer of this endpoint before its silence counts in a rate: `abandoned_after`,
/// and twice that until the delay is measured. `None` when it never counts.
pub(crate) fn long_silence(endpoint: &EndpointState, live: &LiveSettings) -> Option<Duration> {
    let abandoned_after = live.abandoned_after.load()?;
    Some(if is_delay_measured(endpoint, live) { abandoned_after } else { abandoned_after.saturating_mul(2) })
}

/// Whether an endpoint that has not answered for this long is later than usual: than its 99th percentile, as long as that is
/// known, but not less than 50 ms; else than the shortest delay.
pub(crate) fn is_overdue(endpoint: &EndpointState, live: &LiveSettings, waited: Duration) -> bool {
    let delay = live.delay.load().unwrap_or_default();
    let least = delay.min(Duration::from_millis(50));
    waited >= endpoint.latency.p99().map_or(delay, |p99| p99.max(least))
}

/// Whether a second attempt may do better: the answer is a failure, an overload, or a refusal by a layer below.
pub(crate) fn is_bad(outcome: &Outcome) -> bool {
    outcome.is_failure() || outcome.class() == Class::Rejected
}

/// Returns the cause for a second attempt that this outcome is, if it is one.
pub(crate) fn cause(live: &LiveSettings, outcome: &Outcome) -> Option<Cause> {
    let is_limited = matches!(outcome, Outcome::Overloaded { whose: Overload::Caller, .. });
    if is_limited && !live.on_rate_limited.load(Relaxed) {
        return None;
    }
    let deserves = outcome.is_failure() || (is_bad(outcome) && live.on_rejected.load(Relaxed));
    let throttled = outcome.class() == Class::Overloaded;
    (deserves && outcome.repeat() != Repeat::Never).then_some(Cause::Error { throttled, unsent: outcome.is_unsent() })
}

/// A permit for a second attempt, and the reservation that pays for it.
pub(crate) type Paid = (EndpointPermit, Option<Reservation>);

/// Returns a permit for a second attempt at an endpoint other than those that were tried, and the reservation that pays for
/// it. A request whose endpoint was left needs none, since each such request is sent once more at most, and neither does one
/// that was not sent: it has cost its endpoint nothing.
pub(crate) fn acquire(
    board: &Switchboard,
    tried: &[usize],
    cause: Cause,
    history: &History,
    now: Instant,
) -> Option<Paid> {
    let index = board.untried_target(tried, history)?;
    let endpoint = &board.endpoints[index];
    let permit = || endpoint.acquire_second(index).or_else(|| board.acquire_last_resort(index));
    let cost = match cause {
        Cause::Left | Cause::Error { unsent: true, .. } => return Some((permit()?, None)),
        Cause::Error { throttled: true, .. } => Cost::Throttled,
        Cause::Error { throttled: false, .. } | Cause::Delay => Cost::Retry,
    };
    let reservation = endpoint.budget.reserve(cost, now);
    if reservation.is_none() {
        board.counters.add(SECOND_REFUSED);
    }
    Some((permit()?, Some(reservation?)))
}

// === impl Cause ===

impl Cause {
    /// Whether the first attempt was not sent.
    pub(crate) fn is_unsent(self) -> bool {
        matches!(self, Self::Error { unsent: true, .. })
    }

    pub(crate) fn counter(self) -> usize {
        match self {
            Self::Error { .. } => SECOND_ON_ERROR,
            Self::Delay | Self::Left => SECOND_ON_DELAY,
        }
    }
}
