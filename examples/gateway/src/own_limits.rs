//! Limits of the gateway itself that an exchange with a backend can reach: the size of an answer's head, and the open files
//! of the process. They count against no backend. The client is told which limit it was, and the log too.

use http::Response;
use mainstay_core::{BoxError, LogLimit, Reason, Rejected};
use mainstay_http::{client::head_size, policy::own_limit};
use tokio::time::Instant;

/// The limits, and what was logged about them.
#[derive(Debug)]
pub(crate) struct OwnLimits {
    max_head_bytes: usize,
    heads: LogLimit,
    files: LogLimit,
}

// === impl OwnLimits ===

impl OwnLimits {
    pub(crate) fn new(max_head_bytes: usize) -> Self {
        Self { max_head_bytes, heads: LogLimit::default(), files: LogLimit::default() }
    }

    /// Refuses an answer whose head is too large, and logs an error by a limit of the gateway.
    pub(crate) fn check<B>(&self, result: Result<Response<B>, impl Into<BoxError>>) -> Result<Response<B>, BoxError> {
        let error: BoxError = match result {
            Ok(response) if head_size(response.headers()) <= self.max_head_bytes => return Ok(response),
            Ok(_) => Rejected::new(Reason::ResponseTooLarge, "backends").into(),
            Err(error) => error.into(),
        };
        match own_limit(&error) {
            Some(Reason::OutOfFiles) => {
                if let Some(more) = self.files.fault(Instant::now()) {
                    tracing::error!(more, "no file descriptor is left: raise the limit of open files (ulimit -n)");
                }
            }
            Some(_) => {
                if let Some(more) = self.heads.fault(Instant::now()) {
                    tracing::warn!(more, "an answer exceeds MAX_RESPONSE_FIELDS or MAX_HEAD_BYTES and was refused");
                }
            }
            None => {}
        }
        Err(error)
    }
}
