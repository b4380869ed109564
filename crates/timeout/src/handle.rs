//! The handle: the time limit of a call.

use std::{fmt, sync::Arc, time::Duration};

use mainstay_core::{AtomicDuration, Counters, EventSender, Events, InvalidSetting, Name, Reason, Rejected, settings};

use crate::TimeoutEvent;

/// The time limit of a call. Clones share it; an operator can set it under load.
///
/// ```
/// use std::time::Duration;
/// use mainstay_timeout::TimeLimit;
///
/// let limit = TimeLimit::attempt("orders", Duration::from_secs(1))?;
/// limit.set(Duration::from_millis(250))?;
/// assert_eq!(limit.get(), Duration::from_millis(250));
/// # Ok::<_, mainstay_core::InvalidSetting>(())
/// ```
#[derive(Clone)]
pub struct TimeLimit(Arc<Inner>);

struct Inner {
    name: Name,
    scope: Scope,
    time: AtomicDuration,
    counters: Counters<1>,
    events: EventSender<TimeoutEvent>,
}

/// The index of the counter of calls that took too long.
const TIMED_OUT: usize = 0;

/// What the time limit covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Scope {
    /// One attempt: inside retry and failover.
    Attempt,
    /// The whole call: outside of retry and failover.
    Total,
}

mainstay_core::labels! {
    Scope:
    Attempt => "attempt",
    Total => "total",
}

/// The time and the count of a [`TimeLimit`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TimeLimitSnapshot {
    /// The name.
    pub name: Name,
    /// What the time limit covers.
    pub scope: Scope,
    /// The time limit.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub time: Duration,
    /// Calls that took too long.
    pub timed_out: u64,
}

// === impl TimeLimit ===

impl TimeLimit {
    /// Creates a limit for one attempt: 1 ms to a year.
    ///
    /// # Errors
    /// A time out of its range.
    pub fn attempt(name: impl Into<Name>, time: Duration) -> Result<Self, InvalidSetting> {
        Self::new(name.into(), Scope::Attempt, time)
    }

    /// Creates a limit for the whole call: 1 ms to a year.
    ///
    /// # Errors
    /// A time out of its range.
    pub fn total(name: impl Into<Name>, time: Duration) -> Result<Self, InvalidSetting> {
        Self::new(name.into(), Scope::Total, time)
    }

    fn new(name: Name, scope: Scope, time: Duration) -> Result<Self, InvalidSetting> {
        let inner = Inner {
            name,
            scope,
            time: AtomicDuration::default(),
            counters: Counters::per_thread(),
            events: EventSender::new(),
        };
        let limit = Self(Arc::new(inner));
        limit.set(time).map_err(|wrong| wrong.of(limit.name()))?;
        Ok(limit)
    }

    /// Sets the time for calls that have not armed their timer yet. A total timeout that writes the deadline into the
    /// request's context fixes it when the call starts.
    ///
    /// # Errors
    /// A time out of its range: 1 ms to a year.
    pub fn set(&self, time: Duration) -> Result<(), InvalidSetting> {
        let field = match self.0.scope {
            Scope::Attempt => "attempt_timeout",
            Scope::Total => "total_timeout",
        };
        settings::duration(field, time, settings::SHORTEST..=settings::LONGEST)?;
        self.0.time.store(time);
        Ok(())
    }

    /// Returns the time.
    #[must_use]
    pub fn get(&self) -> Duration {
        self.0.time.load()
    }

    /// Returns what the time limit covers.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Returns time and count.
    #[must_use]
    pub fn snapshot(&self) -> TimeLimitSnapshot {
        let timed_out = self.0.counters.get(TIMED_OUT);
        TimeLimitSnapshot { name: self.0.name.clone(), scope: self.0.scope, time: self.get(), timed_out }
    }

    /// Subscribes to the events: each call that takes too long.
    #[must_use]
    pub fn events(&self) -> Events<TimeoutEvent> {
        self.0.events.subscribe()
    }

    /// Counts a call that took too long, and returns its error.
    pub(crate) fn expired(&self) -> Rejected {
        self.0.counters.add(TIMED_OUT);
        self.0.events.send(&self.0.name, || TimeoutEvent::TimedOut { time: self.get() });
        let reason = match self.0.scope {
            Scope::Attempt => Reason::AttemptTimeout,
            Scope::Total => Reason::TotalTimeout,
        };
        Rejected::new(reason, self.0.name.clone())
    }

    /// Returns the error of a call that would wait where there is no timer.
    #[cold]
    pub(crate) fn without_runtime(&self) -> Rejected {
        Rejected::new(Reason::NoRuntime, self.0.name.clone())
    }
}

impl fmt::Debug for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TimeLimitSnapshot { name, scope, time, timed_out } = self.snapshot();
        f.debug_struct("TimeLimit")
            .field("name", &name)
            .field("scope", &scope)
            .field("time", &time)
            .field("timed_out", &timed_out)
            .finish()
    }
}
