//! The handle: how long a call may take.

use std::{fmt, sync::Arc, time::Duration};

use mainstay_core::{Counters, InvalidSetting, Name, Reason, Rejected, settings};
use portable_atomic::{AtomicU64, Ordering::Relaxed};

/// How long a call may take. Clones share one time, which an operator can set live.
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
    nanos: AtomicU64,
    counters: Counters<1>,
}

/// What the time is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Scope {
    /// One attempt: inside retry and failover.
    Attempt,
    /// The whole call: outside of them.
    Total,
}

/// What a [`TimeLimit`] shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TimeLimitSnapshot {
    /// Its name.
    pub name: Name,
    /// What the time is for.
    pub scope: Scope,
    /// The time.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub time: Duration,
    /// Calls that took too long.
    pub timed_out: u64,
}

// === impl TimeLimit ===

impl TimeLimit {
    /// The time of one attempt: 1 ms to a year.
    ///
    /// # Errors
    /// A time out of its range.
    pub fn attempt(name: impl Into<Name>, time: Duration) -> Result<Self, InvalidSetting> {
        Self::new(name.into(), Scope::Attempt, time)
    }

    /// The time of the whole call: 1 ms to a year.
    ///
    /// # Errors
    /// A time out of its range.
    pub fn total(name: impl Into<Name>, time: Duration) -> Result<Self, InvalidSetting> {
        Self::new(name.into(), Scope::Total, time)
    }

    fn new(name: Name, scope: Scope, time: Duration) -> Result<Self, InvalidSetting> {
        let inner = Inner { name, scope, nanos: AtomicU64::new(0), counters: Counters::per_thread() };
        let limit = Self(Arc::new(inner));
        limit.set(time)?;
        Ok(limit)
    }

    /// Sets the time, for calls that have not armed their timer yet.
    ///
    /// # Errors
    /// A time out of its range: 1 ms to a year.
    pub fn set(&self, time: Duration) -> Result<(), InvalidSetting> {
        let field = match self.0.scope {
            Scope::Attempt => "attempt_timeout",
            Scope::Total => "total_timeout",
        };
        settings::duration(field, time, settings::SHORTEST..=settings::LONGEST)?;
        self.0.nanos.store(time.as_nanos() as u64, Relaxed);
        Ok(())
    }

    /// The time.
    #[must_use]
    pub fn get(&self) -> Duration {
        Duration::from_nanos(self.0.nanos.load(Relaxed))
    }

    /// What the time is for.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Time and count.
    #[must_use]
    pub fn snapshot(&self) -> TimeLimitSnapshot {
        let timed_out = self.0.counters.get(0);
        TimeLimitSnapshot { name: self.0.name.clone(), scope: self.0.scope, time: self.get(), timed_out }
    }

    /// Runs the work, and drops it when the time is over.
    ///
    /// # Errors
    /// The work's own error, or the refusal.
    pub async fn run<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        E: From<Rejected>,
    {
        match tokio::time::timeout(self.get(), work).await {
            Ok(result) => result,
            Err(_) => Err(self.expired().into()),
        }
    }

    /// Counts a call that took too long, and makes its error.
    pub(crate) fn expired(&self) -> Rejected {
        self.0.counters.add(0);
        let reason = match self.0.scope {
            Scope::Attempt => Reason::AttemptTimeout,
            Scope::Total => Reason::TotalTimeout,
        };
        Rejected::new(reason, self.0.name.clone())
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
