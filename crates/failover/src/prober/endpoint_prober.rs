//! The probing of one endpoint: its rounds, and what they change.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_circuit_breaker::State;
use mainstay_core::{Counters, FailureKind, Outcome, Random, has_runtime};
use tokio::time::Instant;

use crate::{
    endpoint_state::EndpointState,
    probe::{ProbeOutcome, ProbeReport, ProbeSettings, SharedProbe, run_round},
    settings::Initial,
    switchboard::Switchboard,
};

pub(crate) struct EndpointProber {
    pub(super) board: Arc<Switchboard>,
    pub(super) index: usize,
    probe: SharedProbe,
    /// The number and the report of the newest round. Locked while a round runs.
    running: tokio::sync::Mutex<Option<(u64, ProbeReport)>>,
    /// How many rounds were started.
    started: AtomicU64,
    newest: Mutex<Option<ProbeReport>>,
    /// No round has ended yet: the first one decides alone.
    is_first: AtomicBool,
    /// When the next round is due, in nanoseconds since the switchboard's start; 0 without a schedule.
    due: AtomicU64,
    counters: Counters<3>,
    /// Of the schedule. Each endpoint has its own: the tasks of the endpoints wake up in any order, and drawing from one
    /// source would make the schedule of one depend on the others.
    pub(super) random: Random,
}

const ROUNDS: usize = 0;
const FAILED: usize = 1;
const LATE: usize = 2;

/// Returns the report on an endpoint without a probe.
pub(super) fn no_probe() -> ProbeReport {
    ProbeReport { outcome: ProbeOutcome::unhealthy("it has no probe"), attempts: 0, elapsed: Duration::ZERO }
}

/// Ends the request for a probe of an endpoint when it is dropped.
struct EndAsk<'a>(&'a EndpointProber);

fn call_outcome(outcome: &ProbeOutcome) -> Outcome {
    match outcome {
        ProbeOutcome::Healthy => Outcome::Success,
        ProbeOutcome::Overloaded => Outcome::overloaded(None),
        _ => Outcome::failure(FailureKind::Unavailable),
    }
}

// === impl EndpointProber ===

impl EndpointProber {
    pub(super) fn new(board: Arc<Switchboard>, index: usize, probe: SharedProbe) -> Self {
        Self {
            board,
            index,
            probe,
            running: tokio::sync::Mutex::default(),
            started: AtomicU64::new(0),
            newest: Mutex::default(),
            is_first: AtomicBool::new(true),
            due: AtomicU64::new(0),
            counters: Counters::shared(),
            random: Random::new(),
        }
    }

    /// Returns the address that the probe asks, without user and password.
    pub(crate) fn address(&self) -> Option<String> {
        self.probe.probe.address()
    }

    /// Returns the outcome in words, with the address.
    fn words(&self, outcome: &ProbeOutcome) -> String {
        match self.address() {
            Some(address) => format!("{outcome} ({address})"),
            None => outcome.to_string(),
        }
    }

    pub(super) fn endpoint(&self) -> &EndpointState {
        &self.board.endpoints[self.index]
    }

    /// Returns the report of the newest round.
    pub(crate) fn newest(&self) -> Option<ProbeReport> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the counts of rounds, of failed rounds, and of late rounds: those that ended after the endpoint's state
    /// had changed, and changed nothing.
    pub(crate) fn counts(&self) -> [u64; 3] {
        self.counters.read()
    }

    // --- schedule ---

    /// Returns the time until the next round; `None` without a schedule.
    pub(crate) fn due_in(&self, now: Instant) -> Option<Duration> {
        let due = self.due.load(Relaxed);
        (due > 0).then(|| Duration::from_nanos(due.saturating_sub(self.board.nanos(now))))
    }

    pub(super) fn set_due(&self, at: Instant) {
        self.due.store(self.board.nanos(at), Relaxed);
    }

    /// Ends the schedule.
    pub(super) fn clear_due(&self) {
        self.due.store(0, Relaxed);
    }

    /// Whether a round is due and the caller is the one to run it. The round after it is due at `next`.
    pub(super) fn claim_due_round(&self, now: Instant, next: impl FnOnce() -> Instant) -> bool {
        let due = self.due.load(Relaxed);
        self.board.nanos(now) >= due
            && self.due.compare_exchange(due, self.board.nanos(next()), Relaxed, Relaxed).is_ok()
    }

    // --- rounds ---

    /// Whether a round runs now.
    pub(super) fn is_running(&self) -> bool {
        self.running.try_lock().is_err()
    }

