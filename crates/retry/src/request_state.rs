//! The state that a retrier keeps for one request across its attempts.

use mainstay_core::{AttemptQuota, RequestCopy, UploadClock};
use tokio::time::Instant;

use crate::{StopReason, delay::Series};

/// The state of one request.
#[derive(Debug)]
pub(crate) struct RequestState {
    /// The number of the current attempt, from 1.
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) deadline: Option<Instant>,
    /// The start of the current attempt, if it is timed.
    pub(crate) attempt_started: Option<Instant>,
    /// The clock of the body of the request, if its attempts are timed.
    pub(crate) upload: Option<UploadClock>,
    pub(crate) delays: Series,
    /// Whether this layer made the attempt quota.
    pub(crate) owns_quota: bool,
    /// Whether a rejection by another layer has been waited out. This happens at most once.
    pub(crate) waited_out: bool,
}

/// The copy of the request that the next attempt would send, as the policy keeps it, or the reason why there is none.
#[derive(Debug)]
pub(crate) enum ReplayCopy<K> {
    Available(RequestCopy<K>),
    Unavailable(StopReason),
}

/// Whether the request can be sent again: the attempt quota that it carries, or the reason why it cannot.
pub(crate) type RetryPermission<'a> = Result<Option<&'a AttemptQuota>, StopReason>;

// === impl RequestState ===

impl RequestState {
    #[inline]
    pub(crate) fn new(max_attempts: u32) -> Self {
        let delays = Series::default();
        Self {
            attempt: 1,
            max_attempts,
            deadline: None,
            attempt_started: None,
            upload: None,
            delays,
            owns_quota: false,
            waited_out: false,
        }
    }

    /// Whether no further attempt is allowed, so that no copy of the request is needed.
    #[inline]
    pub(crate) fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }
}
