//! What a layer must know of the protocol, as small traits on one value that serves a whole stack.
//!
//! Each layer asks only for the traits it needs, so a breaker needs nothing but [`Classify`]. One
//! object with all four as methods was rejected: it would force every user to know every layer.

use std::{fmt, time::Duration};

use crate::{FailureKind, Name, Outcome, Refusal, RequestContext};

/// Turns a result into the [`Outcome`] that every layer reads.
///
/// The result is seen *after* conversion into the layer's error type `E`, so refusals of our own
/// layers are seen as such.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot classify `Result<{Res}, {E}>`",
    label = "no `Classify<{Res}, {E}>` for this policy",
    note = "`Plain` classifies any response, with an error that implements `Refusal` (`BoxError` does); name the protocol's policy (`Http`, `Grpc`, `Reqwest`) or write `classify_fn(|result| ..)`"
)]
pub trait Classify<Res, E> {
    /// The verdict on this result.
    fn classify(&self, result: Result<&Res, &E>) -> Outcome;

    /// Lets go of a result that will be repeated, before the wait. Dropping it is the default; HTTP
    /// drains a short body so that its connection can be used again.
    fn discard(&self, result: Result<Res, E>) {
        drop(result);
    }
}

/// Says whether and how a request can be repeated.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot replay `{Req}`",
    label = "no `Replay<{Req}>` for this policy",
    note = "`Plain` repeats what is `Clone`; for HTTP requests name the policy (`Http`, `Grpc`, `Reqwest`) and make the body replayable"
)]
pub trait Replay<Req> {
    /// A second copy of the request, or `None` if repeating it is impossible or unsafe.
    fn replay(&self, request: &Req) -> Option<Req>;

    /// Whether a copy made earlier can still be sent. A streamed body that outgrew its buffer while the first
    /// attempt sent it has no second copy any more: ask before an attempt is decided on, and return the original
    /// result where the answer is no. Copies made of memory always can, which is the default.
    fn is_intact(&self, copy: &Req) -> bool {
        let _ = copy;
        true
    }
}

/// Reads and writes what travels with a request: deadline, attempt number, sends left.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot read the context of `{Req}`",
    label = "no `Contextual<{Req}>` for this policy",
    note = "`Plain` works for any request and has no context; name the protocol's policy (`Http`, `Grpc`, `Reqwest`) for HTTP requests"
)]
pub trait Contextual<Req> {
    /// Whether requests carry a context at all. Where they do not, a layer saves itself the making of one.
    fn carries_context(&self) -> bool {
        true
    }

    /// The request's context, if the protocol carries one.
    fn context<'a>(&self, request: &'a Req) -> Option<&'a RequestContext> {
        let _ = request;
        None
    }

    /// Puts the context onto the request, if the protocol carries one.
    fn set_context(&self, request: &mut Req, context: RequestContext) {
        let _ = (request, context);
    }
}

/// Marks an answer that is not the dependency's own, so that an outage is never hidden.
#[diagnostic::on_unimplemented(
    message = "the policy `{Self}` cannot mark `{Res}` as degraded",
    label = "no `Mark<{Res}>` for this policy"
)]
pub trait Mark<Res> {
    /// Notes on the response that a fallback made it. Does nothing where the protocol has no place for it.
    fn mark(&self, response: &mut Res, degraded: &Degraded) {
        let _ = (response, degraded);
    }
}

/// The mark on an answer that a fallback made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Degraded {
    /// The step that answered.
    pub step: Name,
    /// How old the answer is, where it came from a cache.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub age: Option<Duration>,
}

/// The default policy: every `Ok` is a success, every error a failure unless one of our layers
/// refused; what is `Clone` is repeated; there is no context and no mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain;

/// A policy made of a closure; see [`classify_fn`]. Everything else is as in [`Plain`].
#[derive(Clone, Copy)]
pub struct ClassifyFn<F>(F);

/// A policy from a function of the result; requests are treated as [`Plain`] treats them.
///
/// Hand it a named function rather than a closure where the stack moves into a spawned task and is called there with
/// `oneshot`: a closure that names `BoxError` trips the compiler ("implementation of `FnOnce` is not general enough").
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

// So that the compiler speaks of the policy, which is what is missing, and not of `Clone`.
#[diagnostic::do_not_recommend]
impl<Req: Clone> Replay<Req> for Plain {
    fn replay(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
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
    fn replay(&self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }
}

impl<F, Req> Contextual<Req> for ClassifyFn<F> {}

impl<F, Res> Mark<Res> for ClassifyFn<F> {}

impl<F> fmt::Debug for ClassifyFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassifyFn").finish_non_exhaustive()
    }
}
