//! Who probes, and when.
//!
//! One task per endpoint, owned by the router and ended with it; between rounds it holds nothing of it. Rounds of one
//! endpoint never overlap, whoever asks for them.

use std::{
    sync::{PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use mainstay_circuit_breaker::State;
use mainstay_core::{FailureKind, Outcome};
use tokio::{runtime::Handle, time::Instant};

use crate::{
    CheckReport, EndpointReport, Initial, ProbeOutcome, ProbeReport,
    plan::{NOT_STARTED, TRAFFIC_PROBES},
    probe::no_probe,
    probing::{BAD, LATE, ROUNDS},
    router::Router,
    tier::Tier,
};

mod task;

use task::{drive, round};

impl Router {
    /// Starts the background tasks, if that is wanted and there is a runtime.
    pub(crate) fn start_probing(&self) {
        if self.control.load() & NOT_STARTED == 0 {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if self.control.load() & NOT_STARTED == 0 {
            return;
        }
        self.control.set(NOT_STARTED, false);
        tasks.drain(..).for_each(|old| old.abort());
        for (index, tier) in self.tiers.iter().enumerate().filter(|(_, tier)| tier.is_probed()) {
            // Anywhere in the first interval, or instances that start together would probe together.
            let due = Instant::now() + self.settings().probe.interval.mul_f64(self.random.unit());
            tier.probing.due.store(self.nanos(due), Relaxed);
            tasks.push(runtime.spawn(drive(self.itself.clone(), index, due)).abort_handle());
        }
    }

    /// Ends the background tasks.
    pub(crate) fn stop_probing(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.drain(..).for_each(|task| task.abort());
    }

    /// On the request path's side, without delaying it: starts what is due.
    pub(crate) fn probe_from_traffic(&self, control: u32) {
        if control & NOT_STARTED != 0 {
            self.start_probing();
        }
        let (Ok(runtime), true) = (Handle::try_current(), control & TRAFFIC_PROBES != 0) else { return };
        let now = Instant::now();
        for (index, tier) in self.tiers.iter().enumerate().filter(|(_, tier)| tier.is_probed()) {
            let due = tier.probing.due.load(Relaxed);
            if self.nanos(now) < due {
                continue;
            }
            let next = self.nanos(now + self.interval(index));
            if tier.probing.due.compare_exchange(due, next, Relaxed, Relaxed).is_ok() {
                let itself = self.itself.clone();
                drop(runtime.spawn(async move { round(&itself, index).await }));
            }
        }
    }

    /// From the start of one round to the next, by what the endpoint is, plus or minus 10 %.
    fn interval(&self, index: usize) -> Duration {
        let (settings, tier) = (self.settings(), &self.tiers[index]);
        let breaker = tier.breaker.snapshot();
        let in_use = self.route.load().index == Some(index);
        let base = match breaker.state {
            State::Closed if breaker.consecutive_failures > 0 => settings.probe.interval_counting,
            State::Closed if !in_use => settings.probe.interval_idle,
            State::Open if breaker.recovery.is_some_and(|gate| gate.have > 0) => settings.probe.interval_counting,
            _ => settings.probe.interval,
        };
        base.mul_f64(self.random.between(0.9, 1.1))
    }

    /// When the round after this one begins. A round that ran past its successor's start skips it.
    fn next_round(&self, index: usize, began: Instant) -> Instant {
        let (interval, now) = (self.interval(index), Instant::now());
        let skipped = now.saturating_duration_since(began).as_nanos() / interval.as_nanos().max(1);
        let next = began + interval.saturating_mul((skipped + 1).try_into().unwrap_or(u32::MAX));
        self.tiers[index].probing.due.store(self.nanos(next), Relaxed);
        next
    }

    fn settle_round(&self, index: usize, epoch: u64, report: &ProbeReport) {
        let tier = &self.tiers[index];
        tier.probing.publish(&self.name, &tier.info.name, report);
        tier.probing.counters.add(ROUNDS);
        if !report.is_healthy() {
            tier.probing.counters.add(BAD);
        }
        if tier.breaker.epoch() != epoch {
            return tier.probing.counters.add(LATE);
        }
        let first = tier.unprobed.swap(false, Relaxed);
        match (&report.outcome, self.settings().initial) {
            (ProbeOutcome::Healthy, Initial::Down) if first => tier.breaker.reset("the first probe"),
            (ProbeOutcome::Healthy, _) => tier.breaker.record_probe_at(epoch, Outcome::Success),
            (ProbeOutcome::Out { .. }, _) => tier.breaker.trip(report.outcome.to_string()),
            (outcome, Initial::Up) if first => tier.breaker.trip(format!("the first probe: {outcome}")),
            (ProbeOutcome::Overloaded, _) => tier.breaker.record_probe_at(epoch, Outcome::overloaded(None)),
            _ => tier.breaker.record_probe_at(epoch, Outcome::failure(FailureKind::Unavailable)),
        }
        self.observe();
    }

    /// Probes every endpoint, with retries. The results count like any probe's.
    pub(crate) async fn check(&self) -> CheckReport {
        let rounds = (0..self.tiers.len()).map(|index| round(&self.itself, index));
        let reports = futures_util::future::join_all(rounds).await;
        let endpoints = self.tiers.iter().zip(reports).map(|(Tier { info, .. }, report)| {
            let report = report.unwrap_or_else(no_probe);
            EndpointReport { name: info.name.clone(), healthy: report.is_healthy(), report }
        });
        CheckReport { name: self.name.clone(), endpoints: endpoints.collect(), active: self.active_name() }
    }
}
