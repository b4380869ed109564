//! The messages of a probe: a request with a context, an answer with a mark.

use std::{error::Error, fmt};

use crate::{
    CacheByKey, Classify, Contextual, Degraded, Follow, Mark, Outcome, Plain, Refusal, Replay, RequestContext,
    RequestCopy, UploadClock,
};

/// A request to a [`Probe`](super::Probe).
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The number that the caller gave it.
    pub id: u64,
    /// The context, for [`ProbePolicy`].
    pub context: Option<RequestContext>,
    /// The clock of its body, for [`ProbePolicy`].
    pub upload_clock: Option<UploadClock>,
}

/// The answer of a [`Probe`](super::Probe).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The scripted value, or the number of the call.
    pub value: u64,
    /// The mark, for [`ProbePolicy`].
    pub degraded: Option<Degraded>,
}

/// The errors of a [`Probe`](super::Probe).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeError {
    /// A scripted failure of a call.
    Failed,
    /// A scripted failure of `poll_ready`.
    NotReady,
}

/// A policy for [`Request`] and [`Answer`]: classifies as [`Plain`] does, clones requests to retry them, reads and writes
/// the context, and marks answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProbePolicy;

// === impl Request ===

impl Request {
    /// Creates a request of this number, without a context.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    /// Sets the context.
    #[must_use]
    pub fn with_context(mut self, context: RequestContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Sets the clock of its body.
    #[must_use]
    pub fn with_upload_clock(mut self, clock: UploadClock) -> Self {
        self.upload_clock = Some(clock);
        self
    }
}

// === impl Answer ===

impl From<u64> for Answer {
    fn from(value: u64) -> Self {
        Self { value, degraded: None }
    }
}

// === impl ProbeError ===

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "the probe failed as scripted",
            Self::NotReady => "the probe's readiness failed as scripted",
        })
    }
}

impl Error for ProbeError {}

// === impl ProbePolicy ===

impl<E: Refusal> Classify<Answer, E> for ProbePolicy {
    fn classify(&self, result: Result<&Answer, &E>) -> Outcome {
        Plain.classify(result)
    }
}

impl Follow<Answer> for ProbePolicy {}

impl CacheByKey for ProbePolicy {}

#[diagnostic::do_not_recommend]
impl Replay<Request> for ProbePolicy {
    type Kept = Request;

    fn replay(&self, request: &Request) -> Option<RequestCopy<Request>> {
        Some(RequestCopy::new(request.clone()))
    }
}

impl Contextual<Request> for ProbePolicy {
    fn carries_context(&self) -> bool {
        true
    }

    fn context<'a>(&self, request: &'a Request) -> Option<&'a RequestContext> {
        request.context.as_ref()
    }

    fn set_context(&self, request: &mut Request, context: RequestContext) {
        request.context = Some(context);
    }

    fn upload_clock<'a>(&self, request: &'a Request) -> Option<&'a UploadClock> {
        request.upload_clock.as_ref()
    }
}

impl Mark<Answer> for ProbePolicy {
    fn mark(&self, response: &mut Answer, degraded: &Degraded) {
        response.degraded = Some(degraded.clone());
    }
}
