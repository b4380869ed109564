//! The context that travels with a request through a stack.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

/// The context of one request: its deadline, the number of the attempt, how often it may still be sent.
///
/// Layers read and write it through a [`Contextual`](crate::Contextual) policy. HTTP keeps it in the request's
/// extensions; `Plain` has none.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RequestContext {
    /// When the caller stops waiting. No layer starts an attempt or waits beyond it.
    pub deadline: Option<Instant>,
    /// The number of the current attempt: 0 outside any retry layer, 1 for the first attempt.
    pub attempt: u32,
    /// How often the request may still be sent, shared by retry and failover.
    pub attempt_quota: Option<AttemptQuota>,
    /// When the request arrived.
    pub started: Option<Instant>,
    /// Whether a layer below must not repeat the request on its own.
    pub do_not_retry: bool,
}

/// The number of times that one request may still be sent, shared by all its copies, so that retry and failover
/// together stay below one limit.
///
/// The layer that adds the quota to the context takes the first unit. Each layer then takes one unit for every
/// *further* attempt that it starts (a retry, another endpoint), and none for the request that it received. No attempt
/// is counted twice, however the layers are nested.
#[derive(Clone)]
pub struct AttemptQuota(Arc<AtomicU32>);

// === impl RequestContext ===

impl RequestContext {
    /// Creates an empty context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the deadline; the earlier of two applies.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }

    /// Sets the number of the attempt.
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets the shared quota of attempts.
    #[must_use]
    pub fn with_attempt_quota(mut self, attempt_quota: AttemptQuota) -> Self {
        self.attempt_quota = Some(attempt_quota);
        self
    }

    /// Returns the time left until the deadline, zero once it has passed, or `None` without a deadline.
    #[must_use]
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }
}

// === impl AttemptQuota ===

impl AttemptQuota {
    /// The default for retry and failover together: a request is sent at most four times.
    pub const DEFAULT: u32 = 4;

    /// Creates a quota of `n` attempts.
    #[must_use]
    pub fn new(n: u32) -> Self {
        Self(Arc::new(AtomicU32::new(n)))
    }

    /// Takes one attempt. Returns false if none is left.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Returns the number of attempts left.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Takes all attempts that are left. A layer whose budget is used up does so, so that the layers outside it do not
    /// repeat the request either.
    pub fn exhaust(&self) {
        self.0.store(0, Relaxed);
    }
}

impl fmt::Debug for AttemptQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} left", self.left())
    }
}
