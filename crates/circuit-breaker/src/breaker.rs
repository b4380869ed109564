//! The handle.

use std::{fmt, sync::Arc};

use mainstay_core::{Counters, InvalidSetting, Name, Outcome, Rejected, StatusReceiver};
use tokio::{sync::watch, time::Instant};

use crate::{
    BreakerSettings, BreakerSnapshot, GateProgress, Mode, Permit, Recovery, State, Transition, Verdict,
    engine::{Admission, Engine},
};

/// A circuit breaker: the algorithm, usable without Tower. Clones share one state.
///
/// ```
/// use mainstay_circuit_breaker::Breaker;
/// use mainstay_core::{FailureKind, Outcome};
///
/// let breaker = Breaker::new("orders");
/// for _ in 0..20 {
///     breaker.try_acquire().expect("closed").settle(Outcome::failure(FailureKind::Network));
/// }
/// let refusal = breaker.try_acquire().unwrap_err();
/// assert!(refusal.retry_after().is_some());
/// assert_eq!(breaker.snapshot().reason, "20 of 20 calls failed");
/// ```
#[derive(Clone)]
pub struct Breaker(Arc<Engine>);

// === impl Breaker ===

impl Breaker {
    /// A breaker with the default settings.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::build(name.into(), BreakerSettings::default(), Counters::per_thread())
    }

    /// A breaker with these settings.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: BreakerSettings) -> Result<Self, InvalidSetting> {
        settings.validate()?;
        Ok(Self::build(name.into(), settings, Counters::per_thread()))
    }

    pub(crate) fn build(
        name: Name,
        settings: BreakerSettings,
        counters: Counters<{ crate::engine::COUNTERS }>,
    ) -> Self {
        Self(Arc::new(Engine::new(name, settings, counters)))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    // --- calls ---

    /// Asks to make a call. One load while closed; no lock and no allocation while refusing.
    ///
    /// # Errors
    /// [`Reason::CircuitOpen`](mainstay_core::Reason::CircuitOpen), with the time to the next trial.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit, Rejected> {
        self.acquire_timed_if(|| true)
    }

    /// The same for a call whose future tells when it begins to [wait](Permit::waits): one that answers at once needs
    /// no clock to notice that it was not abandoned.
    #[inline]
    pub(crate) fn try_call(&self) -> Result<Permit, Rejected> {
        self.acquire_timed_if(|| self.0.wants_duration())
    }

    #[inline]
    fn acquire_timed_if(&self, from_the_start: impl FnOnce() -> bool) -> Result<Permit, Rejected> {
        match self.0.admit() {
            Admission::Pass { epoch, lease, timed } => {
                Ok(Permit::recorded(self.0.clone(), epoch, lease, timed && from_the_start()))
            }
            Admission::Unrecorded => Ok(Permit::unrecorded(self.0.clone())),
            Admission::Refuse => Err(self.0.rejected()),
        }
    }

    /// Whether a call would be refused now. Looks, and takes nothing.
    #[inline]
    pub(crate) fn refuses(&self) -> bool {
        !self.0.word.load().passes() && self.0.refuses()
    }

    /// Counts a refusal, and gives it.
    pub(crate) fn refuse(&self) -> Rejected {
        self.0.refuse()
    }

    /// The refusal that a call would get now, if it would get one. Looks, and takes nothing.
    #[must_use]
    pub fn refusal(&self) -> Option<Rejected> {
        self.refuses().then(|| self.0.rejected())
    }

    /// The outcome of a call that was made without a permit.
    pub fn record(&self, outcome: Outcome) {
        self.record_at(self.epoch(), outcome);
    }

    /// The outcome of a call that was sent in this epoch; nothing if the state has changed since.
    pub fn record_at(&self, epoch: u64, outcome: Outcome) {
        self.0.settle(epoch, None, &outcome, None);
    }

    /// A probe's outcome. While closed it counts like a call; while open, and recovering by
    /// [probes](Recovery::Probes), toward the gate: anything but a success begins the row anew.
    pub fn record_probe(&self, outcome: Outcome) {
        self.record_probe_at(self.epoch(), outcome);
    }

    /// The outcome of a probe that was sent in this epoch; nothing if the state has changed since.
    pub fn record_probe_at(&self, epoch: u64, outcome: Outcome) {
        self.0.settle_probe(epoch, &outcome);
    }

    /// Opens at once: the dependency said "take me out". In force like any opening; begins the gate anew if open.
    pub fn trip(&self, reason: impl Into<String>) {
        let engine = &*self.0;
        engine.open(engine.word.load().epoch(), reason.into(), None);
        engine.lock().gate = Default::default();
    }

    // --- state ---

    /// The state now. Brings it up to date: an open breaker whose time has passed is half-open.
    #[must_use]
    pub fn state(&self) -> State {
        self.advance();
        self.0.word.load().state()
    }

    /// The number of the state; it grows with every change.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.word.load().epoch()
    }

    /// What an operator made of it.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.0.word.load().mode()
    }

    /// When the state may change by itself, at the earliest.
    #[must_use]
    pub fn next_change(&self) -> Option<Instant> {
        let word = self.0.word.load();
        match (word.state(), word.mode()) {
            (State::Closed, _) | (_, Mode::ForcedOpen) => None,
            _ => self.0.next_change(),
        }
    }

    /// Its health, for checks and pages.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.0.status.subscribe()
    }

    /// Wakes at every change, and when a place for a trial call becomes free.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.0.watch.subscribe()
    }

    /// The last 64 changes, oldest first.
    #[must_use]
    pub fn transitions(&self) -> Vec<Transition> {
        self.0.lock().log.entries()
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> BreakerSettings {
        self.0.lock().settings.clone()
    }

    /// One look at everything.
    #[must_use]
    pub fn snapshot(&self) -> BreakerSnapshot {
        self.advance();
        let (engine, now) = (&*self.0, Instant::now());
        let (failures, slow) = engine.rules.tallies();
        let memory = engine.lock();
        let word = engine.word.load();
        let [successes, failed, overloaded, rejected_below, ignored, slow_calls, refused, abandoned, late, would] =
            engine.counters.read();
        let open = word.state() == State::Open && word.mode() != Mode::ForcedOpen;
        let have = if word.state() == State::Open { memory.gate.row } else { memory.trials.successes };
        let need = match memory.settings.recovery {
            Recovery::Probes { successes, .. } | Recovery::Trials { verdict: Verdict::Successes(successes), .. } => {
                successes
            }
            Recovery::Trials { verdict: Verdict::Rate { calls, .. }, .. } => calls,
        };
        BreakerSnapshot {
            name: engine.name.clone(),
            state: word.state(),
            mode: word.mode(),
            for_time: now.saturating_duration_since(memory.since),
            reason: memory.log.last().map(|last| last.reason.clone()).unwrap_or_default(),
            epoch: word.epoch(),
            openings: memory.openings,
            open_left: open.then(|| memory.until.saturating_duration_since(now)),
            gate: (word.state() != State::Closed).then_some(GateProgress { have: have.min(need), need }),
            consecutive_failures: engine.rules.row(),
            failure_rate: failures.rate(engine.rules.minimum()),
            slow_rate: memory.settings.slow_calls.and_then(|_| slow.rate(engine.rules.minimum())),
            window_calls: failures.calls,
            failures_in_last_hour: engine.failures_in_hour.tally(|| now).hits,
            since_last_failure: engine.since_last_failure(),
            successes,
            failures: failed,
            overloaded,
            rejected_below,
            ignored,
            slow: slow_calls,
            refused,
            would_have_refused: would,
            abandoned,
            late,
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0
    }

    fn advance(&self) {
        if self.0.word.load().state() != State::Closed {
            let change = self.0.advance(&mut self.0.lock(), Instant::now());
            self.0.announce(change);
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.snapshot();
        let mut debug = f.debug_struct("Breaker");
        debug.field("name", &snapshot.name).field("state", &format_args!("{}", snapshot.state));
        if snapshot.mode != Mode::Normal {
            debug.field("mode", &format_args!("{}", snapshot.mode));
        }
        if !snapshot.reason.is_empty() {
            debug.field("reason", &snapshot.reason);
        }
        debug.field("failure_rate", &snapshot.failure_rate).finish_non_exhaustive()
    }
}