    /// Runs a round, and returns its report. Callers that arrive while a round runs wait for the next one and share it,
    /// so that many checks at once make no more probes than one.
    pub(super) async fn round(&self) -> ProbeReport {
        if !has_runtime() {
            let reason = "no tokio runtime: check inside of one".to_owned();
            return ProbeReport { outcome: ProbeOutcome::NotSent { reason }, attempts: 0, elapsed: Duration::ZERO };
        }
        let started_before = self.started.load(Relaxed);
        let mut running = self.running.lock().await;
        if let Some((_, report)) = running.as_ref().filter(|(number, _)| *number > started_before) {
            return report.clone();
        }
        let number = self.started.fetch_add(1, Relaxed) + 1;
        let breaker = &self.endpoint().breaker;
        let _up_to_date = breaker.state();
        let epoch = breaker.epoch();
        let report = run_round(&self.probe, &self.board.live.all().probe).await;
        self.record(epoch, &report);
        *running = Some((number, report.clone()));
        report
    }

    /// Records a round that was started in this epoch of the endpoint's breaker.
    fn record(&self, epoch: u64, report: &ProbeReport) {
        self.publish(report);
        if report.is_not_sent() {
            return;
        }
        let breaker = &self.endpoint().breaker;
        if breaker.epoch() != epoch {
            return self.counters.add(LATE);
        }
        let is_first = self.is_first.swap(false, Relaxed);
        match (&report.outcome, self.board.live.all().initial) {
            (ProbeOutcome::Healthy, Initial::Down) if is_first => breaker.reset("the first probe"),
            (ProbeOutcome::Out { .. }, _) => breaker.trip(self.words(&report.outcome)),
            (outcome, Initial::Up) if is_first && !outcome.is_healthy() => {
                breaker.trip(format!("the first probe: {}", self.words(outcome)));
            }
            // The breaker counts requests only, and while it is open the probes of its recovery.
            (outcome, _) if breaker.state() == State::Open => breaker.record_probe_at(epoch, call_outcome(outcome)),
            // An overload neither lengthens nor ends a streak.
            (ProbeOutcome::Overloaded, _) => {}
            (outcome, _) => {
                let failure = (!outcome.is_healthy()).then(|| self.words(outcome));
                self.board.record_probe_of_usable(self.index, epoch, failure);
            }
        }
        self.board.observe();
    }

    /// Makes the probe that requests have asked for: one attempt at once, beside a round that may be running.
    pub(super) async fn answer_ask(&self) {
        // Ends the request for a probe also when this future is dropped.
        let ending = EndAsk(self);
        let breaker = &self.endpoint().breaker;
        let epoch = breaker.epoch();
        let settings = ProbeSettings { max_retries: 0, ..self.board.live.all().probe.clone() };
        let report = run_round(&self.probe, &settings).await;
        self.publish(&report);
        if report.is_not_sent() {
            return;
        }
        if breaker.epoch() != epoch {
            return self.counters.add(LATE);
        }
        std::mem::forget(ending);
        let failure = (!report.is_healthy()).then(|| self.words(&report.outcome));
        self.board.record_asked_probe(self.index, epoch, failure);
        self.board.observe();
    }

    /// Keeps the report, and counts the round. Logs the first failed round and the recovery; the rounds between are only counted.
    fn publish(&self, report: &ProbeReport) {
        let before = self.newest.lock().unwrap_or_else(PoisonError::into_inner).replace(report.clone());
        self.counters.add(ROUNDS);
        if !report.is_healthy() {
            self.counters.add(FAILED);
        }
        if !report.is_not_sent() {
            self.endpoint().newest.record_probe(report.is_healthy());
        }
        let (failover, endpoint, outcome) = (&*self.board.name, &*self.endpoint().name, &report.outcome);
        let (attempts, elapsed, address) = (report.attempts, report.elapsed, self.address());
        let address = address.as_deref();
        match (before.map(|before| before.is_healthy()), report.is_healthy()) {
            (None | Some(true), false) => {
                tracing::warn!(failover, endpoint, address, %outcome, attempts, ?elapsed, "probe failed");
            }
            (Some(false), true) => {
                tracing::info!(failover, endpoint, address, attempts, ?elapsed, "probe succeeded again");
            }
            _ => tracing::debug!(failover, endpoint, address, %outcome, attempts, ?elapsed, "probed"),
        }
    }
}

// === impl EndAsk ===

impl Drop for EndAsk<'_> {
    fn drop(&mut self) {
        self.0.board.end_ask(self.0.index);
    }
}
