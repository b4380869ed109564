//! The policies follow a response to the end of its body, by a [guard](crate::guard) in it.
//!
//! The verdict of the end is
//!
//! * success, where the body is complete, and where the caller did not want the rest: many look at the status only, and
//!   an endpoint whose good answers went uncounted would be left for its few bad ones;
//! * for gRPC the status in the trailers, and a failure where there is none;
//! * a failure of the network, if the body breaks off;
//! * ignored, if the caller gave up while it waited for the rest.

use http::{HeaderMap, Response};
use mainstay_core::{FailureKind, Follow, Outcome};

use crate::{BodyEnd, GRPC_STATUS, Grpc, GuardBody, Http, classify_grpc, guard};

// === impl Follow ===

/// ```
/// use http::Response;
/// use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
/// use mainstay_core::{Follow, Outcome};
/// use mainstay_http::Http;
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
impl<B: GuardBody> Follow<Response<B>> for Http {
    fn is_streaming(&self, response: &Response<B>) -> bool {
        !response.body().is_end_stream()
    }

    fn follow<F>(&self, response: Response<B>, settle: F) -> Response<B>
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        follow(response, move |end| settle(verdict(end, |_| Outcome::Success)))
    }
}

impl<B: GuardBody> Follow<Response<B>> for Grpc {
    /// A response of trailers only has said all in its head.
    fn is_streaming(&self, response: &Response<B>) -> bool {
        !(response.body().is_end_stream() && response.headers().contains_key(GRPC_STATUS))
    }

    fn follow<F>(&self, response: Response<B>, settle: F) -> Response<B>
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        let told = response.headers().contains_key(GRPC_STATUS);
        let at_end = move |trailers: Option<&HeaderMap>| match trailers.and_then(classify_grpc) {
            Some(outcome) => outcome,
            None if told => Outcome::Success,
            None => Outcome::failure(FailureKind::Unknown),
        };
        follow(response, move |end| settle(verdict(end, at_end)))
    }
}

fn follow<B, F>(response: Response<B>, ended: F) -> Response<B>
where
    B: GuardBody,
    F: FnOnce(BodyEnd<'_>) + Send + Sync + 'static,
{
    // A body that is at its end needs no box.
    if response.body().is_end_stream() {
        ended(BodyEnd::Complete { trailers: None });
        return response;
    }
    guard(response, ended)
}

pub(crate) fn verdict(end: BodyEnd<'_>, at_end: impl FnOnce(Option<&HeaderMap>) -> Outcome) -> Outcome {
    match end {
        BodyEnd::Complete { trailers } => at_end(trailers),
        BodyEnd::Failed => Outcome::failure(FailureKind::Network),
        BodyEnd::Dropped => Outcome::Success,
        BodyEnd::GivenUp => Outcome::Ignored,
    }
}
