//! The state machine that all clones of a [`Breaker`](crate::Breaker) share.
//!
//! Admitting a call through a closed breaker is one load of the state word, and recording its outcome touches only the
//! windows and the counters. Refusing takes no lock: `refuses_until` holds the time before which every call is refused.
//! Only the refusal that makes a trial call due takes it. Everything else happens under one lock, which is never held
//! across an await, a callback or a log line.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use mainstay_core::{
    AtomicDuration, AtomicOptionDuration, EpochWatch, Level, Name, Random, Status, StatusSender, TransitionLog, Window,
};
use tokio::time::Instant;

use crate::{
    BreakerSettings, Mode, State, Transition,
    counters::BreakerCounters,
    in_store::InStore,
    pace::Pace,
    recovery_state::RecoveryState,
    rules::Rules,
    word::{AtomicWord, Word},
};

pub(crate) mod admit;
mod change;
mod evict;
mod record;

#[derive(Debug)]
pub(crate) struct StateMachine {
    pub(crate) name: Name,
    pub(crate) word: AtomicWord,
    pub(crate) rules: Rules,
    pub(crate) counters: BreakerCounters,
    /// Refused calls since the last trial call.
    pace: Pace,
    /// Made with the first failure: it takes 300 bytes, and a keyed store has thousands of breakers.
    failures_in_hour: OnceLock<Box<Window>>,
    pub(crate) status: StatusSender,
    pub(crate) watch: EpochWatch<State>,
    pub(crate) in_store: Arc<InStore>,
    /// The origin of the times below.
    start: Instant,
    random: Random,
    /// The time before which an open or a full half-open breaker refuses every call; `None` until an event ends that.
    refuses_until: AtomicOptionDuration,
    /// The end of the open time.
    open_until: AtomicDuration,
    /// The time of the last change of state, at which a ramp starts.
    changed_at: AtomicDuration,
    last_failure_at: AtomicOptionDuration,
    last_slow_at: AtomicOptionDuration,
    /// The length of the ramp; zero if it is off.
    ramp: AtomicDuration,
    abandoned_after: AtomicOptionDuration,
    /// Set while a keyed store evicts the breaker.
    pub(crate) is_retired: AtomicBool,
    locked: Mutex<Locked>,
}

/// The part of the state machine behind its lock.
#[derive(Debug)]
pub(crate) struct Locked {
    pub(crate) settings: BreakerSettings,
    /// Consecutive openings at the last change of state; see [`openings_at`](Self::openings_at).
    pub(crate) openings: u32,
    pub(crate) recovery: RecoveryState,
    pub(crate) log: TransitionLog<Transition>,
}

// === impl StateMachine ===

impl StateMachine {
    pub(crate) fn new(
        name: Name,
        settings: BreakerSettings,
        counters: BreakerCounters,
        in_store: Arc<InStore>,
    ) -> Self {
        let now = Instant::now();
        let machine = Self {
            name,
            word: AtomicWord::new(Word::new(0, State::Closed, Mode::Normal)),
            rules: Rules::new(&settings),
            counters,
            pace: Pace::default(),
            failures_in_hour: OnceLock::new(),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            watch: EpochWatch::new(State::Closed),
            in_store,
            start: now,
            random: Random::new(),
            refuses_until: AtomicOptionDuration::default(),
            open_until: AtomicDuration::default(),
            changed_at: AtomicDuration::default(),
            last_failure_at: AtomicOptionDuration::default(),
            last_slow_at: AtomicOptionDuration::default(),
            ramp: AtomicDuration::default(),
            abandoned_after: AtomicOptionDuration::default(),
            is_retired: AtomicBool::new(false),
            locked: Mutex::new(Locked {
                settings,
                openings: 0,
                recovery: RecoveryState::new(now, now),
                log: TransitionLog::new(now),
            }),
        };
        machine.configure(&mut machine.lock());
        machine
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies the settings into the atomics that calls read.
    pub(crate) fn configure(&self, locked: &mut Locked) {
        let settings = &locked.settings;
        self.rules.configure(settings);
        self.ramp.store(settings.ramp.unwrap_or_default());
        self.pace.configure(settings.open.refusals_per_trial);
        self.abandoned_after.store(settings.abandoned_after);
        self.word.store(self.word.load().timed(settings.abandoned_after.is_some() || settings.slow_calls.is_some()));
        self.update_refuses_until(locked, Instant::now());
    }

    fn count_failure_in_hour(&self) {
        let window = || Box::new(Window::last_in_slices(Duration::from_secs(3600), 12));
        self.failures_in_hour.get_or_init(window).record(true, 0, Instant::now);
    }

    /// Returns the failures of the last hour.
    pub(crate) fn failures_in_hour(&self, now: Instant) -> u32 {
        self.failures_in_hour.get().map_or(0, |window| window.tally(|| now).hits)
    }

    /// Returns the time since the last failure.
    pub(crate) fn since_last_failure(&self) -> Option<Duration> {
        self.last_failure_at.load().map(|at| self.now().saturating_sub(at))
    }

    fn update_refuses_until(&self, locked: &Locked, now: Instant) {
        let until = locked.recovery.refuses_until(&locked.settings, self.word.load().state(), now);
        self.refuses_until.store(until.map(|until| self.since_start(until)));
    }

    fn now(&self) -> Duration {
        self.since_start(Instant::now())
    }

    fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }
}

// === impl Locked ===

impl Locked {
    /// Returns the consecutive openings that count at this time: one less for each healthy period since the breaker
    /// closed.
    pub(crate) fn openings_at(&self, now: Instant, state: State) -> u32 {
        if state != State::Closed {
            return self.openings;
        }
        let healthy = now.saturating_duration_since(self.log.since()).as_nanos();
        let periods = healthy / self.settings.open.decay.as_nanos().max(1);
        self.openings.saturating_sub(periods.try_into().unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use mainstay_core::Outcome;

    use crate::Breaker;

    /// A path that takes the lock would deadlock here.
    #[test]
    fn closed_and_refusing_breakers_take_no_lock() {
        let (closed, open) = (Breaker::new("closed"), Breaker::new("open"));
        open.trip("test");
        let _held = (closed.0.lock(), open.0.lock());
        // The sixtieth refusal makes a trial call due, under the lock.
        for _ in 0..20 {
            assert!(closed.refusal().is_none());
            assert!(closed.try_acquire().is_ok_and(|permit| {
                permit.record(Outcome::Success);
                true
            }));
            assert!(open.refusal().is_some() && open.try_acquire().is_err());
        }
    }
}
