//! Responses that continue after the caller has received them.
//!
//! [`Follow`] is a trait apart from [`Classify`](crate::Classify) because it requires more: the response must carry a
//! guard to its end without changing its type. Retry and fallback act on the head and do not need it.

use std::time::Duration;

use crate::{
    CacheByKey, Classify, Contextual, Degraded, Mark, Outcome, Replay, RequestContext, RequestCopy, UploadClock,
};

/// Follows a response to its end.
///
/// A stream still uses the dependency after its head has arrived, and may still fail. A bulkhead moves its permit into
/// `on_end`, and a breaker records the outcome of the stream there. The default methods fit a protocol whose responses
/// are complete when they arrive: `impl<Res> Follow<Res> for MyPolicy {}` is enough.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot follow `{Res}` to its end",
    label = "no `Follow<{Res}>` for this policy",
    note = "for a policy whose responses are complete when they arrive: `impl<Res> Follow<Res> for MyPolicy {{}}`",
    note = "`Http` and `Grpc` follow bodies that are boxed: box the body below the layer with `.map_response(mainstay_http::box_body)`, or act on the head alone with `HeadOnly(policy)`"
)]
pub trait Follow<Res> {
    /// Returns whether the response continues after the caller has received it. If it does not, the layer records the
    /// outcome at once and creates no guard.
    fn is_streaming(&self, response: &Res) -> bool {
        let _ = response;
        false
    }

    /// Calls `on_end` once, when the response ends, with the outcome of its end. The outcome of the head is not repeated:
    /// a response that ends well is a success here, whatever its status.
    fn follow<F>(&self, response: Res, on_end: F) -> Res
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        on_end(Outcome::Success);
        response
    }
}

/// A policy whose calls end with the head of the response: permits are released then, and breakers record then.
///
/// Use it for bodies that cannot carry a guard, and for streams that should not hold a permit (long polls, server-sent
/// events). Everything else is delegated to the inner policy.
///
/// ```
/// use mainstay_core::{HeadOnly, Follow, Plain};
///
/// assert!(!HeadOnly(Plain).is_streaming(&"an answer of any type"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadOnly<P>(pub P);

// === impl HeadOnly ===

#[diagnostic::do_not_recommend]
impl<P, Res> Follow<Res> for HeadOnly<P> {}

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
    type Kept = P::Kept;

    fn replay(&self, request: &Req) -> Option<RequestCopy<P::Kept>> {
        self.0.replay(request)
    }

    fn is_intact(&self, copy: &P::Kept) -> bool {
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

    fn change_context<F>(&self, request: &mut Req, change: F)
    where
        F: FnOnce(&mut RequestContext),
    {
        self.0.change_context(request, change);
    }

    fn caller_timeout(&self, request: &Req) -> Option<Duration> {
        self.0.caller_timeout(request)
    }

    fn upload_clock<'a>(&self, request: &'a Req) -> Option<&'a UploadClock> {
        self.0.upload_clock(request)
    }
}

impl<P: CacheByKey> CacheByKey for HeadOnly<P> {}

#[diagnostic::do_not_recommend]
impl<P: Mark<Res>, Res> Mark<Res> for HeadOnly<P> {
    fn mark(&self, response: &mut Res, degraded: &Degraded) {
        self.0.mark(response, degraded);
    }
}
