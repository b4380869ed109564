//! The policy for gRPC over `http::Request` and `http::Response`.

use ::http::{Request, Response};
use mainstay_core::{Classify, Contextual, Degraded, Mark, Outcome, Refusal, Replay, RequestContext};

use super::{Draining, Http};
use crate::{ReplayBody, classify_error, classify_grpc_head};

/// The policy of gRPC: for tonic's `Channel` and servers, at the level of `http::Request` and `http::Response`.
///
/// * Results are classified by `grpc-status` and `grpc-retry-pushback-ms` in the head
///   ([`classify_grpc_head`](crate::classify_grpc_head)), and a stream that began well by its trailers.
/// * Every gRPC call is a POST, and only its author knows whether it may be made twice: say so by
///   [`Retryable::Yes`](crate::Retryable::Yes) in the request's extensions, an `Idempotency-Key` in its metadata, or
///   [`repeating_any_method`](Self::repeating_any_method) for a client whose calls all may.
/// * RequestContext and mark are kept as in [`Http`].
///
/// With feature `tonic` it classifies the `Result<tonic::Response<T>, _>` of a generated client too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grpc(Http);

// === impl Grpc ===

impl Grpc {
    /// The policy with its defaults: a call is repeated only if it says that it may be.
    #[must_use]
    pub const fn new() -> Self {
        Self(Http::new())
    }

    /// Repeats every call that does not say [`Retryable::No`](crate::Retryable::No).
    #[must_use]
    pub const fn repeating_any_method(self) -> Self {
        Self(self.0.repeating_any_method())
    }

    /// Shows a degraded answer to the client too, as `x-degraded: <step>` in its metadata.
    #[must_use]
    pub const fn with_degraded_header(self) -> Self {
        Self(self.0.with_degraded_header())
    }

    /// Drains the short bodies of responses that will be repeated; of use only where gRPC runs over HTTP/1.1
    /// (gRPC-Web).
    #[must_use]
    pub const fn draining(self) -> Draining<Self> {
        Draining::new(self)
    }
}

impl<B, E: Refusal + 'static> Classify<Response<B>, E> for Grpc {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => classify_grpc_head(response.status(), response.headers()),
            Err(error) => classify_error(error),
        }
    }
}

impl<B: ReplayBody> Replay<Request<B>> for Grpc {
    fn replay(&self, request: &Request<B>) -> Option<Request<B>> {
        self.0.replay(request)
    }

    fn is_intact(&self, copy: &Request<B>) -> bool {
        self.0.is_intact(copy)
    }
}

impl<B> Contextual<Request<B>> for Grpc {
    fn context<'a>(&self, request: &'a Request<B>) -> Option<&'a RequestContext> {
        self.0.context(request)
    }

    fn set_context(&self, request: &mut Request<B>, context: RequestContext) {
        self.0.set_context(request, context);
    }
}

impl<B> Mark<Response<B>> for Grpc {
    fn mark(&self, response: &mut Response<B>, degraded: &Degraded) {
        self.0.mark(response, degraded);
    }
}
