//! The state machine.
//!
//! Asking a closed breaker is one load of the word; recording into it touches only its windows. Everything else,
//! the rare things, happens under one lock that is never held across an await, a callback or a log line. Refusing
//! takes no lock either: `ask_again` says until when the answer can only be no.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mainstay_core::{Counters, Level, Name, Random, Status, StatusSender, Window};
use portable_atomic::{AtomicU64, Ordering::Relaxed};
use tokio::{sync::watch, time::Instant};

use crate::{
    BreakerSettings, Mode, State,
    rules::Rules,
    state::{AtomicWord, Word},
    transition::Log,
    trials::{Gate, Trials},
};

mod admit;
mod change;
mod settle;

pub(crate) use admit::Admission;

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) name: Name,
    pub(crate) word: AtomicWord,
    pub(crate) rules: Rules,
    pub(crate) counters: Counters<COUNTERS>,
    pub(crate) failures_in_hour: Window,
    pub(crate) status: StatusSender,
    pub(crate) watch: watch::Sender<State>,
    start: Instant,
    random: Random,
    /// Before this the answer of an open or full half-open breaker can't change by itself.
    ask_again: AtomicU64,
    /// When the open time ends.
    until: AtomicU64,
    /// When it closed, for the ramp.
    closed_at: AtomicU64,
    ramp: AtomicU64,
    abandoned_after: AtomicU64,
    last_failure: AtomicU64,
    memory: Mutex<Memory>,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) settings: BreakerSettings,
    pub(crate) since: Instant,
    pub(crate) openings: u32,
    pub(crate) until: Instant,
    pub(crate) trials: Trials,
    pub(crate) gate: Gate,
    pub(crate) log: Log,
}

/// The counters' places.
pub(crate) mod counter {
    pub(crate) const SUCCESS: usize = 0;
    pub(crate) const FAILURE: usize = 1;
    pub(crate) const OVERLOADED: usize = 2;
    pub(crate) const REJECTED: usize = 3;
    pub(crate) const IGNORED: usize = 4;
    pub(crate) const SLOW: usize = 5;
    pub(crate) const REFUSED: usize = 6;
    pub(crate) const ABANDONED: usize = 7;
    pub(crate) const LATE: usize = 8;
    pub(crate) const WOULD_REFUSE: usize = 9;
}
pub(crate) const COUNTERS: usize = 10;

const NEVER: u64 = u64::MAX;

impl Engine {
    pub(crate) fn new(name: Name, settings: BreakerSettings, counters: Counters<COUNTERS>) -> Self {
        let now = Instant::now();
        let engine = Self {
            name,
            word: AtomicWord::new(Word::new(0, State::Closed, Mode::Normal)),
            rules: Rules::new(&settings),
            counters,
            failures_in_hour: Window::last_in_slices(Duration::from_secs(3600), 12),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            watch: watch::Sender::new(State::Closed),
            start: now,
            random: Random::new(),
            ask_again: AtomicU64::new(0),
            until: AtomicU64::new(0),
            closed_at: AtomicU64::new(0),
            ramp: AtomicU64::new(0),
            abandoned_after: AtomicU64::new(NEVER),
            last_failure: AtomicU64::new(NEVER),
            memory: Mutex::new(Memory {
                settings,
                since: now,
                openings: 0,
                until: now,
                trials: Trials::default(),
                gate: Gate::default(),
                log: Log::default(),
            }),
        };
        engine.configure(&mut engine.lock());
        engine
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the settings into the atomics that calls read.
    pub(crate) fn configure(&self, memory: &mut Memory) {
        let settings = &memory.settings;
        self.rules.configure(settings);
        self.ramp.store(settings.ramp.map_or(0, nanos), Relaxed);
        self.abandoned_after.store(settings.abandoned_after.map_or(NEVER, nanos), Relaxed);
        self.word.store(self.word.load().timed(settings.abandoned_after.is_some() || settings.slow_calls.is_some()));
        self.update_ask_again(memory, Instant::now());
    }

    pub(crate) fn since_last_failure(&self) -> Option<Duration> {
        match self.last_failure.load(Relaxed) {
            NEVER => None,
            at => Some(Duration::from_nanos(self.nanos_now().saturating_sub(at))),
        }
    }

    fn nanos_now(&self) -> u64 {
        self.nanos(Instant::now())
    }

    fn nanos(&self, at: Instant) -> u64 {
        nanos(at.saturating_duration_since(self.start))
    }
}

fn nanos(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(NEVER)
}

#[cfg(test)]
mod tests {
    use mainstay_core::Outcome;

    use crate::Breaker;

    /// A path that took the lock would wait for ever.
    #[test]
    fn neither_closed_nor_refusing_takes_the_lock() {
        let (closed, open) = (Breaker::new("closed"), Breaker::new("open"));
        open.trip("test");
        let _held = (closed.engine().lock(), open.engine().lock());
        for _ in 0..200 {
            assert!(closed.refusal().is_none());
            assert!(closed.try_acquire().is_ok_and(|permit| {
                permit.record(Outcome::Success);
                true
            }));
            assert!(open.refusal().is_some() && open.try_acquire().is_err());
        }
    }
}
