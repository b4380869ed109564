//! When an endpoint is left: what the failures of requests and the probes that they ask for lead to.
//!
//! The [signals](crate::signals) of an endpoint count, and say what they call for. This file carries it out: asks for a
//! probe, suspends the endpoint while that runs, or opens its breaker. By what requests say, an endpoint is left only
//! for another usable one.

use std::sync::{MutexGuard, PoisonError, TryLockError, atomic::Ordering::Relaxed};

use mainstay_circuit_breaker::State;
use mainstay_core::Outcome;
use tokio::time::Instant;

use crate::{
    ask::Asked,
    control::Flag,
    counters::FAILED_EVERYWHERE,
    decision::{Decision, Signal, WithoutProbe},
    endpoint_state::EndpointState,
    route::FailoverState,
    selector::{self, EndpointView, News},
    sent::Sent,
    switchboard::{NEVER, Switchboard},
    weight::Weight,
};

impl Switchboard {
    /// Records a failed attempt at an endpoint. What was sent before a change or a suspension changes nothing.
    #[cold]
    pub(crate) fn record_failure(&self, sent: Sent, weight: Weight) {
        let Some(endpoint) = self.endpoints.get(sent.index).filter(|_| self.is_current(sent)) else { return };
        if self.is_status_due() {
            self.observe();
        }
        let news = endpoint.news();
        endpoint.newest.record_failure(weight);
        if !endpoint.is_usable() {
            self.observe_news(endpoint, news);
            return;
        }
        if weight == Weight::FailedEverywhere && self.endpoints.len() > 2 {
            // An endpoint that was not asked might have answered: a probe tells more, at once.
            let reason = "a request failed at two endpoints".to_owned();
            let without_probe = WithoutProbe::Stay;
            return self.carry_out(sent, Decision::Ask { proven: false, without_probe, reason });
        }
        // Before the decision, which may begin a comparison: this attempt was sent earlier.
        let is_compared = weight.counts_in_comparison() && self.control.load().has(Flag::Comparing);
        let decision = endpoint.signals.record(weight, self.live.limits(), sent.epoch as u16);
        self.carry_out(sent, decision);
        if is_compared {
            self.record_compared(sent.index, true);
        }
    }

    /// Records that another endpoint has answered a request that failed here earlier.
    #[cold]
    pub(crate) fn record_proof(&self, index: usize) {
        let Some(endpoint) = self.endpoints.get(index).filter(|endpoint| endpoint.is_usable()) else { return };
        let (epoch, period) = (endpoint.breaker.epoch(), endpoint.ask.period());
        let decision = endpoint.signals.prove(self.live.limits(), epoch as u16);
        self.carry_out(Sent { index, epoch, period }, decision);
    }

    /// Records a request that failed at every endpoint that it was sent to, once for each request. While all endpoints are
    /// down, such requests say nothing new.
    #[cold]
    pub(crate) fn record_failed_everywhere(&self, outcome: &Outcome) {
        self.counters.add(FAILED_EVERYWHERE);
        if self.route().state == FailoverState::AllDown {
            return;
        }
        let were_many = self.everywhere.are_many();
        let now = self.nanos(Instant::now());
        self.everywhere.record(now, outcome);
        self.endpoints.iter().for_each(|endpoint| endpoint.signals.mark());
        if self.everywhere.review(now) != were_many || self.is_status_due() {
            self.observe();
        }
    }

    /// Records a success that may change something: it ends streaks, counts in rates, and is good news of an endpoint
    /// that is not usable.
    #[cold]
    pub(crate) fn record_marked_success(&self, index: usize, epoch: u64) {
        let endpoint = &self.endpoints[index];
        if endpoint.breaker.epoch() != epoch {
            return;
        }
        if !endpoint.is_usable() {
            let news = endpoint.news();
            endpoint.newest.record_success();
            self.observe_news(endpoint, news);
            return;
        }
        self.end_overdue(index);
        let were_many = self.everywhere.are_many();
        let is_compared = self.control.load().has(Flag::Comparing);
        let nowhere = self.everywhere.record_success() && self.status_at.load(Relaxed) == NEVER;
        endpoint.signals.record_success(epoch as u16, nowhere && !is_compared);
        if is_compared {
            self.record_compared(index, false);
        }
        let limits = self.live.limits().of_recovery();
        let recovers = endpoint.is_condemned.load(Relaxed) && !endpoint.signals.reaches(limits);
        if recovers {
            endpoint.is_condemned.store(false, Relaxed);
        }
        let are_few = || were_many && !self.everywhere.review(self.nanos(Instant::now()));
        if recovers || are_few() || self.is_status_due() {
            self.observe();
        }
    }

    /// Records the outcome of a scheduled probe of a usable endpoint, and leaves it when enough have failed in a row.
    pub(crate) fn record_probe_of_usable(&self, index: usize, epoch: u64, failure: Option<String>) {
        let endpoint = &self.endpoints[index];
        let failed = endpoint.signals.record_probe(failure.is_none());
        if let Some(failure) = failure.filter(|_| failed >= self.live.all().probe.failures) {
            let reason = match failed {
                1 => format!("1 probe failed: {failure}"),
                _ => format!("{failed} probes failed in a row: {failure}"),
            };
            self.leave(Sent { index, epoch, period: 0 }, Signal::Probes, reason);
        }
    }

