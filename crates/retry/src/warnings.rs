//! What a handle logs once, because retries have less effect than their settings say.

use std::sync::atomic::Ordering::Relaxed;

use tracing::{error, warn};

use crate::{Retrier, StopReason, stats::Count};

/// The number of requests that were not safe to repeat, and none that was, after which a handle warns.
const UNSAFE_REQUESTS: u64 = 10;

// === impl Retrier ===

impl Retrier {
    /// Warns that the attempt quota permits fewer attempts than the settings.
    #[cold]
    pub(crate) fn warn_of_quota(&self, max_attempts: u32, attempt_quota: u32) {
        if !self.0.warned.attempt_quota.swap(true, Relaxed) {
            warn!(
                retrier = %self.0.name, max_attempts, attempt_quota,
                "requests get only as many attempts as `attempt_quota` permits: raise it to `max_attempts`"
            );
        }
    }

    /// Warns that a failed request had no copy, if this handle has repeated no request so far.
    #[cold]
    pub(crate) fn warn_of_missing_copy(&self) {
        if self.may_warn_of_replay() && !self.0.warned.not_replayable.swap(true, Relaxed) {
            warn!(
                retrier = %self.0.name,
                "a failed request is not repeated, because its body cannot be sent again: put `ReplayableLayer` of \
                 `mainstay-http` outside of the retry layer, or have the policy's `replay` copy the request"
            );
        }
    }

    /// Warns that failed requests are not safe to repeat, if this handle has repeated no request so far.
    #[cold]
    pub(crate) fn warn_of_unsafe_requests(&self) {
        let requests = self.0.stats.get(Count::Stopped(StopReason::NotReplayable));
        if requests >= UNSAFE_REQUESTS && self.may_warn_of_replay() && !self.0.warned.not_replayable.swap(true, Relaxed)
        {
            warn!(
                retrier = %self.0.name, requests,
                "failed requests are not sent again, because they are not safe to send twice (such as a POST): have callers \
                 send an `Idempotency-Key`, or set `repeating_any_method` on the policy if the service accepts repeats"
            );
        }
    }

    /// Warns that a retry cannot wait for its delay.
    #[cold]
    pub(crate) fn warn_of_no_runtime(&self) {
        if !self.0.warned.no_runtime.swap(true, Relaxed) {
            error!(
                retrier = %self.0.name,
                "a failed request is not repeated, because there is no tokio runtime for its delay: call it inside of one, \
                 or set a backoff without delays"
            );
        }
    }

    fn may_warn_of_replay(&self) -> bool {
        !self.0.warned.not_replayable.load(Relaxed) && self.0.stats.get(Count::Retries) == 0
    }

    /// Warns that the budget refuses although the dependency is well, if it does.
    #[cold]
    pub(crate) fn warn_of_expired_tokens(&self) {
        let Some((budget, successes)) = self.budget().and_then(|budget| Some((budget, budget.report_expired()?)))
        else {
            return;
        };
        let expiry = budget.settings().expiry;
        warn!(
            retrier = %self.0.name, successes, ?expiry,
            "the retry budget refuses although the dependency is well, because the tokens of its successes had expired: \
             set `allowance_refill` in the budget's settings, for clients with less than one request a second"
        );
    }
}
