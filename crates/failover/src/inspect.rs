//! The handle's snapshot, built from the switchboard and the prober.

use std::{fmt, time::Duration};

use mainstay_circuit_breaker::{BreakerSnapshot, Recovery, State};
use tokio::time::Instant;

use crate::{
    control::Flag,
    counters::{FAILED_EVERYWHERE, REFUSED, SECOND_ON_DELAY, SECOND_ON_ERROR, SECOND_REFUSED, SECOND_WON},
    handle::FailoverHandle,
    prober::{EndpointProber, Prober},
    reason::departure,
    route::{FailoverState, Route},
    second_attempt::delay,
    settings::ReturnMode,
    snapshot::{EndpointSnapshot, FailoverSnapshot, SecondAttempts, tenths},
    switchboard::Switchboard,
};

impl FailoverHandle {
    /// Returns a snapshot of the failover and its endpoints, without I/O.
    #[must_use]
    pub fn snapshot(&self) -> FailoverSnapshot {
        let (board, prober, now) = (&*self.board, &*self.prober, Instant::now());
        board.observe();
        board.review_comparison();
        let (route, epoch, for_time, reason, fails_everywhere) = {
            let locked = board.lock();
            let log = &locked.log;
            let reason = log.last().map(|last| last.reason.clone()).unwrap_or_default();
            (
                board.route(),
                log.sequence(),
                now.saturating_duration_since(log.since()),
                reason,
                locked.status.0.everywhere,
            )
        };
        let active = route.index.and_then(|index| board.endpoints.get(index));
        let indices = 0..board.endpoints.len();
        let endpoints: Vec<_> = indices.map(|index| endpoint(board, prober, index, route, now)).collect();
        let counts = board.counters.read();
        FailoverSnapshot {
            name: board.name.clone(),
            state: route.state,
            active: active.map(|endpoint| endpoint.name.clone()),
            url: active.and_then(|endpoint| endpoint.url.as_ref().map(ToString::to_string)),
            dry_run: board.control.load().has(Flag::DryRun),
            for_time,
            reason,
            epoch,
            earliest_return: earliest_return(board, route, &endpoints),
            second_attempts: SecondAttempts {
                on_error: counts[SECOND_ON_ERROR],
                on_delay: counts[SECOND_ON_DELAY],
                won: counts[SECOND_WON],
                refused: counts[SECOND_REFUSED],
            },
            refused: counts[REFUSED],
            failed_everywhere: counts[FAILED_EVERYWHERE],
            failed_everywhere_lately: board.everywhere.tally(),
            failed_everywhere_kinds: board.everywhere.kinds.to_string(),
            fails_everywhere,
            probing: !board.control.load().has(Flag::ProberNotStarted),
            endpoints,
        }
    }
}

impl fmt::Debug for FailoverHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FailoverHandle({})", self.snapshot())
    }
}

fn endpoint(board: &Switchboard, prober: &Prober, index: usize, route: Route, now: Instant) -> EndpointSnapshot {
    let (endpoint, prober) = (&board.endpoints[index], prober.endpoints[index].as_deref());
    let breaker = endpoint.breaker.snapshot();
    // While no endpoint is usable, an endpoint that recovers by probes needs no hold.
    let recovers_by_probes = matches!(endpoint.breaker.settings().recovery, Recovery::Probes { .. });
    let is_waived = route.state == FailoverState::AllDown && recovers_by_probes;
    let hold_left = breaker.open_left.filter(|left| !left.is_zero() && !is_waived);
    let [probes, probes_failed, probes_late] = prober.map(EndpointProber::counts).unwrap_or_default();
    EndpointSnapshot {
        name: endpoint.name.clone(),
        url: endpoint.url.as_ref().map(ToString::to_string),
        active: route.index == Some(index),
        hold_left,
        departures: breaker.openings,
        consecutive_failures: endpoint.signals.consecutive_failures(),
        failed_probes: endpoint.signals.failed_probes(),
        failure_kinds: endpoint.kinds.to_string(),
        compared: endpoint.signals.compared(),
        suspended: endpoint.ask.is_suspended(),
        suspensions: endpoint.ask.suspensions(),
        compared_with: board.comparison.partner(index).map(|partner| board.endpoints[partner].name.clone()),
        comparisons: endpoint.ask.comparisons(),
        overdue: endpoint.overdue.waiting(),
        cause: if breaker.state == State::Closed { String::new() } else { departure(endpoint) },
        missing: missing(&breaker, hold_left, recovers_by_probes),
        second_attempt_delay: delay(endpoint, &board.live),
        median_answer: board.live.slow_ratio().and_then(|_| endpoint.answers.median(20)),
        probe_url: prober.and_then(EndpointProber::address),
        last_probe: prober.and_then(EndpointProber::newest),
        next_probe: prober.and_then(|prober| prober.due_in(now)),
        probes,
        probes_failed,
        probes_late,
        budget: endpoint.budget.snapshot(),
        breaker,
    }
}

/// Returns the time until the primary can be usable if every probe from now on succeeds: after its hold, and after the
/// rounds that its recovery still needs.
fn earliest_return(board: &Switchboard, route: Route, endpoints: &[EndpointSnapshot]) -> Option<Duration> {
    let settings = board.live.all();
    let primary = endpoints.first().filter(|_| route.index != Some(0) || route.state == FailoverState::AllDown)?;
    if route.state == FailoverState::Forced || settings.return_mode == ReturnMode::Manual {
        return None;
    }
    let hold = primary.hold_left.unwrap_or_default();
    if route.state == FailoverState::AllDown && !hold.is_zero() {
        // Trial requests may begin before the end of the hold.
        return None;
    }
    let rounds = match primary.breaker.recovery.map(|recovery| recovery.need - recovery.have) {
        Some(0) | None => Duration::ZERO,
        Some(n) => primary.next_probe? + settings.probe.interval_counting.mul_f64(0.9) * (n - 1),
    };
    Some(hold.max(rounds))
}

/// Returns what is missing for an endpoint to be usable, in the words of logs, pages and `Debug`.
fn missing(breaker: &BreakerSnapshot, hold_left: Option<Duration>, recovers_by_probes: bool) -> String {
    let hold = hold_left.map(|left| format!("hold {}", tenths(left)));
    let what = if recovers_by_probes { "probes" } else { "trial requests" };
    let recovery = breaker.recovery.filter(|recovery| recovery.have < recovery.need);
    let recovery = recovery.map(|recovery| format!("{what} {} of {}", recovery.have, recovery.need));
    match breaker.state {
        State::Closed => String::new(),
        _ => hold.into_iter().chain(recovery).collect::<Vec<_>>().join(", "),
    }
}
