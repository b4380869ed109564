//! The seam for steps of the user's own: a queue that accepts the request for later, a second-level cache, a model
//! that guesses.

use std::{fmt, future::Future, pin::Pin};

use mainstay_core::{BoxError, Name, Replay};

use crate::{
    Answers, Asked, Begun, Cause, Chain, Or, StepState, Working,
    chain::{Leaf, hand_out},
};

/// A step of your own, for [`step`]; [`step_fn`] makes one of a closure.
///
/// Its future borrows nothing of the step or of the cause, so clone what it needs before the `async move`. Nothing
/// bounds its time but what you put in.
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
/// let layer = FallbackLayer::new(step("later", AcceptForLater(queue)).or(value("sorry")));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no step that answers `{Req}` with `{Res}`",
    label = "implement `Step<{Req}, {Res}>`, or use `step_fn` for a closure"
)]
pub trait Step<Req, Res> {
    /// Answers the request.
    ///
    /// # Errors
    /// What kept the step from answering; it is logged at debug and counted, and the next step is tried.
    fn answer(
        &self,
        request: Req,
        cause: Cause<'_, Res>,
    ) -> impl Future<Output = Result<Res, BoxError>> + Send + 'static;
}

/// A [`Step`] with a name; see [`step`] and [`step_fn`].
pub struct Own<Req, Res> {
    answer: Box<Ask<Req, Res>>,
    state: StepState,
}

type Ask<Req, Res> = dyn Fn(Req, Cause<'_, Res>) -> Answer<Res> + Send + Sync;
type Answer<Res> = Pin<Box<dyn Future<Output = Result<Res, BoxError>> + Send>>;

/// Your own step in a chain, under a name for marks, counts and switches.
///
/// Needs a copy of the request: every call makes one ([`Replay`]), and the step is skipped for requests that cannot be
/// copied.
pub fn step<Req, Res, T>(name: impl Into<Name>, step: T) -> Own<Req, Res>
where
    T: Step<Req, Res> + Send + Sync + 'static,
{
    Own {
        answer: Box::new(move |request, cause| Box::pin(step.answer(request, cause))),
        state: StepState::new(name.into()),
    }
}

/// Your own step as a closure of the request and of what went wrong, under a name.
///
/// Needs a copy of the request, as [`step`] does.
pub fn step_fn<Req, Res, E, F, Fut>(name: impl Into<Name>, answer: F) -> Own<Req, Res>
where
    F: Fn(Req, Cause<'_, Res>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Res, E>> + Send + 'static,
    E: Into<BoxError>,
{
    let answer = move |request: Req, cause: Cause<'_, Res>| -> Answer<Res> {
        let answer = answer(request, cause);
        Box::pin(async move { answer.await.map_err(Into::into) })
    };
    Own { answer: Box::new(answer), state: StepState::new(name.into()) }
}

// === impl Own ===

impl<Req, Res> Own<Req, Res> {
    /// And if this step fails, that one.
    pub fn or<C: Chain>(self, next: C) -> Or<Self, C> {
        Or::new(self, next)
    }
}

impl<Req, Res> Leaf for Own<Req, Res> {
    const NEEDS_REQUEST: bool = true;

    fn state(&self) -> &StepState {
        &self.state
    }
}

#[diagnostic::do_not_recommend]
impl<Req, Res, E, P> Answers<Req, Res, E, P> for Own<Req, Res>
where
    E: 'static,
    P: Replay<Req>,
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

    fn begin(&self, _: usize, _: &Option<Req>, mut asked: Asked<'_, Req, Res, E, P>) -> Begun<Res> {
        match asked.request.take() {
            Some(request) => Begun::Working(Working { future: (self.answer)(request, asked.cause()), judged: false }),
            None => Begun::Nothing("the request cannot be repeated"),
        }
    }
}

impl<Req, Res> fmt::Debug for Own<Req, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Own").field(self.state.name()).finish()
    }
}
