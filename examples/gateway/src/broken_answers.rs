//! The log of answers that break off in the middle. The client can tell that such an answer is not complete, but not why.

use mainstay_core::{BoxError, LogLimit, Name, causes, escaped};
use mainstay_http::body::IdleTimeout;
use tokio::time::Instant;

/// What was logged about the broken answers of one backend. Each cause has a limit of its own.
#[derive(Debug, Default)]
pub(crate) struct BrokenAnswers {
    paused: LogLimit,
    broken: LogLimit,
}

// === impl BrokenAnswers ===

impl BrokenAnswers {
    /// Logs the error of an answer's body.
    pub(crate) fn record(&self, endpoint: &Name, error: &BoxError) {
        let is_pause = causes(error.as_ref()).any(<dyn std::error::Error>::is::<IdleTimeout>);
        let limit = if is_pause { &self.paused } else { &self.broken };
        let Some(more) = limit.fault(Instant::now()) else { return };
        let endpoint = escaped(endpoint);
        if is_pause {
            tracing::warn!(%endpoint, more, "an answer paused for longer than BODY_IDLE_SECONDS and was broken off");
        } else {
            let cause = causes(error.as_ref()).last().map(|cause| escaped(cause.to_string()));
            let cause = cause.as_ref().map(tracing::field::display);
            tracing::warn!(%endpoint, cause, more, "the connection of an answer ended before the answer did");
        }
    }
}
