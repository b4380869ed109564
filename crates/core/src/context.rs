//! What travels with a request through a stack.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

/// What layers tell each other about one request: its deadline, the attempt it is on, how often it may
/// still be sent.
///
/// A [`Contextual`](crate::Contextual) policy reads and writes it (HTTP keeps it in the request's
/// extensions); `Plain` has none.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RequestContext {
    /// When the caller stops waiting. Nothing is started or waited for beyond it.
    pub deadline: Option<Instant>,
    /// The attempt this request is on: 0 before any retry layer, 1 for the first attempt.
    pub attempt: u32,
    /// How often the request may still be sent, shared by retry and failover.
    pub attempt_quota: Option<AttemptQuota>,
    /// When the request arrived.
    pub started: Option<Instant>,
    /// Whether a layer below must not repeat the request on its own.
    pub do_not_retry: bool,
}

/// A count of sends that all copies of one request share, so that retry and failover together stay
/// below one limit.
///
/// Whichever layer puts it into the context takes the request's first send. After that each layer takes one for
/// every *further* send that it decides on (another attempt, another endpoint), and none for the request it was
/// handed: so nothing is counted twice, however the layers are nested.
#[derive(Clone)]
pub struct AttemptQuota(Arc<AtomicU32>);

// === impl RequestContext ===

impl RequestContext {
    /// An empty context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a deadline; the earlier of two wins.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }

    /// With the number of the attempt.
    #[must_use]
    pub fn with_attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// With a shared count of sends.
    #[must_use]
    pub fn with_attempt_quota(mut self, attempt_quota: AttemptQuota) -> Self {
        self.attempt_quota = Some(attempt_quota);
        self
    }

    /// The time left until the deadline, if there is one; zero once it has passed.
    #[must_use]
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }
}

// === impl AttemptQuota ===

impl AttemptQuota {
    /// The number of times one request is sent at most by default, over retry and failover together.
    pub const DEFAULT: u32 = 4;

    /// A request that may be sent `n` times.
    #[must_use]
    pub fn new(n: u32) -> Self {
        Self(Arc::new(AtomicU32::new(n)))
    }

    /// Takes one send, or says that none is left.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// How many are left.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Takes all that are left: what a layer does whose budget is used up, so that the layers above it do not
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
