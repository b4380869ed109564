//! The outcome of a response's end, by a [guard](crate::body::guard_body) in its body.
//!
//! | end of the body | outcome |
//! |---|---|
//! | complete | success; for gRPC the status in the trailers, and a failure without one |
//! | dropped before it was complete | success: many callers read only the status, and an endpoint whose good responses were not counted would be left for its few bad ones |
//! | dropped while the caller waited for more | ignored |
//! | broken off | failure (network) |

use http::{HeaderMap, Response};
use mainstay_core::{FailureKind, Outcome};

use crate::body::{
    guard::{GuardBody, guard_body},
    guarded::BodyEnd,
};

/// Calls `settle` once with the outcome of the body's end; `complete` is the outcome of a complete body.
pub(crate) fn follow_body<B, F>(
    response: Response<B>,
    complete: impl FnOnce(Option<&HeaderMap>) -> Outcome + Send + Sync + 'static,
    settle: F,
) -> Response<B>
where
    B: GuardBody,
    F: FnOnce(Outcome) + Send + Sync + 'static,
{
    // A body that is at its end needs no guard, which would be boxed.
    if response.body().is_end_stream() {
        settle(complete(None));
        return response;
    }
    guard_body(response, move |end: BodyEnd<'_>| {
        settle(match end {
            BodyEnd::Complete { trailers } => complete(trailers),
            BodyEnd::Failed => Outcome::failure(FailureKind::Network),
            BodyEnd::Dropped => Outcome::Success,
            BodyEnd::Abandoned => Outcome::ignored(),
        });
    })
}
