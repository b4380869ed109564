//! The context that travels with a request through a stack.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::AskedEndpoints;

/// The context of one request: its deadline, the number of the attempt, how often it may still be sent.
///
/// Layers read and write it through a [`Contextual`](crate::Contextual) policy. HTTP keeps it in the request's
/// extensions; `Plain` has none.
///
/// A first attempt may have none either: retry makes a context for it only if the layers below [use](Self::note_use) it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RequestContext {
    /// When the caller stops waiting. No layer starts an attempt or waits beyond it.
    pub deadline: Option<Instant>,
    /// The time of one attempt from its start, if an attempt timeout limits it. A dependency is told no more than that.
    pub attempt_timeout: Option<Duration>,
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
pub struct AttemptQuota(Arc<Shared>);

/// What all copies of one request share, in one allocation.
struct Shared {
    left: AtomicU32,
    asked: AskedEndpoints,
    is_used: AtomicBool,
}

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
        self.limit_deadline(deadline);
        self
    }

    /// Sets the deadline, unless an earlier one is set.
    pub fn limit_deadline(&mut self, deadline: Instant) {
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
    }

    /// Sets the time of one attempt; the shorter of two applies.
    #[must_use]
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.limit_attempt(timeout);
        self
    }

    /// Limits the time of one attempt; the shorter of two limits applies.
    pub fn limit_attempt(&mut self, timeout: Duration) {
        self.attempt_timeout = Some(self.attempt_timeout.map_or(timeout, |shorter| shorter.min(timeout)));
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

    /// Returns the endpoints that this request has asked, shared by all its copies. `None` without an attempt quota: only a
    /// layer that may send the request again adds one.
    #[must_use]
    pub fn asked_endpoints(&self) -> Option<&AskedEndpoints> {
        self.note_use();
        self.attempt_quota.as_ref().map(AttemptQuota::asked_endpoints)
    }

    /// Notes that a layer below the one that repeats the request uses the context; see [`AttemptQuota::note_use`].
    pub fn note_use(&self) {
        if let Some(quota) = &self.attempt_quota {
            quota.note_use();
        }
    }

    /// Returns the time left until the deadline, zero once it has passed, or `None` without a deadline.
    #[must_use]
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now))
    }

    /// Returns the time that an attempt which starts now may take: until the deadline, and no longer than an attempt
    /// timeout permits.
    #[must_use]
    pub fn attempt_time_left(&self, now: Instant) -> Option<Duration> {
        self.time_left(now).into_iter().chain(self.attempt_timeout).min()
    }
}

// === impl AttemptQuota ===

impl AttemptQuota {
    /// The default for retry and failover together: a request is sent at most four times.
    pub const DEFAULT: u32 = 4;

    /// Creates a quota of `n` attempts.
    #[must_use]
    pub fn new(n: u32) -> Self {
        Self(Arc::new(Shared {
            left: AtomicU32::new(n),
            asked: AskedEndpoints::default(),
            is_used: AtomicBool::new(false),
        }))
    }

    /// Takes one attempt. Returns false if none is left.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Returns the number of attempts left.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.0.left.load(Relaxed)
    }

    /// Returns the endpoints that the request has asked, shared by all its copies.
    #[must_use]
    #[inline]
    pub fn asked_endpoints(&self) -> &AskedEndpoints {
        &self.0.asked
    }

    /// Notes that a layer below the one that made the quota takes part in it, or forwards the number of the attempt. Call
    /// it in a layer of your own that does so. Retry makes no context for the first attempts of a service, which costs an
    /// HTTP request four allocations, once the quota of a request that succeeded was not used.
    #[inline]
    pub fn note_use(&self) {
        if !self.is_used() {
            self.0.is_used.store(true, Relaxed);
        }
    }

    /// Returns whether a layer has noted that it uses the quota.
    #[must_use]
    #[inline]
    pub fn is_used(&self) -> bool {
        self.0.is_used.load(Relaxed)
    }

    /// Takes all attempts that are left. A layer whose budget is used up does so, so that the layers outside it do not
    /// repeat the request either.
    pub fn exhaust(&self) {
        self.0.left.store(0, Relaxed);
    }
}

/// Two quotas are equal if they are the same one.
impl PartialEq for AttemptQuota {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for AttemptQuota {}

impl fmt::Debug for AttemptQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} left", self.left())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Asked, FailoverId};

    #[test]
    fn copies_of_a_request_share_quota_and_asked_endpoints() {
        let id = FailoverId::new();
        assert!(RequestContext::new().asked_endpoints().is_none());
        let first = RequestContext::new().with_attempt_quota(AttemptQuota::new(2));
        let second = first.clone().with_attempt(2);
        first.asked_endpoints().map(|asked| asked.raise(id, 1, Asked::Yes));
        assert_eq!(second.asked_endpoints().map(|asked| asked.get(id, 1)), Some(Asked::Yes));
        assert!(first.attempt_quota.as_ref().is_some_and(AttemptQuota::take));
        assert_eq!(second.attempt_quota.map(|quota| quota.left()), Some(1));
    }
}
