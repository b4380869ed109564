//! The outcome of an error, by the first cause that has one.

use std::error::Error;

use mainstay_core::{FailureKind, Outcome, Reason, Refusal, Rejected, causes, is_out_of_files};

#[cfg(feature = "tonic")]
use crate::grpc::{
    retry_info::retry_info,
    status::{GrpcCode, with_pushback},
};
#[cfg(feature = "hyper")]
use crate::policy::transport::is_head_too_large;
use crate::{
    body::replayable::ReplayableError,
    policy::transport::{IGNORED, classify_transport},
};

/// Returns the outcome of a transport error: of a rejection its own, of a failed *request* body one that is not the
/// server's fault, of a timeout a failure by timeout, of a request that was not sent a failure to connect, of everything
/// else a failure of the network.
///
/// With feature `hyper` (on by default) the errors of hyper, hyper-util and h2 are told apart, also inside those of reqwest
/// and tonic: see [`FailureKind::Connect`].
///
/// The causes of the error are searched: of a `BoxError`, and of a typed error through [`Refusal::as_error`].
#[must_use]
pub fn classify_error<E: Refusal>(error: &E) -> Outcome {
    if let Some(rejected) = error.rejected() {
        return rejected.outcome();
    }
    error.as_error().and_then(classify_causes).unwrap_or(Outcome::failure(FailureKind::Network))
}

/// Returns the limit of this process that caused an error, if one did: [`OutOfFiles`](Reason::OutOfFiles), or
/// [`ResponseTooLarge`](Reason::ResponseTooLarge). The server is not at fault, and an operator should hear of it.
///
/// The causes of the error are searched, as by [`classify_error`].
#[must_use]
pub fn own_limit<E: Refusal>(error: &E) -> Option<Reason> {
    let error = error.as_error()?;
    if is_out_of_files(error) {
        return Some(Reason::OutOfFiles);
    }
    #[cfg(feature = "hyper")]
    if is_head_too_large(error) {
        return Some(Reason::ResponseTooLarge);
    }
    let reason = causes(error).find_map(|cause| cause.downcast_ref().map(Rejected::reason))?;
    matches!(reason, Reason::OutOfFiles | Reason::ResponseTooLarge).then_some(reason)
}

/// The outcome of the first cause that has one, the error itself included.
pub(crate) fn classify_causes(error: &(dyn Error + 'static)) -> Option<Outcome> {
    // First, because a connection that found no file descriptor has failed to connect, too.
    if is_out_of_files(error) {
        return Some(IGNORED);
    }
    causes(error).find_map(classify_cause)
}

fn classify_cause(error: &(dyn Error + 'static)) -> Option<Outcome> {
    if let Some(rejected) = error.downcast_ref::<Rejected>() {
        return Some(rejected.outcome());
    }
    if let Some(error) = error.downcast_ref::<ReplayableError>() {
        return Some(error.outcome());
    }
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return classify_reqwest(error);
    }
    #[cfg(feature = "tonic")]
    if let Some(outcome) = classify_tonic(error) {
        return Some(outcome);
    }
    if error.is::<tokio::time::error::Elapsed>() {
        return Some(Outcome::failure(FailureKind::Timeout));
    }
    classify_transport(error)
}

/// The outcome of reqwest's own error; `None` if a cause may have a better one.
#[cfg(feature = "reqwest")]
fn classify_reqwest(error: &reqwest::Error) -> Option<Outcome> {
    // The request could not be built, or there are too many redirects: not the server's fault.
    if error.is_builder() || error.is_redirect() {
        return Some(Outcome::ignored());
    }
    if error.is_connect() {
        return Some(Outcome::failure(FailureKind::Connect));
    }
    if error.is_timeout() {
        return Some(Outcome::failure(FailureKind::Timeout));
    }
    error.status().map(crate::policy::status::classify_status)
}

#[cfg(feature = "tonic")]
fn classify_tonic(error: &(dyn Error + 'static)) -> Option<Outcome> {
    // Tonic's status for a transport error may be `CANCELLED`, although the caller has cancelled nothing.
    if error.is::<tonic::transport::Error>() {
        let cause = error.source().and_then(classify_causes);
        return Some(cause.unwrap_or(Outcome::failure(FailureKind::Network)));
    }
    if error.is::<tonic::ConnectError>() {
        return Some(Outcome::failure(FailureKind::Connect));
    }
    if error.is::<tonic::TimeoutExpired>() {
        return Some(Outcome::failure(FailureKind::Timeout));
    }
    error.downcast_ref().map(classify_grpc_status)
}

/// The outcome of a status. A status that was made in this process has its reason as its source, which is more precise
/// than the code: a rejection, or a timeout that tonic calls `CANCELLED`.
#[cfg(feature = "tonic")]
pub(crate) fn classify_grpc_status(status: &tonic::Status) -> Outcome {
    use mainstay_core::Repeat;

    let by_code = || {
        let outcome = GrpcCode::from(status.code()).classify();
        // Tonic takes the details out of the metadata. Pushback overrides them, as it does in headers.
        let wait = retry_info(status.details()).filter(|_| outcome.repeat() != Repeat::Never);
        let outcome = wait.map_or(outcome, |wait| outcome.with_repeat(Repeat::After(wait)));
        with_pushback(outcome, status.metadata().as_ref())
    };
    status.source().and_then(classify_causes).unwrap_or_else(by_code)
}
