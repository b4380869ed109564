//! Custom steps: a queue that accepts the request for later, a second-level cache, a model that estimates the answer.

use std::{fmt, future::Future, pin::Pin};

use mainstay_core::{BoxError, Name, Replay, RequestCopy};

use crate::{
    Answers, Cause, Chain, Or, RunningStep, StepInput, StepStart, StepState,
    chain::{SingleStep, request_for_step},
};

/// A custom step, for [`step`]; [`step_fn`] makes one of a closure.
///
/// The future must not borrow from the step or the cause, so clone what it needs before the `async move`. It has no
/// timeout unless the implementation adds one.
///
/// ```
/// use mainstay_core::BoxError;
/// use mainstay_fallback::{Cause, FallbackLayer, Step, step, value};
/// use tokio::sync::mpsc;
///
/// struct AcceptForLater(mpsc::Sender<String>);
///
/// impl Step<String, String> for AcceptForLater {
///     fn answer(
///         &self,
///         request: String,
///         _cause: Cause<'_, String>,
///     ) -> impl Future<Output = Result<String, BoxError>> + Send + 'static {
///         let queue = self.0.clone();
///         async move {
///             queue.send(request).await?;
///             Ok("accepted".to_owned())
///         }
///     }
/// }
///
/// let (queue, _worker) = mpsc::channel(100);
/// let layer = FallbackLayer::new("orders", step("later", AcceptForLater(queue)).or(value("sorry")));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step that answers `{Req}` with `{Res}`",
    label = "implement `Step<{Req}, {Res}>`, or use `step_fn` for a closure"
)]
pub trait Step<Req, Res> {
    /// Answers the request.
    ///
    /// # Errors
    /// The step failed. The error is logged at debug and counted, and the next step is tried.
    fn answer(
        &self,
        request: Req,
        cause: Cause<'_, Res>,
    ) -> impl Future<Output = Result<Res, BoxError>> + Send + 'static;
}

/// A custom step in a chain; see [`step`] and [`step_fn`].
pub struct CustomStep<Req, Res> {
    answer: Box<AnswerFn<Req, Res>>,
    state: StepState,
}

type AnswerFn<Req, Res> = dyn Fn(Req, Cause<'_, Res>) -> AnswerFuture<Res> + Send + Sync;
type AnswerFuture<Res> = Pin<Box<dyn Future<Output = Result<Res, BoxError>> + Send>>;

/// Creates a custom step, with a name for marks, counts and switches.
///
/// It needs a copy of the request: every call makes one ([`Replay`]). Requests that cannot be copied skip the step, and so
/// do requests that must not be executed twice, unless they were not sent.
pub fn step<Req, Res, T>(name: impl Into<Name>, step: T) -> CustomStep<Req, Res>
where
    T: Step<Req, Res> + Send + Sync + 'static,
{
    CustomStep {
        answer: Box::new(move |request, cause| Box::pin(step.answer(request, cause))),
        state: StepState::new(name.into()),
    }
}

/// Creates a custom step from a closure of the request and the failure, with a name.
///
/// It needs a copy of the request, as [`step`] does.
pub fn step_fn<Req, Res, E, F, Fut>(name: impl Into<Name>, answer: F) -> CustomStep<Req, Res>
where
    F: Fn(Req, Cause<'_, Res>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Res, E>> + Send + 'static,
    E: Into<BoxError>,
{
    let answer = move |request: Req, cause: Cause<'_, Res>| -> AnswerFuture<Res> {
        let answer = answer(request, cause);
        Box::pin(async move { answer.await.map_err(Into::into) })
    };
    CustomStep { answer: Box::new(answer), state: StepState::new(name.into()) }
}

// === impl CustomStep ===

impl<Req, Res> CustomStep<Req, Res> {
    /// Adds a step that runs if this one fails.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<Req, Res> SingleStep for CustomStep<Req, Res> {
    const NEEDS_REQUEST: bool = true;

    fn state(&self) -> &StepState {
        &self.state
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res, E, P> Answers<Req, Res, E, P> for CustomStep<Req, Res>
where
    E: 'static,
    P: Replay<Req>,
{
    type Kept = Option<RequestCopy<P::Kept>>;

    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Self::Kept {
        if copied { None } else { policy.replay(request) }
    }

    fn request_for_step(policy: &P, kept: &mut Self::Kept, is_last: bool) -> Option<RequestCopy<Req>> {
        request_for_step(policy, kept, is_last)
    }

    fn start(&self, _: usize, _: &Self::Kept, mut input: StepInput<'_, Req, Res, E, P>) -> StepStart<Res> {
        match input.request_to_send() {
            Ok(request) => {
                StepStart::Running(RunningStep { future: (self.answer)(request, input.cause()), is_classified: false })
            }
            Err(reason) => StepStart::Skipped(reason),
        }
    }
}

impl<Req, Res> fmt::Debug for CustomStep<Req, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomStep").field(self.state.name()).finish()
    }
}
