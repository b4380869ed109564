//! What a layer must know about the protocol: small traits, implemented by one value that serves a whole stack.
//!
//! Each layer requires only the traits that it uses. One trait with all methods was rejected: every user would have to
//! implement it for layers that are not in the stack.

use std::{fmt, time::Duration};

use crate::{FailureKind, Name, Outcome, Refusal, RequestContext, RequestCopy, UploadClock};

/// Turns a result into the [`Outcome`] that every layer reads.
///
/// The result is classified *after* conversion into the layer's error type `E`, so that refusals of Mainstay layers are
/// recognised.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot classify `Result<{Res}, {E}>`",
    label = "no `Classify<{Res}, {E}>` for this policy",
    note = "`Plain` classifies any response, with an error that implements `Refusal` (`BoxError` does); name the protocol's policy (`Http`, `Grpc`, `Reqwest`) or write `classify_fn(|result| ..)`"
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
    /// Returns a copy of the request with the condition under which it may be sent, or `None` if it cannot be sent again.
    ///
    /// A request that the dependency must not execute twice is copied with [`RequestCopy::only_if_unsent`].
    fn replay(&self, request: &Req) -> Option<RequestCopy<Req>>;

    /// Returns whether a copy made earlier can still be sent. A streamed body that outgrew its buffer during the first
    /// attempt has no second copy any more. A layer checks this before it starts another attempt, and returns the
    /// original result if the copy is lost. The default, for copies in memory, is true.
    fn is_intact(&self, copy: &Req) -> bool {
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
    /// Returns whether requests carry a context at all. If they do not, layers create none.
    fn carries_context(&self) -> bool {
        true
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

/// The mark on a response that a fallback produced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Degraded {
    /// The name of the fallback step that produced the response.
    pub step: Name,
    /// The age of the response, if it came from a cache.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub age: Option<Duration>,
}

/// The default policy: every `Ok` is a success, and every error is a failure unless a Mainstay layer refused. Requests
/// that are `Clone` can be retried. There is no context and no mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain;

/// A policy from a function of the result; see [`classify_fn`]. The rest is the same as in [`Plain`].
#[derive(Clone, Copy)]
pub struct ClassifyFn<F>(F);

/// Creates a policy from a function of the result. Requests are handled as by [`Plain`].
///
/// Pass a named function rather than a closure if the stack moves into a spawned task and is called there with
/// `oneshot`: the compiler rejects a closure that names `BoxError` ("implementation of `FnOnce` is not general enough").
///
/// ```
/// use mainstay_core::{BoxError, Classify, FailureKind, Outcome, classify_fn};
///
/// fn by_length(result: Result<&String, &BoxError>) -> Outcome {
///     match result {
///         Ok(text) if text.is_empty() => Outcome::failure(FailureKind::Unavailable),
///         Ok(_) => Outcome::Success,
///         Err(_) => Outcome::failure(FailureKind::Network),
///     }
/// }
///
/// let policy = classify_fn(by_length);
/// assert!(policy.classify(Ok(&String::new())).is_failure());
/// ```
pub fn classify_fn<F, Res, E>(classify: F) -> ClassifyFn<F>
where
    F: Fn(Result<&Res, &E>) -> Outcome,
{
    ClassifyFn(classify)
}

// === impl Plain ===

impl<Res, E: Refusal> Classify<Res, E> for Plain {
    fn classify(&self, result: Result<&Res, &E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => match error.rejected() {
                Some(rejected) => rejected.outcome(),
                None => Outcome::failure(FailureKind::Unknown),
            },
        }
    }
}

// The compiler then names the missing policy instead of the missing `Clone`.
#[diagnostic::do_not_recommend]
impl<Req: Clone> Replay<Req> for Plain {
    fn replay(&self, request: &Req) -> Option<RequestCopy<Req>> {
        Some(RequestCopy::new(request.clone()))
    }
}

impl<Req> Contextual<Req> for Plain {
    fn carries_context(&self) -> bool {
        false
    }
}

impl<Res> Mark<Res> for Plain {}

// === impl ClassifyFn ===

impl<F, Res, E> Classify<Res, E> for ClassifyFn<F>
where
    F: Fn(Result<&Res, &E>) -> Outcome,
{
    fn classify(&self, result: Result<&Res, &E>) -> Outcome {
        (self.0)(result)
    }
}

#[diagnostic::do_not_recommend]
impl<F, Req: Clone> Replay<Req> for ClassifyFn<F> {
    fn replay(&self, request: &Req) -> Option<RequestCopy<Req>> {
        Some(RequestCopy::new(request.clone()))
    }
}

impl<F, Req> Contextual<Req> for ClassifyFn<F> {}

impl<F, Res> Mark<Res> for ClassifyFn<F> {}

impl<F> fmt::Debug for ClassifyFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassifyFn").finish_non_exhaustive()
    }
}
