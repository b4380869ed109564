//! What passes between a call on its way and the step that it is at.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use mainstay_core::{BoxError, Outcome};

use crate::Cause;

/// What a step is given.
#[doc(hidden)]
#[derive(Debug)]
pub struct Asked<'a, Req, Res, E, P> {
    /// A copy of the request, if the step needs one and it can be had.
    pub(crate) request: Option<Req>,
    pub(crate) outcome: Outcome,
    pub(crate) result: Result<&'a Res, &'a E>,
    pub(crate) policy: &'a P,
}

/// What a step gives.
#[doc(hidden)]
pub enum Begun<Res> {
    /// The answer at once, with its age if it is from a memory.
    Answer(Res, Option<Duration>),
    Working(Working<Res>),
    /// Nothing to answer with, and why.
    Nothing(&'static str),
}

/// A step at work. Its future is boxed: its type is the step's own, and a chain of inline futures would make the
/// future of every call as large as its largest step.
#[doc(hidden)]
pub struct Working<Res> {
    pub(crate) future: Pin<Box<dyn Future<Output = Result<Res, BoxError>> + Send>>,
    /// Whether the policy judges the answer: a backup's 503 is no answer, but what a user's own step gives is.
    pub(crate) judged: bool,
}

// === impl Asked ===

impl<'a, Req, Res, E: 'static, P> Asked<'a, Req, Res, E, P> {
    pub(crate) fn cause(&self) -> Cause<'a, Res> {
        Cause::new(self.outcome, self.result)
    }
}

// === impl Begun ===

impl<Res> fmt::Debug for Begun<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer(..) => "Answer",
            Self::Working(_) => "Working",
            Self::Nothing(why) => why,
        })
    }
}

// === impl Working ===

impl<Res> fmt::Debug for Working<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Working").field("judged", &self.judged).finish_non_exhaustive()
    }
}