    /// Records the outcome of a probe that requests have asked for: a good one forgets the streak (a proven one once), a
    /// bad one ends the endpoint's use.
    pub(crate) fn record_asked_probe(&self, index: usize, epoch: u64, failure: Option<String>) {
        let endpoint = &self.endpoints[index];
        let streak = endpoint.signals.consecutive_failures();
        self.end_ask(index);
        match failure {
            None => {
                endpoint.signals.record_probe(true);
                endpoint.signals.pass_probe(self.live.limits());
            }
            Some(failure) => {
                let reason = format!("{streak} failures in a row, and the probe failed: {failure}");
                self.leave(Sent { index, epoch, period: 0 }, Signal::Probes, reason);
            }
        }
    }

    /// Ends a suspension and the request for a probe.
    pub(crate) fn end_ask(&self, index: usize) {
        let _alone = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        self.endpoints[index].ask.end();
        self.control.set(Flag::Suspended, self.endpoints.iter().any(EndpointView::is_suspended));
    }

    /// Brings the route up to date if the newest evidence of an endpoint has changed while all are down.
    fn observe_news(&self, endpoint: &EndpointState, before: News) {
        if endpoint.news() != before && self.route().state == FailoverState::AllDown {
            self.observe();
        }
    }

    fn carry_out(&self, sent: Sent, decision: Decision) {
        match decision {
            Decision::Stay => {}
            Decision::Leave { signal, reason } => self.leave(sent, signal, reason),
            Decision::Compare { reason } => self.begin_comparison(sent, reason),
            Decision::Ask { proven, without_probe, reason } => {
                match (self.ask(&self.endpoints[sent.index]), without_probe) {
                    (Some(Asked::Now | Asked::Earlier), _) if proven => self.suspend(sent.index),
                    (Some(Asked::Now | Asked::Earlier | Asked::TooSoon), _) => {}
                    (None | Some(Asked::Lost), WithoutProbe::Stay) => {}
                    (None | Some(Asked::Lost), WithoutProbe::Compare) => self.begin_comparison(sent, reason),
                    (None | Some(Asked::Lost), WithoutProbe::Leave) => self.leave(sent, Signal::Requests, reason),
                }
            }
        }
    }

    /// Asks for a probe of the endpoint. `None` if there is none to ask for.
    fn ask(&self, endpoint: &EndpointState) -> Option<Asked> {
        let can_ask = endpoint.is_probed
            && self.live.probes_on_request.load(Relaxed)
            && !self.control.load().has(Flag::ProberNotStarted);
        can_ask.then(|| endpoint.ask.ask(self.nanos(Instant::now()), self.live.asked_probe_timeout.load()))
    }

    fn suspend(&self, index: usize) {
        let has_suspended = {
            let Some(_alone) = self.try_leaving() else { return };
            let suspends =
                selector::next_usable(&self.endpoints, index).is_some() && self.endpoints[index].ask.suspend();
            if suspends {
                self.control.set(Flag::Suspended, true);
            }
            suspends
        };
        if has_suspended {
            // Debug: as often as once a second while an endpoint that fails requests has good probes.
            let (failover, endpoint) = (&*self.name, &*self.endpoints[index].name);
            tracing::debug!(failover, endpoint, "endpoint suspended until the probe that its failures have asked for");
            self.announce();
        }
    }

    /// Leaves an endpoint. Under a lock, because two threads must not leave the last two endpoints for each other; a
    /// request that finds the lock taken leaves the decision to the next failure.
    pub(crate) fn leave(&self, sent: Sent, signal: Signal, reason: String) {
        let endpoint = &self.endpoints[sent.index];
        let reason = match signal {
            Signal::Requests => reason + &endpoint.kinds.in_parentheses(),
            Signal::Connect | Signal::Probes => reason,
        };
        // Dropped after the lock: subscribers of the breaker may use this failover.
        let mut announcement = None;
        {
            let alone = match signal {
                Signal::Probes => Some(self.leaving.lock().unwrap_or_else(PoisonError::into_inner)),
                Signal::Connect | Signal::Requests => self.try_leaving(),
            };
            let Some(_alone) = alone else { return };
            if signal == Signal::Requests && !self.may_leave_by_requests(sent.index) {
                if endpoint.is_condemned.swap(true, Relaxed) {
                    return;
                }
            } else {
                announcement = endpoint.breaker.begin_trip_at(sent.epoch, reason);
                announcement.iter().for_each(|left| endpoint.see(left.epoch(), State::Open));
            }
        }
        drop(announcement);
        self.observe();
    }

    /// Whether what requests say may end the use of an endpoint: another one is usable, or a single one has no probe that
    /// decides on it.
    fn may_leave_by_requests(&self, index: usize) -> bool {
        match &self.endpoints[..] {
            [only] => !(only.is_probed && self.live.probes_on_request.load(Relaxed)),
            endpoints => selector::next_usable(endpoints, index).is_some(),
        }
    }

    fn try_leaving(&self) -> Option<MutexGuard<'_, ()>> {
        match self.leaving.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
