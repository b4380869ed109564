//! Who probes, and when.
//!
//! One task per endpoint, owned by the router and ended with it; between rounds it holds nothing of it. Rounds of one
//! endpoint never overlap, whoever asks for them.

use std::{
    sync::{
        Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_circuit_breaker::State;
use mainstay_core::{Counters, FailureKind, Name, Outcome};
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{
    Driven, Initial, ProbeReport, Verdict,
    plan::{NOT_STARTED, TRAFFIC_PROBES},
    probe::{SharedProbe, ask, no_probe},
    router::Router,
    tier::Tier,
};

/// The probing of one endpoint.
#[derive(Debug)]
pub(crate) struct Probing {
    probe: Option<SharedProbe>,
    /// Held while a round runs: the number of the newest one, and what it found.
    flight: tokio::sync::Mutex<Option<(u64, ProbeReport)>>,
    /// Rounds that were begun.
    begun: AtomicU64,
    newest: Mutex<Option<ProbeReport>>,
    newest_is_good: AtomicBool,
    /// When the next round is due, in nanoseconds since the router's start.
    pub(crate) due: AtomicU64,
    /// Something changed that may change the interval.
    pub(crate) wake: Notify,
    pub(crate) counters: Counters<3>,
}

pub(crate) const ROUNDS: usize = 0;
pub(crate) const BAD: usize = 1;
/// Answers that came after the endpoint's state had changed, and changed nothing.
pub(crate) const LATE: usize = 2;

/// What [`check_now`](crate::FailoverHandle::check_now) found.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CheckReport {
    /// The failover's name.
    pub name: Name,
    /// The endpoint in use after the check.
    pub active: Option<Name>,
    /// Every endpoint, in order.
    pub endpoints: Vec<EndpointReport>,
}

/// What a check found at one endpoint.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct EndpointReport {
    /// The endpoint.
    pub name: Name,
    /// Whether it answered well.
    pub healthy: bool,
    /// What was found, in how many attempts, in what time. An endpoint without a probe is unhealthy after no attempt.
    pub report: ProbeReport,
}

