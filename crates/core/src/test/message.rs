//! What goes through a probe: a request with a context, an answer with a place for a mark.

use std::{error::Error, fmt};

use crate::{Classify, Contextual, Degraded, Follow, Mark, Outcome, Plain, Refusal, Replay, RequestContext};

/// A request to a [`Probe`](super::Probe).
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The caller's number for it.
    pub id: u64,
    /// Where [`ProbePolicy`] keeps the context.
    pub context: Option<RequestContext>,
}

/// The answer of a [`Probe`](super::Probe).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What the script said, or the number of the call.
    pub value: u64,
    /// Where [`ProbePolicy`] keeps the mark.
    pub degraded: Option<Degraded>,
}

/// The errors of a [`Probe`](super::Probe).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeError {
    /// A call failed, as scripted.
    Failed,
    /// `poll_ready` failed, as scripted.
    NotReady,
}

/// A policy that knows [`Request`] and [`Answer`]: classifies as [`Plain`], repeats by cloning, reads and writes the
/// context, marks the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProbePolicy;

// === impl Request ===

impl Request {
    /// A request of that number, without a context.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self { id, context: None }
    }

    /// With a context.
    #[must_use]
    pub fn with_context(mut self, context: RequestContext) -> Self {
        self.context = Some(context);
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
            Self::Failed => "the probe failed as told",
            Self::NotReady => "the probe's readiness failed as told",
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

#[diagnostic::do_not_recommend]
impl Replay<Request> for ProbePolicy {
    fn replay(&self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}

impl Contextual<Request> for ProbePolicy {
    fn context<'a>(&self, request: &'a Request) -> Option<&'a RequestContext> {
        request.context.as_ref()
    }

    fn set_context(&self, request: &mut Request, context: RequestContext) {
        request.context = Some(context);
    }
}

impl Mark<Answer> for ProbePolicy {
    fn mark(&self, response: &mut Answer, degraded: &Degraded) {
        response.degraded = Some(degraded.clone());
    }
}
