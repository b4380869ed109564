//! The input and the output of a step.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use mainstay_core::{BoxError, Outcome, RequestCopy};

use crate::Cause;

/// The input of a step.
#[doc(hidden)]
#[derive(Debug)]
pub struct StepInput<'a, Req, Res, E, P> {
    /// A copy of the request, if the step needs one and the request can be copied.
    pub(crate) request: Option<RequestCopy<Req>>,
    /// Whether an earlier step of this call has sent the request.
    pub(crate) was_sent: bool,
    /// The outcome of the inner service's result.
    pub(crate) outcome: Outcome,
    /// The inner service's result.
    pub(crate) result: Result<&'a Res, &'a E>,
    pub(crate) policy: &'a P,
}

/// The output of a step's start.
#[doc(hidden)]
pub enum StepStart<Res> {
    /// An immediate answer, with its age if it was cached.
    Answer(Res, Option<Duration>),
    /// The step is running.
    Running(RunningStep<Res>),
    /// The step has no answer, for this reason.
    Skipped(&'static str),
}

/// A running step.
///
/// Its future is boxed: each step has a future type of its own, and a chain of inline futures would make the future of
/// every call as large as that of the largest step.
#[doc(hidden)]
pub struct RunningStep<Res> {
    pub(crate) future: Pin<Box<dyn Future<Output = Result<Res, BoxError>> + Send>>,
    /// Whether the policy classifies the response. A backup's 503 is a failed step; a custom step's is an answer.
    pub(crate) is_classified: bool,
}

// === impl StepInput ===

impl<Req, Res, E, P> StepInput<'_, Req, Res, E, P> {
    /// Returns the request for a step that sends it, or why the step is skipped.
    pub(crate) fn request_to_send(&mut self) -> Result<Req, &'static str> {
        let copy = self.request.take().ok_or("the request cannot be copied")?;
        match copy.may_follow(&self.outcome) && !(copy.is_only_if_unsent() && self.was_sent) {
            true => Ok(copy.into_request()),
            false => Err("the request may have been executed already"),
        }
    }
}

impl<'a, Req, Res, E: 'static, P> StepInput<'a, Req, Res, E, P> {
    pub(crate) fn cause(&self) -> Cause<'a, Res> {
        Cause::new(self.outcome, self.result)
    }
}

// === impl StepStart ===

impl<Res> fmt::Debug for StepStart<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer(..) => "Answer",
            Self::Running(_) => "Running",
            Self::Skipped(reason) => reason,
        })
    }
}

// === impl RunningStep ===

impl<Res> fmt::Debug for RunningStep<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningStep").field("is_classified", &self.is_classified).finish_non_exhaustive()
    }
}
