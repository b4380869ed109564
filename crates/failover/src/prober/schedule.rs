//! When an endpoint is probed: the background task, and the intervals between rounds.

use std::{sync::Arc, time::Duration};

use mainstay_circuit_breaker::State;
use tokio::time::{Instant, timeout_at};

use super::endpoint_prober::EndpointProber;
use crate::{probe::Driven, route::FailoverState};

/// Runs the rounds of one endpoint, until the prober ends the task or the settings no longer want it.
pub(super) async fn run(endpoint: Arc<EndpointProber>, mut due: Instant) {
    let mut changes = endpoint.board.watch();
    let mut last_start = None;
    loop {
        let has_changed = timeout_at(wake_at(&endpoint, due), changes.changed()).await.is_ok();
        let now = Instant::now();
        if now < due {
            match (has_changed, last_start) {
                // The change may have changed the interval.
                (true, Some(start)) => due = next_round(&endpoint, start).min(due),
                (true, None) => {}
                // A hold has ended.
                (false, _) => endpoint.board.observe(),
            }
            continue;
        }
        // While a check runs a round, this one is skipped.
        if !endpoint.is_running() {
            endpoint.round().await;
        }
        last_start = Some(now);
        if endpoint.board.live.all().probe.driven != Driven::Background {
            return;
        }
        due = next_round(&endpoint, now);
    }
}

/// Makes the probes that requests ask for, until the prober ends the task.
pub(super) async fn answer_asks(endpoint: Arc<EndpointProber>) {
    loop {
        endpoint.endpoint().ask.wake.notified().await;
        endpoint.answer_ask().await;
    }
}

/// Returns when the round after one that is due now is due.
pub(super) fn due_after(endpoint: &EndpointProber, now: Instant) -> Instant {
    now + interval(endpoint)
}

/// Returns when the task has something to do: at the next round, or when the breaker's state may change before it.
fn wake_at(endpoint: &EndpointProber, due: Instant) -> Instant {
    let change = endpoint.endpoint().breaker.next_change().filter(|change| *change > Instant::now());
    change.map_or(due, |change| change.min(due))
}

/// Sets and returns when the round after the one that began at `start` is due. A round that ran past the start of the
/// next one skips it.
fn next_round(endpoint: &EndpointProber, start: Instant) -> Instant {
    let interval = interval(endpoint);
    let skipped = start.elapsed().as_nanos() / interval.as_nanos().max(1);
    let next = start + interval.saturating_mul((skipped + 1).try_into().unwrap_or(u32::MAX));
    endpoint.set_due(next);
    next
}

/// Returns the time from the start of one round to the next, by the endpoint's state, plus or minus 10 %.
fn interval(endpoint: &EndpointProber) -> Duration {
    let (board, breaker) = (&endpoint.board, endpoint.endpoint().breaker.snapshot());
    let probe = &board.live.all().probe;
    let (route, failed_probes) = (board.route(), endpoint.endpoint().signals.failed_probes());
    let in_use = route.index == Some(endpoint.index);
    let base = match breaker.state {
        State::Closed if failed_probes > 0 => probe.interval_counting,
        State::Closed if !in_use => probe.interval_idle,
        State::Open | State::HalfOpen if route.state == FailoverState::AllDown => probe.interval_counting,
        // Only its probes keep it away: each second without one is a second of the outage.
        State::Open if breaker.open_left.is_none_or(|left| left.is_zero()) => probe.interval_counting,
        State::Open if breaker.recovery.is_some_and(|recovery| recovery.have > 0) => probe.interval_counting,
        _ => probe.interval,
    };
    base.mul_f64(endpoint.random.between(0.9, 1.1))
}
