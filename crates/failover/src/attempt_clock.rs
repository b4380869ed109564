//! How long an attempt has waited for its endpoint: without the time that the caller took to send the body.

use std::time::Duration;

use mainstay_core::UploadClock;
use tokio::time::Instant;

/// The wait of one attempt. It begins when the attempt is found to be pending, and not before the last byte of the
/// request's body, where the policy knows the body's clock.
#[derive(Debug)]
pub(crate) struct AttemptClock {
    since: Option<Instant>,
    upload: Option<UploadClock>,
}

// === impl AttemptClock ===

impl AttemptClock {
    /// Creates the clock of an attempt that has not been polled.
    #[inline]
    pub(crate) fn new(upload: Option<UploadClock>) -> Self {
        Self { since: None, upload }
    }

    /// Creates the clock of an attempt that is sent now.
    pub(crate) fn started(upload: Option<UploadClock>) -> Self {
        Self { since: Some(Instant::now()), upload }
    }

    #[inline]
    pub(crate) fn is_started(&self) -> bool {
        self.since.is_some()
    }

    /// Starts the wait.
    pub(crate) fn start(&mut self) {
        self.since = Some(Instant::now());
    }

    /// Returns how long the attempt has waited; `None` if it was not found pending.
    pub(crate) fn waited(&self) -> Option<Duration> {
        Some(UploadClock::waited(self.upload.as_ref(), self.since?))
    }

    /// Returns the end of a time of waiting that begins with the attempt.
    pub(crate) fn end(&self, time: Duration) -> Option<Instant> {
        let end = self.since.unwrap_or_else(Instant::now).checked_add(time)?;
        Some(self.later_end(time).map_or(end, |later| later.max(end)))
    }

    /// Returns the end of a time of waiting by the body's progress, if that is still to come.
    pub(crate) fn later_end(&self, time: Duration) -> Option<Instant> {
        UploadClock::later_end(self.upload.as_ref(), time)
    }
}
