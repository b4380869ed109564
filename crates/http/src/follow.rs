//! The seam between a layer and a response that is not over when its head is there.

use http::{HeaderMap, Response};
use mainstay_core::{FailureKind, Outcome};

use crate::{BodyEnd, BoxedBody, Grpc, Http, classify_grpc, classify_grpc_head, classify_head, guard};

/// Follows a response to the end of its body, without changing its type.
///
/// A layer that holds something for a call (a permit, a lease) moves it into `settle` and gives the response on: a
/// bulkhead's permit comes back when the stream ends, and a breaker records what the trailers say. The verdict is
///
/// * the head's, if it is not a success, or if the head was all;
/// * for gRPC the status in the trailers, and a failure where there are none;
/// * a failure of the network, if the body breaks off;
/// * ignored, if the caller did not want the rest.
///
/// ```
/// use http::Response;
/// use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
/// use mainstay_core::Outcome;
/// use mainstay_http::{Follow, Http};
/// # use bytes::Bytes;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (verdict, settled) = tokio::sync::oneshot::channel();
/// let response: Response<UnsyncBoxBody<Bytes, _>> = Response::new(Full::from("hello").boxed_unsync());
/// let response = Http::new().follow(response, |outcome| {
///     let _ = verdict.send(outcome);
/// });
/// response.into_body().collect().await?;
/// assert_eq!(settled.await?, Outcome::Success);
/// # Ok::<(), mainstay_core::BoxError>(()) })?;
/// # Ok::<(), mainstay_core::BoxError>(())
/// ```
pub trait Follow<Res> {
    /// Calls `settle` once, when the response is over.
    fn follow<F>(&self, response: Res, settle: F) -> Res
    where
        F: FnOnce(Outcome) + Send + 'static;
}

// === impl Follow ===

impl<B: BoxedBody> Follow<Response<B>> for Http {
    fn follow<F>(&self, response: Response<B>, settle: F) -> Response<B>
    where
        F: FnOnce(Outcome) + Send + 'static,
    {
        let head = classify_head(response.status(), response.headers());
        follow(response, move |end| settle(verdict(head, end, |_| Outcome::Success)))
    }
}

impl<B: BoxedBody> Follow<Response<B>> for Grpc {
    fn follow<F>(&self, response: Response<B>, settle: F) -> Response<B>
    where
        F: FnOnce(Outcome) + Send + 'static,
    {
        let head = classify_grpc_head(response.status(), response.headers());
        let told = classify_grpc(response.headers()).is_some();
        let at_end = move |trailers: Option<&HeaderMap>| match trailers.and_then(classify_grpc) {
            Some(outcome) => outcome,
            None if told => Outcome::Success,
            None => Outcome::failure(FailureKind::Unknown),
        };
        follow(response, move |end| settle(verdict(head, end, at_end)))
    }
}

fn follow<B: BoxedBody>(response: Response<B>, ended: impl FnOnce(BodyEnd<'_>) + Send + 'static) -> Response<B> {
    // A body that is at its end needs no box.
    if response.body().is_end_stream() {
        ended(BodyEnd::Complete { trailers: None });
        return response;
    }
    guard(response, ended)
}

fn verdict(head: Outcome, end: BodyEnd<'_>, at_end: impl FnOnce(Option<&HeaderMap>) -> Outcome) -> Outcome {
    match end {
        _ if !head.is_success() => head,
        BodyEnd::Complete { trailers } => at_end(trailers),
        BodyEnd::Failed => Outcome::failure(FailureKind::Network),
        BodyEnd::Dropped => Outcome::Ignored,
    }
}
