//! The handle: state and snapshots.

use std::{fmt, sync::Arc};

use mainstay_core::{Events, InvalidSetting, Name, Shared, StateReceiver, StatusReceiver};
use tokio::time::Instant;

use crate::{
    BreakerEvent, BreakerSettings, BreakerSnapshot, Mode, State, Transition, counters::BreakerCounters,
    in_store::InStore, state_machine::StateMachine,
};

/// A circuit breaker: the algorithm, usable without Tower. Clones share one state.
///
/// ```
/// use mainstay_circuit_breaker::Breaker;
/// use mainstay_core::{FailureKind, Outcome};
///
/// let breaker = Breaker::new("orders");
/// for _ in 0..10 {
///     breaker.try_acquire().expect("closed").record(Outcome::failure(FailureKind::Network));
/// }
/// let refusal = breaker.try_acquire().unwrap_err();
/// assert!(refusal.retry_after().is_some());
/// assert_eq!(breaker.snapshot().reason, "10 failures in a row");
/// ```
#[derive(Clone)]
pub struct Breaker(pub(crate) Shared<StateMachine>);

// === impl Breaker ===

impl Breaker {
    /// Creates a breaker with the default settings.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::build(name.into(), BreakerSettings::default(), BreakerCounters::per_thread())
    }

    /// Creates a breaker with these settings.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(name: impl Into<Name>, settings: BreakerSettings) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        Ok(Self::build(name, settings, BreakerCounters::per_thread()))
    }

    pub(crate) fn build(name: Name, settings: BreakerSettings, counters: BreakerCounters) -> Self {
        Self::in_store(name, settings, counters, Arc::default())
    }

    /// Creates a breaker of a keyed store.
    pub(crate) fn in_store(
        name: Name,
        settings: BreakerSettings,
        counters: BreakerCounters,
        store: Arc<InStore>,
    ) -> Self {
        Self(Shared::new(StateMachine::new(name, settings, counters, store)))
    }

    /// Returns the same breaker with its memory leaked: two kilobytes, and up to ten for the counters of each thread.
    ///
    /// Calls through this handle and its clones do not touch an `Arc` count, which is two locked operations a call and
    /// the only point at which threads that share a closed breaker contend. For breakers that are made once, at the
    /// start. Clones that were made before share the state and keep counting.
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

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Returns the state now. An open breaker whose open time has passed leaves the open state here.
    #[must_use]
    pub fn state(&self) -> State {
        self.advance();
        self.0.word.load().state()
    }

    /// Returns the number of the state. It grows with every change.
    #[must_use]
    #[inline]
    pub fn epoch(&self) -> u64 {
        self.0.word.load().epoch()
    }

    /// Returns the mode that an operator has set.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.0.word.load().mode()
    }

    /// Returns the earliest time at which the state may change without an event.
    #[must_use]
    pub fn next_change(&self) -> Option<Instant> {
        let word = self.0.word.load();
        match (word.state(), word.mode()) {
            (State::Closed, _) | (_, Mode::ForcedOpen) => None,
            _ => self.0.next_change(),
        }
    }

    /// Subscribes to the status, for checks and pages.
    #[must_use]
    pub fn subscribe(&self) -> StatusReceiver {
        self.0.status.subscribe()
    }

    /// Subscribes to the events: each change of state or mode, and each refused call. A breaker of a keyed store has the
    /// events of the whole store, with the breakers' names.
    ///
    /// ```
    /// use mainstay_circuit_breaker::{Breaker, BreakerEvent, State};
    ///
    /// let breaker = Breaker::new("orders");
    /// let mut events = breaker.events();
    /// breaker.trip("maintenance");
    /// let received = events.try_recv().expect("a change");
    /// assert!(matches!(received.event, BreakerEvent::Changed(change) if change.to == State::Open));
    /// ```
    #[must_use]
    pub fn events(&self) -> Events<BreakerEvent> {
        self.0.in_store.events.subscribe()
    }

    /// Watches the state. Wakes at every change, and when a permit for a trial call becomes free.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use mainstay_circuit_breaker::{Breaker, State};
    ///
    /// let breaker = Breaker::new("orders");
    /// let mut states = breaker.watch();
    /// breaker.force_open("ann");
    /// assert_eq!(states.changed().await, Some(State::Open));
    /// # }
    /// ```
    #[must_use]
    pub fn watch(&self) -> StateReceiver<State> {
        self.0.watch.subscribe()
    }

    /// Returns the last 64 transitions, oldest first.
    #[must_use]
    pub fn transitions(&self) -> Vec<Transition> {
        self.0.lock().log.iter().cloned().collect()
    }

    /// Returns the settings in force.
    #[must_use]
    pub fn settings(&self) -> BreakerSettings {
        self.0.lock().settings.clone()
    }

    /// Returns state, rates and counts at one time.
    #[must_use]
    pub fn snapshot(&self) -> BreakerSnapshot {
        self.advance();
        BreakerSnapshot::of(&self.0)
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
