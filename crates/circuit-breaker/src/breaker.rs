//! The handle.

use std::fmt;

use mainstay_core::{Counters, InvalidSetting, Name, Shared, StatusReceiver};
use tokio::{sync::watch, time::Instant};

use crate::{
    BreakerSettings, BreakerSnapshot, Mode, Recovery, RecoveryProgress, State, Transition, TrialCriteria,
    engine::Engine,
};

/// A circuit breaker: the algorithm, usable without Tower. Clones share one state.
///
/// ```
/// use mainstay_circuit_breaker::Breaker;
/// use mainstay_core::{FailureKind, Outcome};
///
/// let breaker = Breaker::new("orders");
/// for _ in 0..20 {
///     breaker.try_acquire().expect("closed").record(Outcome::failure(FailureKind::Network));
/// }
/// let refusal = breaker.try_acquire().unwrap_err();
/// assert!(refusal.retry_after().is_some());
/// assert_eq!(breaker.snapshot().reason, "20 of 20 calls failed");
/// ```
#[derive(Clone)]
pub struct Breaker(pub(crate) Shared<Engine>);

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
        Self(Shared::new(Engine::new(name, settings, counters)))
    }

    /// The same breaker, for as long as the process lives: its memory (two kilobytes, and ten for each thread's counts
    /// at most) is never given back, and calls through this handle and its clones count no references to it: two locked
    /// operations, which are all that threads which share one wait for. For breakers that are made once, at the start;
    /// clones that were made before share its state, and count on.
    ///
    /// ```
    /// use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer};
    ///
    /// let layer = CircuitBreakerLayer::with(Breaker::new("orders").leak());
    /// # let _ = layer;
    /// ```
    #[must_use]
    pub fn leak(self) -> Self {
        Self(self.0.leak())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
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
    #[inline]
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
            Recovery::Probes { successes, .. }
            | Recovery::Trials { criteria: TrialCriteria::Successes(successes), .. } => successes,
            Recovery::Trials { criteria: TrialCriteria::Rate { calls, .. }, .. } => calls,
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
            recovery: (word.state() != State::Closed).then_some(RecoveryProgress { have: have.min(need), need }),
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
