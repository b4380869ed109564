//! The seam for steps of the user's own: a queue that accepts the request for later, a second-level cache, a model
//! that guesses.

use std::{fmt, future::Future};

use mainstay_core::{BoxError, Name, Replay};

use crate::{
    Answers, Asked, Begun, Chain, Or, StepState, Working,
    chain::{Leaf, hand_out},
};

/// A step of your own, for [`step`]; [`step_fn`] makes one of a closure.
///
/// Its future borrows nothing of the step or of the failure, so clone what it needs before the `async move`. Nothing
/// bounds its time but what you put in.
///
/// ```
/// use mainstay_core::BoxError;
/// use mainstay_fallback::{FallbackLayer, Step, step, value};
/// use tokio::sync::mpsc;
///
/// struct AcceptForLater(mpsc::Sender<String>);
///
/// impl Step<String, String, BoxError> for AcceptForLater {
///     fn answer(
///         &self,
///         request: String,
///         _cause: Result<&String, &BoxError>,
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
/// let layer = FallbackLayer::new(step("later", AcceptForLater(queue)).or(value("sorry")));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no step that answers `{Req}` with `{Res}`",
    label = "implement `Step<{Req}, {Res}, {E}>`, or use `step_fn` for a closure"
)]
pub trait Step<Req, Res, E> {
    /// Answers the request. `cause` is what went wrong: the error, or the response that the policy counts as a failure.
    ///
    /// # Errors
    /// What kept the step from answering; it is logged at debug and counted, and the next step is tried.
    fn answer(
        &self,
        request: Req,
        cause: Result<&Res, &E>,
    ) -> impl Future<Output = Result<Res, BoxError>> + Send + 'static;
}

/// A [`Step`] with a name.
pub struct Own<T> {
    step: T,
    state: StepState,
}

/// A [`Step`] made of a closure; see [`step_fn`].
pub struct StepFn<F>(F);

/// Your own step in a chain, under a name for marks, counts and switches.
///
/// Needs a copy of the request: every call makes one ([`Replay`]), and the step is skipped for requests that cannot be
/// copied.
pub fn step<T>(name: impl Into<Name>, step: T) -> Own<T> {
    Own { step, state: StepState::new(name.into()) }
}

/// Your own step as a closure of the request and of what went wrong, under a name.
///
/// Needs a copy of the request, as [`step`] does.
pub fn step_fn<Req, Res, E, F, Fut>(name: impl Into<Name>, answer: F) -> Own<StepFn<F>>
where
    F: Fn(Req, Result<&Res, &E>) -> Fut,
    Fut: Future<Output = Result<Res, BoxError>> + Send + 'static,
{
    step(name, StepFn(answer))
}

// === impl Own ===

impl<T> Own<T> {
    /// And if this step fails, that one.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<T> Leaf for Own<T> {
    const NEEDS_REQUEST: bool = true;

    fn state(&self) -> &StepState {
        &self.state
    }
}

impl<Req, Res, E, P, T> Answers<Req, Res, E, P> for Own<T>
where
    P: Replay<Req>,
    T: Step<Req, Res, E>,
{
    type Kept = Option<Req>;

    fn keep(&self, policy: &P, request: &Req, copied: bool) -> Option<Req> {
        if copied { None } else { policy.replay(request) }
    }

    fn copy(kept: &mut Option<Req>) -> Option<&mut Option<Req>> {
        Some(kept)
    }

    fn hand_out(policy: &P, copy: &mut Option<Req>, last: bool) -> Option<Req> {
        hand_out(policy, copy, last)
    }

    fn begin(&self, _: usize, _: &Option<Req>, asked: Asked<'_, Req, Res, E, P>) -> Begun<Res> {
        let Some(request) = asked.request else {
            return Begun::Nothing("the request cannot be repeated");
        };
        Begun::Working(Working { future: Box::pin(self.step.answer(request, asked.cause)), judged: false })
    }
}

impl<T> fmt::Debug for Own<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Own").field(self.state.name()).finish()
    }
}

// === impl StepFn ===

impl<Req, Res, E, F, Fut> Step<Req, Res, E> for StepFn<F>
where
    F: Fn(Req, Result<&Res, &E>) -> Fut,
    Fut: Future<Output = Result<Res, BoxError>> + Send + 'static,
{
    fn answer(
        &self,
        request: Req,
        cause: Result<&Res, &E>,
    ) -> impl Future<Output = Result<Res, BoxError>> + Send + 'static {
        (self.0)(request, cause)
    }
}

impl<F> fmt::Debug for StepFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepFn")
    }
}
