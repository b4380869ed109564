//! One request on its way through its attempts.

use mainstay_core::AttemptQuota;
use tokio::time::Instant;

use crate::{GaveUp, delay::Series};

/// What a retrier remembers of one request.
#[derive(Debug)]
pub(crate) struct Journey {
    /// The attempt it is on, 1 for the first.
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) deadline: Option<Instant>,
    /// When the attempt began, if it is timed.
    pub(crate) attempt_began: Option<Instant>,
    pub(crate) delays: Series,
    /// Whether a refusal by one of our own layers has been waited out, which happens once.
    pub(crate) waited_out: bool,
}

/// The copy of a request that another attempt would send, or why there is none.
#[derive(Debug)]
pub(crate) enum Spare<Req> {
    Kept(Req),
    Missing(GaveUp),
}

/// What a decision must know of the spare copy: the sends left to it, or why there is none.
pub(crate) type Leave<'a> = Result<Option<&'a AttemptQuota>, GaveUp>;

// === impl Journey ===

impl Journey {
    #[inline]
    pub(crate) fn new(max_attempts: u32) -> Self {
        let delays = Series::default();
        Self { attempt: 1, max_attempts, deadline: None, attempt_began: None, delays, waited_out: false }
    }

    /// Whether this is the last attempt, so that nothing needs to be kept for another.
    #[inline]
    pub(crate) fn is_last(&self) -> bool {
        self.attempt >= self.max_attempts
    }
}