// === impl Router ===

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
        let probed = (0..self.tiers.len()).filter(|index| self.tiers[*index].is_probed());
        tasks.extend(probed.map(|index| runtime.spawn(drive(self.itself.clone(), index)).abort_handle()));
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
        let engine = tier.engine.snapshot();
        let in_use = self.route.load().index == Some(index);
        let base = match engine.state {
            State::Closed if engine.consecutive_failures > 0 => settings.probe.interval_counting,
            State::Closed if !in_use => settings.probe.interval_idle,
            State::Open if engine.gate.is_some_and(|gate| gate.have > 0) => settings.probe.interval_counting,
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
        if tier.engine.epoch() != epoch {
            return tier.probing.counters.add(LATE);
        }
        let first = tier.unprobed.swap(false, Relaxed);
        match (&report.verdict, self.settings().initial) {
            (Verdict::Healthy, Initial::Down) if first => tier.engine.reset("the first probe"),
            (Verdict::Healthy, _) => tier.engine.record_probe_at(epoch, Outcome::Success),
            (Verdict::Out { .. }, _) => tier.engine.trip(report.verdict.to_string()),
            (verdict, Initial::Up) if first => tier.engine.trip(format!("the first probe: {verdict}")),
            (Verdict::Overloaded, _) => tier.engine.record_probe_at(epoch, Outcome::overloaded(None)),
            _ => tier.engine.record_probe_at(epoch, Outcome::failure(FailureKind::Unavailable)),
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

// === the task ===

/// Rounds, until the router is gone.
async fn drive(router: Weak<Router>, index: usize) {
    let Some((probing, mut began, mut due)) = router.upgrade().map(|router| {
        let now = Instant::now();
        let due = now + router.settings().probe.interval.mul_f64(router.random.unit());
        let probing = router.tiers[index].probing.clone();
        probing.due.store(router.nanos(due), Relaxed);
        (probing, None, due)
    }) else {
        return;
    };
    loop {
        let Some(wake_at) = router.upgrade().map(|router| router.wake_at(index, due)) else { return };
        let woken = timeout_at(wake_at, probing.wake.notified()).await.is_ok();
        let Some(strong) = router.upgrade() else { return };
        if Instant::now() < due {
            match (woken, began) {
                (true, Some(began)) => due = strong.next_round(index, began).min(due),
                (true, None) => {}
                // The hold has passed.
                (false, _) => strong.observe(),
            }
            continue;
        }
        drop(strong);
        let start = Instant::now();
        // While somebody else's round runs, this one is skipped.
        if probing.flight.try_lock().is_ok() {
            round(&router, index).await;
        }
        began = Some(start);
        match router.upgrade() {
            Some(router) if router.settings().probe.driven == Driven::Background => {
                due = router.next_round(index, start);
            }
            _ => return,
        }
    }
}

/// One round; `None` without a probe, or without a router. Whoever asks while one runs waits for the next, and all of
/// them share it: a page that checks on every view makes no more probes than one that checks alone.
async fn round(router: &Weak<Router>, index: usize) -> Option<ProbeReport> {
    let probing = router.upgrade()?.tiers[index].probing.clone();
    let probe = probing.probe.clone()?;
    let asked = probing.begun.load(Relaxed);
    let mut flight = probing.flight.lock().await;
    if let Some((_, report)) = flight.as_ref().filter(|(number, _)| *number > asked) {
        return Some(report.clone());
    }
    let number = probing.begun.fetch_add(1, Relaxed) + 1;
    let (epoch, settings) = {
        let router = router.upgrade()?;
        let engine = &router.tiers[index].engine;
        let _up_to_date = engine.state();
        (engine.epoch(), router.settings())
    };
    let report = ask(&*probe.0, &settings.probe).await;
    router.upgrade()?.settle_round(index, epoch, &report);
    *flight = Some((number, report.clone()));
    Some(report)
}

impl Router {
    /// When the task has something to do: the next round, or the end of the hold.
    fn wake_at(&self, index: usize, due: Instant) -> Instant {
        let now = Instant::now();
        let change = self.tiers[index].engine.next_change().filter(|change| *change > now);
        change.map_or(due, |change| change.min(due))
    }
}

// === impl Probing ===

impl Probing {
    pub(crate) fn new(probe: Option<SharedProbe>) -> Self {
        Self {
            probe,
            flight: tokio::sync::Mutex::default(),
            begun: AtomicU64::new(0),
            newest: Mutex::default(),
            newest_is_good: AtomicBool::new(false),
            due: AtomicU64::new(0),
            wake: Notify::new(),
            counters: Counters::shared(),
        }
    }

    pub(crate) fn newest_is_good(&self) -> bool {
        self.newest_is_good.load(Relaxed)
    }

    pub(crate) fn newest(&self) -> Option<ProbeReport> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs the first bad round and the recovery; the ones between are only counted.
    fn publish(&self, failover: &Name, endpoint: &Name, report: &ProbeReport) {
        let before = self.newest.lock().unwrap_or_else(PoisonError::into_inner).replace(report.clone());
        self.newest_is_good.store(report.is_healthy(), Relaxed);
        let (failover, endpoint, found) = (&**failover, &**endpoint, &report.verdict);
        let (attempts, elapsed) = (report.attempts, report.elapsed);
        match (before.map(|before| before.is_healthy()), report.is_healthy()) {
            (None | Some(true), false) => {
                tracing::warn!(failover, endpoint, %found, attempts, ?elapsed, "probe failed");
            }
            (Some(false), true) => tracing::info!(failover, endpoint, attempts, ?elapsed, "probe succeeded again"),
            _ => tracing::debug!(failover, endpoint, %found, attempts, ?elapsed, "probed"),
        }
    }
}
