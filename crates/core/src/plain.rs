//! The default policy.

use std::{any::type_name, sync::Once};

use crate::{CacheByKey, Classify, Contextual, FailureKind, Follow, Mark, Outcome, Refusal, Replay, RequestCopy};

/// The default policy: every `Ok` is a success, and every error is a failure unless a Mainstay layer refused. Requests
/// that are `Clone` can be retried. There is no context and no mark.
///
/// It is not for HTTP and gRPC, whose servers report their failures in a response. The first response of `http`, `reqwest`
/// or `tonic` that it classifies is logged as a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain;

/// The beginnings of the names of responses that need another policy.
const HTTP: &str = "http::response::Response<";
const REQWEST: &str = "reqwest::async_impl::response::Response";
const TONIC: &str = "tonic::response::Response<";

// === impl Plain ===

impl<Res, E: Refusal> Classify<Res, E> for Plain {
    fn classify(&self, result: Result<&Res, &E>) -> Outcome {
        match result {
            Ok(_) => {
                // The compiler evaluates it: the name of a type is a constant.
                if is_of_protocol(type_name::<Res>()) {
                    warn_of_protocol(type_name::<Res>());
                }
                Outcome::Success
            }
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
    type Kept = Req;

    fn replay(&self, request: &Req) -> Option<RequestCopy<Req>> {
        Some(RequestCopy::new(request.clone()))
    }
}

impl<Req> Contextual<Req> for Plain {}

impl<Res> Follow<Res> for Plain {}

impl<Res> Mark<Res> for Plain {}

impl CacheByKey for Plain {}

/// Returns whether a type is `http::Response` or `reqwest::Response`, by its name: this crate depends on neither.
#[inline]
#[must_use]
pub fn is_http_response<Res>() -> bool {
    let response = type_name::<Res>();
    response.starts_with(HTTP) || response.starts_with(REQWEST)
}

#[inline]
fn is_of_protocol(response: &'static str) -> bool {
    response.starts_with(HTTP) || response.starts_with(REQWEST) || response.starts_with(TONIC)
}

/// Logs the first response of each protocol. A policy has no state, so the process remembers it, as it does with the
/// callsites of `tracing`.
#[cold]
fn warn_of_protocol(response: &'static str) {
    static LOGGED: [Once; 3] = [const { Once::new() }; 3];
    let [http, reqwest, tonic] = &LOGGED;
    let (logged, policy) = match response {
        name if name.starts_with(HTTP) => (http, "Http"),
        name if name.starts_with(REQWEST) => (reqwest, "Reqwest"),
        _ => (tonic, "Grpc"),
    };
    logged.call_once(|| {
        tracing::warn!(
            response,
            "the policy `Plain` counts every response as a success, whatever its status: \
             add `.with_policy({policy}::new())` to each layer"
        );
    });
}
