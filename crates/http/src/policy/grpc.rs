//! The policy for gRPC over `http::Request` and `http::Response`.

use std::time::Duration;

use ::http::{HeaderMap, Request, Response};
use mainstay_core::{
    Classify, Contextual, Degraded, FailureKind, Follow, Mark, Outcome, Refusal, Replay, RequestContext, RequestCopy,
    UploadClock,
};

use crate::{
    body::{guard::GuardBody, replay::ReplayBody},
    grpc::{
        status::{GRPC_STATUS, classify_grpc, classify_grpc_head},
        timeout::{GRPC_TIMEOUT, parse_grpc_timeout},
    },
    policy::{draining::Draining, error::classify_error, follow::follow_body, http::Http, kept_request::KeptRequest},
};

/// The policy for gRPC: for tonic's `Channel` and servers, at the level of `http::Request` and `http::Response`.
///
/// * Results are classified by `grpc-status` and `grpc-retry-pushback-ms` in the head ([`classify_grpc_head`]), and
///   streams whose head is a success by their trailers.
/// * Every gRPC call is a POST, so a call that was sent is repeated only if its author allows it: by
///   [`Retryable::Yes`](crate::policy::Retryable::Yes) in the request's extensions, by an `Idempotency-Key` in its
///   metadata, or by [`repeating_any_method`](Self::repeating_any_method) for all calls of a client.
/// * The request context and the mark of a fallback are kept as in [`Http`]. A call that has a `grpc-timeout` of its own,
///   as tonic's `Request::set_timeout` writes it, has that deadline for all its attempts.
///
/// With feature `tonic` it classifies the `Result<tonic::Response<T>, _>` of a generated client too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grpc(Http);

// === impl Grpc ===

impl Grpc {
    /// The policy with its defaults: a call that was sent is repeated only if its author allows it.
    #[must_use]
    pub const fn new() -> Self {
        Self(Http::new())
    }

    /// Repeats every call without [`Retryable::No`](crate::policy::Retryable::No).
    #[must_use]
    pub const fn repeating_any_method(self) -> Self {
        Self(self.0.repeating_any_method())
    }

    /// Sends `x-degraded: <step>` in the metadata of degraded responses.
    #[must_use]
    pub const fn with_degraded_header(self) -> Self {
        Self(self.0.with_degraded_header())
    }

    /// Reads the short bodies of responses that a layer discards; of use only with gRPC over HTTP/1.1 (gRPC-Web).
    #[must_use]
    pub const fn draining(self) -> Draining<Self> {
        Draining::new(self)
    }
}

impl<B, E: Refusal> Classify<Response<B>, E> for Grpc {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => classify_grpc_head(response.status(), response.headers()),
            Err(error) => classify_error(error),
        }
    }
}

impl<B: GuardBody> Follow<Response<B>> for Grpc {
    /// A trailers-only response is complete with its head.
    fn is_streaming(&self, response: &Response<B>) -> bool {
        !(response.body().is_end_stream() && response.headers().contains_key(GRPC_STATUS))
    }

    fn follow<F>(&self, response: Response<B>, settle: F) -> Response<B>
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        let status_in_head = response.headers().contains_key(GRPC_STATUS);
        let complete = move |trailers: Option<&HeaderMap>| match trailers.and_then(classify_grpc) {
            Some(outcome) => outcome,
            None if status_in_head => Outcome::Success,
            None => Outcome::failure(FailureKind::Unknown),
        };
        follow_body(response, complete, settle)
    }
}

impl<B: ReplayBody> Replay<Request<B>> for Grpc {
    type Kept = KeptRequest<B>;

    fn replay(&self, request: &Request<B>) -> Option<RequestCopy<KeptRequest<B>>> {
        self.0.replay(request)
    }

    fn is_intact(&self, copy: &KeptRequest<B>) -> bool {
        Replay::<Request<B>>::is_intact(&self.0, copy)
    }
}

impl<B> Contextual<Request<B>> for Grpc {
    fn carries_context(&self) -> bool {
        true
    }

    fn context<'a>(&self, request: &'a Request<B>) -> Option<&'a RequestContext> {
        self.0.context(request)
    }

    fn set_context(&self, request: &mut Request<B>, context: RequestContext) {
        self.0.set_context(request, context);
    }

    fn change_context<F>(&self, request: &mut Request<B>, change: F)
    where
        F: FnOnce(&mut RequestContext),
    {
        self.0.change_context(request, change);
    }

    fn caller_timeout(&self, request: &Request<B>) -> Option<Duration> {
        parse_grpc_timeout(request.headers().get(GRPC_TIMEOUT)?)
    }

    fn upload_clock<'a>(&self, request: &'a Request<B>) -> Option<&'a UploadClock> {
        request.extensions().get()
    }
}

impl<B> Mark<Response<B>> for Grpc {
    fn mark(&self, response: &mut Response<B>, degraded: &Degraded) {
        self.0.mark(response, degraded);
    }
}
