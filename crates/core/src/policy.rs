//! What a layer must know about the protocol: small traits, implemented by one value that serves a whole stack.
//!
//! Each layer requires only the traits that it uses. One trait with all methods was rejected: every user would have to
//! implement it for layers that are not in the stack.

use std::time::Duration;

use crate::{Name, Outcome, RequestContext, RequestCopy, UploadClock};

/// Turns a result into the [`Outcome`] that every layer reads.
///
/// The result is classified *after* conversion into the layer's error type `E`, so that refusals of Mainstay layers are
/// recognised.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot classify `Result<{Res}, {E}>`",
    label = "no `Classify<{Res}, {E}>` for this policy",
    note = "`Plain` classifies any response, with an error that implements `Refusal` (`BoxError` does); name the protocol's policy (`Http`, `Grpc`, `Reqwest`) or write `classify_fn(function)`"
)]
pub trait Classify<Res, E> {
    /// Returns the outcome of this result.
    fn classify(&self, result: Result<&Res, &E>) -> Outcome;

    /// Discards a result that will be retried, before the delay. The default drops it; HTTP drains a short body so that
    /// its connection can be reused.
    fn discard(&self, result: Result<Res, E>) {
        drop(result);
    }
}

/// Copies requests that can be sent again.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot replay `{Req}`",
    label = "no `Replay<{Req}>` for this policy",
    note = "`Plain` repeats what is `Clone`; for HTTP requests name the policy (`Http`, `Grpc`, `Reqwest`) and make the body replayable"
)]
pub trait Replay<Req> {
    /// The form in which a copy is kept until it is sent: `Req` itself, or a form that is cheaper to make. Most copies are
    /// never sent, so that only a repeat should pay for the whole request.
    type Kept: Into<Req>;

    /// Returns a copy of the request with the condition under which it may be sent, or `None` if it cannot be sent again.
    ///
    /// A request that the dependency must not execute twice is copied with [`RequestCopy::only_if_unsent`].
    fn replay(&self, request: &Req) -> Option<RequestCopy<Self::Kept>>;

    /// Returns whether a copy made earlier can still be sent. A streamed body that outgrew its buffer during the first
    /// attempt has no second copy any more. A layer checks this before it starts another attempt, and returns the
    /// original result if the copy is lost. The default, for copies in memory, is true.
    fn is_intact(&self, copy: &Self::Kept) -> bool {
        let _ = copy;
        true
    }
}

/// Reads and writes the [`RequestContext`] of a request: deadline, attempt number, attempts left.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot read the context of `{Req}`",
    label = "no `Contextual<{Req}>` for this policy",
    note = "`Plain` works for any request and has no context; name the protocol's policy (`Http`, `Grpc`, `Reqwest`) for HTTP requests"
)]
pub trait Contextual<Req> {
    /// Returns whether requests carry a context, so that one that is set can be read again. The default is false: layers
    /// then create none. A policy that implements [`context`](Self::context) and [`set_context`](Self::set_context)
    /// returns true.
    fn carries_context(&self) -> bool {
        false
    }

    /// Returns the context of the request, if it has one.
    fn context<'a>(&self, request: &'a Req) -> Option<&'a RequestContext> {
        let _ = request;
        None
    }

    /// Sets the context of the request, if the protocol carries one.
    fn set_context(&self, request: &mut Req, context: RequestContext) {
        let _ = (request, context);
    }

    /// Changes the context of the request, which is empty if there was none. Does nothing if requests carry no context.
    ///
    /// The default copies the context. Override it if the context can be changed in place.
    fn change_context<F>(&self, request: &mut Req, change: F)
    where
        F: FnOnce(&mut RequestContext),
    {
        if self.carries_context() {
            let mut context = self.context(request).cloned().unwrap_or_default();
            change(&mut context);
            self.set_context(request, context);
        }
    }

    /// Returns the time that the caller wrote into the request itself, such as gRPC's `grpc-timeout`. It counts from the
    /// call, and bounds all attempts together.
    fn caller_timeout(&self, request: &Req) -> Option<Duration> {
        let _ = request;
        None
    }

    /// Returns the clock of the request's body, if the body is streamed and has one. Timeouts then run from its last byte.
    fn upload_clock<'a>(&self, request: &'a Req) -> Option<&'a UploadClock> {
        let _ = request;
        None
    }
}

/// Marks a response that a fallback produced, so that an outage is never hidden.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot mark `{Res}` as degraded",
    label = "no `Mark<{Res}>` for this policy"
)]
pub trait Mark<Res> {
    /// Marks the response as degraded. Does nothing if the protocol has no place for a mark.
    fn mark(&self, response: &mut Res, degraded: &Degraded) {
        let _ = (response, degraded);
    }
}

/// A policy whose protocol has no rules on which responses may be kept and for which callers, so that a key of the caller's
/// decides it: `last_good(key)` of the fallback requires it.
///
/// HTTP has such rules, so the policies `Http` and `Reqwest` do not implement it; `last_good_http` follows the rules.
/// Implement it for a policy of your own: `impl CacheByKey for MyPolicy {}`.
#[diagnostic::on_unimplemented(
    message = "responses of the policy `{Self}` are not kept under a key alone",
    label = "the protocol says which responses may be kept and for which callers",
    note = "for HTTP use `last_good_http(CacheRules::new())` in place of `last_good`; for a protocol without such rules write `impl CacheByKey for {Self} {{}}`"
)]
pub trait CacheByKey {}

/// The mark on a response that a fallback produced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Degraded {
    /// The name of the fallback step that produced the response.
    pub step: Name,
    /// The age of the response, if it came from a cache.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::times::seconds"))]
    pub age: Option<Duration>,
}
