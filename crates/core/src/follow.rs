//! What a layer must know of a response that is not over when the caller gets it.
//!
//! A trait apart from [`Classify`](crate::Classify), for it asks more: to be followed, a response must be able to carry
//! something to its end without changing its type. Retry and fallback decide at the head, and need it not.

use crate::{Classify, ClassifyFn, Contextual, Degraded, Mark, Outcome, Plain, Replay, RequestContext};

/// Follows a response to its end.
///
/// A stream that has begun still uses the dependency, and may still fail. A bulkhead moves its permit into `settle`, and
/// a breaker records there what the end says. Both methods have the defaults of a protocol whose answers are whole when
/// they come, so `impl<Res> Follow<Res> for MyPolicy {}` is all that such a policy writes.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot follow `{Res}` to its end",
    label = "no `Follow<{Res}>` for this policy",
    note = "a policy of your own whose answers are whole when they come: `impl<Res> Follow<Res> for MyPolicy {{}}`",
    note = "`Http` and `Grpc` follow bodies that are boxed: box it below the layer, `.map_response(mainstay_http::box_body)`, or let the head decide, `HeadOnly(policy)`"
)]
pub trait Follow<Res> {
    /// Whether the response goes on after the caller has it. Where it does not, a layer settles at once and saves
    /// itself the making of a guard.
    fn is_streaming(&self, response: &Res) -> bool {
        let _ = response;
        false
    }

    /// Calls `settle` once, when the response is over, with what its end says. What its head says is not repeated:
    /// a response that ends well is a success here, whatever its status.
    fn follow<F>(&self, response: Res, settle: F) -> Res
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        settle(Outcome::Success);
        response
    }
}

/// A policy whose calls are over when their answer's head is there: permits come back then, and breakers record then.
///
/// For bodies that cannot carry a guard, and for streams that use nothing worth a permit (long polls, server-sent
/// events). In all else it is the policy inside.
///
/// ```
/// use mainstay_core::{HeadOnly, Follow, Plain};
///
/// assert!(!HeadOnly(Plain).is_streaming(&"an answer of any type"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadOnly<P>(pub P);

// === impl Follow ===

impl<Res> Follow<Res> for Plain {}

impl<F, Res> Follow<Res> for ClassifyFn<F> {}

#[diagnostic::do_not_recommend]
impl<P, Res> Follow<Res> for HeadOnly<P> {}

// === impl HeadOnly ===

#[diagnostic::do_not_recommend]
impl<P: Classify<Res, E>, Res, E> Classify<Res, E> for HeadOnly<P> {
    fn classify(&self, result: Result<&Res, &E>) -> Outcome {
        self.0.classify(result)
    }

    fn discard(&self, result: Result<Res, E>) {
        self.0.discard(result);
    }
}

#[diagnostic::do_not_recommend]
impl<P: Replay<Req>, Req> Replay<Req> for HeadOnly<P> {
    fn replay(&self, request: &Req) -> Option<Req> {
        self.0.replay(request)
    }

    fn is_intact(&self, copy: &Req) -> bool {
        self.0.is_intact(copy)
    }
}

#[diagnostic::do_not_recommend]
impl<P: Contextual<Req>, Req> Contextual<Req> for HeadOnly<P> {
    fn carries_context(&self) -> bool {
        self.0.carries_context()
    }

    fn context<'a>(&self, request: &'a Req) -> Option<&'a RequestContext> {
        self.0.context(request)
    }

    fn set_context(&self, request: &mut Req, context: RequestContext) {
        self.0.set_context(request, context);
    }
}

#[diagnostic::do_not_recommend]
impl<P: Mark<Res>, Res> Mark<Res> for HeadOnly<P> {
    fn mark(&self, response: &mut Res, degraded: &Degraded) {
        self.0.mark(response, degraded);
    }
}
